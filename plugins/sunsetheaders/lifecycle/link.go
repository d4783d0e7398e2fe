package lifecycle

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
)

// RestVariable is the one expression that [Terms.Successor] may hold, in the syntax
// of URI templates (RFC 6570, reserved expansion: slashes stay slashes).
const RestVariable = "{+rest}"

// The relation types of the links: successor-version is of RFC 5829,
// deprecation of RFC 9745, sunset of RFC 8594.
const (
	relSuccessor   = "successor-version"
	relDeprecation = "deprecation"
	relSunset      = "sunset"
)

// link is one target of the Link header (RFC 8288).
type link struct {
	target    string // a URI, an absolute path, or a template with {+rest}
	relations []string
}

// links are the successor and the documents. A document about what does not come is
// left out.
func (t *Terms) links() []link {
	links := addLink(nil, t.Successor, relSuccessor)
	if !t.Deprecation.IsZero() {
		links = addLink(links, cmp.Or(t.Documentation, t.Policy), relDeprecation)
	}
	if !t.Sunset.IsZero() {
		links = addLink(links, cmp.Or(t.SunsetDocumentation, t.Policy), relSunset)
	}
	return links
}

// addLink adds a relation; relations with one target share one link.
func addLink(links []link, target, relation string) []link {
	if target == "" {
		return links
	}
	for i := range links {
		if links[i].target == target {
			links[i].relations = append(links[i].relations, relation)
			return links
		}
	}
	return append(links, link{target: target, relations: []string{relation}})
}

// linkHeader writes links as one field value; several lines and one line with
// commas mean the same (RFC 9110 section 5.3).
func linkHeader(links []link, rest string) string {
	values := make([]string, len(links))
	for i, l := range links {
		values[i] = "<" + expand(l.target, rest) + `>; rel="` + strings.Join(l.relations, " ") + `"`
	}
	return strings.Join(values, ", ")
}

// expand puts rest into a template. Whatever cannot stand in a URI is
// percent-encoded, so that no path can break out of the angle brackets. A rest
// that begins in mid-segment (Kong's prefixes match /orders-old with /orders)
// names no resource of this version, and could change a template's host.
func expand(target, rest string) string {
	if !strings.HasPrefix(rest, "/") {
		rest = ""
	}
	return strings.ReplaceAll(target, RestVariable, encodePath(rest))
}

// RestOf is what follows the longest of a route's path prefixes in path, with its
// slash. It is not known if no prefix fits, as with a regular expression.
func RestOf(path string, prefixes []string) (rest string, known bool) {
	matched := ""
	for _, prefix := range prefixes {
		if len(prefix) > len(matched) && strings.HasPrefix(path, prefix) {
			matched = prefix
		}
	}
	if matched == "" {
		return "", false
	}
	return path[len(strings.TrimSuffix(matched, "/")):], true
}

func encodePath(path string) string { return encode(path, "?#") }

// encode percent-encodes what cannot stand in a URI, and what would end this part of one.
func encode(part, ends string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(part) {
		c := part[i]
		if isURIByte(c) && strings.IndexByte(ends, c) < 0 || c == '%' && isEscape(part[i:]) {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + hexDigits[c>>4:c>>4+1] + hexDigits[c&0xf:c&0xf+1])
	}
	return b.String()
}

// isEscape reports whether s begins with a percent-encoded byte.
func isEscape(s string) bool {
	return len(s) >= 3 && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isURIByte reports whether c is a reserved or unreserved character of RFC
// 3986; the percent sign is neither.
func isURIByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		strings.IndexByte("-._~:/?#[]@!$&'()*+,;=", c) >= 0
}

// IsReference reports whether s can be the target of a link: an http(s) URI
// with a host, or an absolute path. A user has no place in it (RFC 9110 section
// 4.2.4): whoever may read the link would have the password.
func IsReference(s string) bool {
	for i := range len(s) {
		escape := s[i] == '%' && isEscape(s[i:])
		if !escape && !isURIByte(s[i]) {
			return false
		}
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	if u.Scheme == "" {
		return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && isPort(u.Port()) && u.User == nil
}

// IsTemplate reports whether s makes a reference both with a rest and without.
func IsTemplate(s string) bool { return IsReference(expand(s, "")) && IsReference(expand(s, "/rest")) }

// isPort reports whether s is the port of a URI, where the empty one stands for the scheme's.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}
