package sunsetheaders

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// restVariable is the one expression that a successor may hold, in the syntax
// of URI templates (RFC 6570, reserved expansion: slashes stay slashes).
const restVariable = "{+rest}"

// Link is one target of the Link header (RFC 8288).
type Link struct {
	// Target is a URI, an absolute path, or a template with {+rest}.
	Target string
	// Relations are registered relation types.
	Relations []string
}

// addLink adds a relation; relations with one target share one link.
func addLink(links []Link, target, relation string) []Link {
	if target == "" {
		return links
	}
	for i := range links {
		if links[i].Target == target {
			links[i].Relations = append(links[i].Relations, relation)
			return links
		}
	}
	return append(links, Link{Target: target, Relations: []string{relation}})
}

// withoutRelation is links without a relation, and without those that then have none.
func withoutRelation(links []Link, relation string) []Link {
	for i := range links {
		links[i].Relations = slices.DeleteFunc(links[i].Relations, func(r string) bool { return r == relation })
	}
	return slices.DeleteFunc(links, func(l Link) bool { return len(l.Relations) == 0 })
}

// linkHeader writes links as one field value; several lines and one line with
// commas mean the same (RFC 9110 section 5.3).
func linkHeader(links []Link, rest string) string {
	values := make([]string, len(links))
	for i, l := range links {
		values[i] = "<" + expand(l.Target, rest) + `>; rel="` + strings.Join(l.Relations, " ") + `"`
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
	return strings.ReplaceAll(target, restVariable, encodePath(rest))
}

func encodePath(path string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if isURIByte(c) && c != '?' && c != '#' || c == '%' && isEscape(path[i:]) {
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

// isReference reports whether s can be the target of a link: an http(s) URI
// with a host, or an absolute path. A user has no place in it (RFC 9110 section
// 4.2.4): whoever may read the link would have the password.
func isReference(s string) bool {
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

// isPort reports whether s is the port of a URI, where the empty one stands for the scheme's.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// links are the successor and the documents of a config, without those that are none.
func (e *fieldErrors) links(c *Config) []Link {
	successor := e.successor(c.Successor)
	documentation := e.reference("documentation", c.Documentation, c.Documentation)
	sunsetDocumentation := e.reference("sunset_documentation", c.SunsetDocumentation, c.SunsetDocumentation)
	policy := e.reference("policy", c.Policy, c.Policy)
	links := addLink(nil, successor, relSuccessor)
	if c.DeprecatedAt != "" {
		links = addLink(links, firstOf(documentation, policy), relDeprecation)
	}
	if c.SunsetAt != "" {
		links = addLink(links, firstOf(sunsetDocumentation, policy), relSunset)
	}
	return links
}

func (e *fieldErrors) successor(value string) string {
	target := e.reference("successor", value, expand(value, ""), expand(value, "/rest"))
	if strings.Contains(value, "/"+restVariable) {
		e.add("successor: %q would have two slashes before the rest, which begins with one; write %s right after the last segment",
			value, restVariable)
		return ""
	}
	return target
}

// reference is value, or empty where one of the links that it makes is no reference.
func (e *fieldErrors) reference(field, value string, made ...string) string {
	if value == "" || !slices.ContainsFunc(made, func(s string) bool { return !isReference(s) }) {
		return value
	}
	hint := ""
	if field == "successor" {
		hint = ", with " + restVariable + " as its only variable"
	}
	e.add("%s: %q is neither an http(s) URI nor an absolute path; write it as https://host/path or /path, percent-encoded, without user or password, a port from 1 to 65535%s",
		field, value, hint)
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
