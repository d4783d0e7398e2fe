package configcheck

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/spelling"
)

// shapes are what Kong asks of texts (kong/db/schema/typedefs.lua, kong/tools/ip.lua). Each says
// what is wrong with one and, after "; ", what to write; nothing of what is right, or of what
// only Kong can judge.
var shapes = map[string]func(text string) string{
	"name":        nameShape,
	"tag":         tagShape,
	"method":      methodShape,
	"path":        pathShape,
	"routepath":   routePathShape,
	"header":      headerShape,
	"routeheader": routeHeaderShape,
	"host":        func(text string) string { return hostShape(text, false) },
	"address":     func(text string) string { return hostShape(text, true) },
	"routehost":   routeHostShape,
	"upstream":    upstreamShape,
	"url":         urlShape,
}

var (
	nameText   = regexp.MustCompile(`^[\w.~\x{80}-\x{10ffff}-]+$`)
	tagText    = regexp.MustCompile(`^[ -+\-.0-~\x{80}-\x{10ffff}]+$`)
	methodText = regexp.MustCompile(`^[A-Z]+$`)
	headerText = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	pathText   = regexp.MustCompile(`^/[\w.~/%:@!$&'()*+,;=-]*$`)
	badPercent = regexp.MustCompile(`%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)
	urlText    = regexp.MustCompile(`^(?:([A-Za-z0-9][A-Za-z0-9+.-]*):)?//([^/?#]*)([^?#;]*)`)
	portText   = regexp.MustCompile(`:(\d+)$`)
	hostText   = regexp.MustCompile(`^[\w.-]+$`)
	digitsText = regexp.MustCompile(`^[\d.]+$`)
	ipv4Text   = regexp.MustCompile(`^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$`)
)

func nameShape(text string) string {
	if nameText.MatchString(text) {
		return ""
	}
	return "a name has letters, digits and . - _ ~ alone; write one of those for each other character"
}

func tagShape(text string) string {
	if tagText.MatchString(text) {
		return ""
	}
	return "a tag has no comma, slash or control character; leave them out"
}

func methodShape(text string) string {
	switch upper := strings.ToUpper(text); {
	case methodText.MatchString(text):
		return ""
	case methodText.MatchString(upper):
		return "a method is in capital letters; write " + upper
	default:
		return "a method is capital letters alone; write one, such as GET"
	}
}

func pathShape(text string) string {
	switch {
	case !strings.HasPrefix(text, "/"):
		return "a path begins with a slash; write /" + text
	case strings.Contains(text, "//"):
		return "a path has no empty segment; write one slash for two"
	case !pathText.MatchString(text):
		return "a path has only the characters of RFC 3986; percent-encode the others"
	case badPercent.MatchString(text):
		return "a % without two hexadecimal digits; write %25 for the character itself"
	default:
		return ""
	}
}

func routePathShape(text string) string {
	expression, isRegexp := strings.CutPrefix(text, "~")
	switch {
	case isRegexp && !strings.HasPrefix(expression, "/"):
		return "a regular expression of a path begins with ~/; write ~/" + expression
	case !isRegexp && !strings.HasPrefix(text, "/"):
		return "a path begins with a slash, and a regular expression with ~/; write /" + text
	case strings.Contains(text, "//"):
		return "a path has no empty segment; write one slash for two"
	case isRegexp:
		return regexpShape(expression)
	case pathText.MatchString(text) && badPercent.MatchString(text):
		return "a % without two hexadecimal digits; write %25 for the character itself"
	case slices.ContainsFunc(strings.Split(text, "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		return "a path has no segment . or ..; write the path that they lead to"
	default:
		return ""
	}
}

func headerShape(text string) string {
	if headerText.MatchString(text) {
		return ""
	}
	return "a header's name has letters, digits, _ and - alone; write it with those"
}

// routeHeaderShape judges a header that a route is met by.
func routeHeaderShape(text string) string {
	if strings.EqualFold(text, "host") {
		return "a route is met by this header through hosts; write hosts: [NAME], and remove it here"
	}
	return headerShape(text)
}

// notRegexp are mistakes in every kind of regular expressions. Kong's kind has more than Go's.
var notRegexp = []syntax.ErrorCode{syntax.ErrMissingParen, syntax.ErrUnexpectedParen, syntax.ErrMissingBracket,
	syntax.ErrMissingRepeatArgument, syntax.ErrTrailingBackslash, syntax.ErrInvalidCharRange}

func regexpShape(expression string) string {
	_, err := syntax.Parse(expression, syntax.Perl)
	if wrong, ok := errors.AsType[*syntax.Error](err); ok && slices.Contains(notRegexp, wrong.Code) {
		return fmt.Sprintf("no regular expression: %s; correct it, or put a backslash before the character that is meant", wrong.Code)
	}
	return ""
}

const noHost = "no host name or address; write one of letters, digits, - and dots, such as orders.internal"

// hostShape judges the name or the address of a host, with a port where one may be.
func hostShape(text string, mayHavePort bool) string {
	host, port := text, portText.FindStringSubmatch(text)
	switch colons := strings.Count(text, ":"); {
	case colons > 1 && !strings.HasPrefix(text, "["):
		port = nil
	case port != nil:
		host = strings.TrimSuffix(text, port[0])
	}
	switch {
	case !isHost(host):
		return noHost
	case port == nil:
		return ""
	case !mayHavePort:
		return "a host has no port here; write " + host + ", and port: " + port[1]
	case !isPort(port[1]):
		return "port " + port[1] + ": expected one from 0 to 65535; write the port of the host"
	default:
		return ""
	}
}

func isPort(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port <= 65535
}

func isHost(text string) bool {
	switch {
	case strings.Contains(text, ":"):
		_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
		return err == nil
	case digitsText.MatchString(text):
		return isIPv4(text)
	case !hostText.MatchString(text):
		return false
	}
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	return !slices.ContainsFunc(labels, func(label string) bool { return label == "" || strings.HasSuffix(label, "-") })
}

// isIPv4 reports whether a text is an address: Kong takes one with zeros before its numbers.
func isIPv4(text string) bool {
	return ipv4Text.MatchString(text) && !slices.ContainsFunc(strings.Split(text, "."), func(part string) bool {
		n, err := strconv.Atoi(part)
		return err != nil || n > 255
	})
}

func routeHostShape(text string) string {
	if n := strings.Count(text, "*"); n > 1 || n == 1 && !strings.HasPrefix(text, "*.") && !strings.HasSuffix(text, ".*") {
		return "one * may stand for the first label or the last; write *.example.com or example.*"
	}
	return hostShape(strings.ReplaceAll(text, "*", "any"), true)
}

func upstreamShape(text string) string {
	if digitsText.MatchString(text) || strings.Count(text, ":") > 1 {
		return "an upstream is called by a host name, and no address; write one, such as orders.internal"
	}
	return hostShape(text, false)
}

var protocols = []string{"http", "https", "grpc", "grpcs", "tcp", "tls", "tls_passthrough", "udp"}

func urlShape(text string) string {
	parts := urlText.FindStringSubmatch(text)
	if parts == nil {
		return "a URL begins with its protocol; write http://" + strings.TrimLeft(text, "/")
	}
	scheme, authority, path := parts[1], parts[2], parts[3]
	if scheme != "" && !slices.Contains(protocols, scheme) {
		if near := spelling.Nearest(scheme, protocols, spelling.AnyNumber); near != "" {
			return "no protocol of Kong's; " + near + "?"
		}
		return "no protocol of Kong's; write one of " + strings.Join(protocols, ", ")
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if what := hostShape(host, true); what != "" {
		return what
	}
	if path != "" {
		return pathShape(path)
	}
	return ""
}
