package traceinject

import (
	"fmt"
	"slices"
	"strings"
)

func (c *Config) checkHeader() (err error) {
	switch {
	case c.ResponseHeader == "":
		return nil
	case !isToken(c.ResponseHeader):
		err = fmt.Errorf("response_header: %q is not a header name; use letters, digits and dashes, such as %s",
			c.ResponseHeader, defaultResponseHeader)
	case strings.Contains(c.ResponseHeader, "_"):
		err = fmt.Errorf("response_header: %q is not sent under this name, since nginx writes dashes for underscores; write %s",
			c.ResponseHeader, strings.ReplaceAll(c.ResponseHeader, "_", "-"))
	case isReserved(c.ResponseHeader):
		err = fmt.Errorf("response_header: %q has a meaning of its own; use another name, such as %s",
			c.ResponseHeader, defaultResponseHeader)
	default:
		return nil
	}
	c.ResponseHeader = ""
	return err
}

// reserved are headers that break a response, that tell the client something else, or
// that change what a browser does, when a trace id is in them. A star at the end stands
// for any rest. The field's tag has them too, for Kong.
var reserved = strings.Split("Accept-*|Access-Control-*|Activate-Storage-Access|Age|Allow|Alt-Svc|Authentication-Control|"+
	"Authentication-Info|Cache-*|CDN-*|Clear-Site-Data|Connection|Content-*|Critical-CH|Cross-Origin-*|Date|"+
	"Deprecation|Digest|Document-Policy|Document-Policy-Report-Only|E-Tag|ETag|Expect-CT|Expires|"+
	"Feature-Policy|HTTP2-Settings|Integrity-Policy|Integrity-Policy-Report-Only|Keep-Alive|Last-Modified|"+
	"Link|Location|MIME-Version|NEL|No-Vary-Search|Observe-Browsing-Topics|Optional-WWW-Authenticate|"+
	"Origin-Agent-Cluster|Origin-Trial|P3P|Permissions-Policy|Permissions-Policy-Report-Only|Pragma|"+
	"Preference-Applied|Proxy-*|Public-Key-Pins|Public-Key-Pins-Report-Only|RateLimit|RateLimit-Policy|"+
	"Referrer-Policy|Refresh|Report-To|Reporting-Endpoints|Repr-Digest|Require-Document-Policy|Retry-After|"+
	"Sec-*|Server|Server-Timing|Service-Worker-*|Set-Cookie|Set-Cookie2|Set-Login|Signature|Signature-Input|SourceMap|"+
	"Speculation-Rules|Strict-Transport-Security|Sunset|Supports-Loading-Mode|Surrogate-*|TE|"+
	"Timing-Allow-Origin|Tk|Traceresponse|Trailer|Transfer-Encoding|Upgrade|Use-As-Dictionary|Vary|Via|Want-*|Warning|"+
	"WWW-Authenticate|X-Accel-*|X-Content-Security-Policy|X-Content-Type-Options|X-DNS-Prefetch-Control|"+
	"X-Download-Options|X-Frame-Options|X-Kong-*|X-Permitted-Cross-Domain-Policies|X-RateLimit-*|X-Robots-Tag|"+
	"X-SourceMap|X-UA-Compatible|X-WebKit-CSP|X-XSS-Protection", "|")

func isReserved(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(reserved, func(r string) bool {
		prefix, isPrefix := strings.CutSuffix(strings.ToLower(r), "*")
		return name == prefix || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
