package cors

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// origin is one that the configuration allows: a domain, or an expression for domains, or
// for hosts if there is no colon in it.
type origin struct {
	domain  string
	pattern *regexp.Regexp
	byHost  bool
}

// plainOrigin are the characters of an origin that is no expression.
var plainOrigin = regexp.MustCompile(`^[A-Za-z0-9.:/-]+$`)

func parseOrigin(text string) (origin, error) {
	if text == "*" {
		return origin{}, nil // matches nobody; whoever asks for it finds it in the texts
	}
	if plainOrigin.MatchString(text) {
		from, err := normalize(text)
		return origin{domain: from.domain}, err
	}
	pattern, err := regexp.Compile(whole(text))
	if err != nil {
		return origin{}, fmt.Errorf("origins: %w", err)
	}
	return origin{pattern: pattern, byHost: !strings.Contains(text, ":")}, nil
}

// whole is an expression that begins where a text does; what ends it is anchored, which
// of several alternatives is the last one only, as in Kong.
func whole(text string) string {
	text = strings.TrimPrefix(text, "^")
	if !strings.HasSuffix(text, "$") {
		text += "$"
	}
	return "^(?:" + text + ")"
}

func (o origin) has(from domain) bool {
	switch {
	case o.pattern == nil:
		return o.domain != "" && o.domain == from.domain
	case o.byHost:
		return o.pattern.MatchString(from.host)
	default:
		return o.pattern.MatchString(from.domain)
	}
}

// domain is an origin as it is compared: without the port that its scheme has anyway.
type domain struct{ domain, host string }

var errNoOrigin = errors.New("invalid url")

var scheme = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.-]*:`)

// normalize reads an origin as LuaSocket's url.parse does, which takes any text but an
// empty one: without a host it stays as it is.
func normalize(text string) (domain, error) {
	if text == "" {
		return domain{}, errNoOrigin
	}
	rest, _, _ := strings.Cut(text, "#")
	prefix := scheme.FindString(rest)
	authority, isURL := strings.CutPrefix(rest[len(prefix):], "//")
	authority, _, _ = strings.Cut(authority, "/")
	if _, after, ok := strings.Cut(authority, "@"); ok {
		authority = after
	}
	port := ""
	if i := strings.LastIndex(authority, ":"); i >= 0 && !strings.Contains(authority[i:], "]") {
		authority, port = authority[:i], authority[i:]
	}
	if !isURL || authority == "" {
		return domain{text, text}, nil
	}
	host := authority
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if prefix == "http:" && port == ":80" || prefix == "https:" && port == ":443" {
		port = ""
	}
	if prefix != "" {
		prefix += "//"
	}
	return domain{prefix + host + port, host}, nil
}
