package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// The functions here stand in for the Lua functions of Kong's typedefs.lua and
// say what it says; where the dev gateway can do less, they say that.

// defaultTargetPort is what Kong takes for a target without a port.
const defaultTargetPort = 8000

var (
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9.\-_~\x{80}-\x{10FFFF}]+$`)
	pathPattern   = regexp.MustCompile(`^/[A-Za-z0-9.\-_~/%:@!$&'()*+,;=]*$`)
	hostPattern   = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	headerPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
)

func utf8Name(s string) string {
	if utf8.ValidString(s) && namePattern.MatchString(s) {
		return ""
	}
	return fmt.Sprintf("invalid value '%s': the only accepted ascii characters are alphanumerics or ., -, _, and ~", s)
}

func httpProtocol(s string) string {
	return onlyOf(s, []string{"http", "https"}, "grpc", "grpcs", "tcp", "tls", "tls_passthrough", "udp")
}

func pathHandling(s string) string {
	return onlyOf(s, []string{"v0"}, "v1")
}

func algorithm(s string) string {
	return onlyOf(s, []string{"round-robin"}, "consistent-hashing", "latency", "least-connections")
}

func jwtAlgorithm(s string) string {
	return onlyOf(s, []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384"},
		"ES512", "PS256", "PS384", "PS512", "EdDSA")
}

// onlyOf tells a value that Kong has and the dev gateway has not from one that
// neither has.
func onlyOf(value string, supported []string, others ...string) string {
	switch {
	case slices.Contains(supported, value):
		return ""
	case slices.Contains(others, value):
		return fmt.Sprintf("%q: %s", value, notSupported(supported))
	default:
		all := append(slices.Clone(supported), others...)
		slices.Sort(all)
		return "expected one of: " + strings.Join(all, ", ")
	}
}

func hostWithoutPort(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	if host, _, found := strings.Cut(s, ":"); found && hostPattern.MatchString(host) {
		return "must not have a port"
	}
	if !isHostname(s) {
		return "invalid value: " + s
	}
	return ""
}

func isHostname(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	return hostPattern.MatchString(s) && !slices.ContainsFunc(labels, func(label string) bool {
		return label == "" || strings.HasSuffix(label, "-")
	})
}

func upstreamName(s string) string {
	switch {
	case !isHostname(s):
		return fmt.Sprintf("Invalid name ('%s'); must be a valid hostname", s)
	case net.ParseIP(s) != nil:
		return fmt.Sprintf("Invalid name ('%s'); no ip addresses allowed", s)
	default:
		return ""
	}
}

func targetAddress(s string) string {
	if _, _, ok := splitTarget(s); !ok {
		return fmt.Sprintf("Invalid target ('%s'); not a valid hostname or ip address", s)
	}
	return ""
}

// splitTarget reads "host", "host:port", "ip:port" and "[ipv6]:port".
func splitTarget(s string) (host string, port int, ok bool) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.String(), defaultTargetPort, true
	}
	host, portText, err := net.SplitHostPort(s)
	if err != nil {
		return s, defaultTargetPort, isHostname(s)
	}
	port, err = strconv.Atoi(portText)
	_, notIP := netip.ParseAddr(host)
	return host, port, err == nil && port >= 0 && port <= 65535 && (notIP == nil || isHostname(host))
}

func pathField() *schema.Field {
	return &schema.Field{Type: "string", StartsWith: "/", MatchNone: noEmptySegments(), Check: onString(plainPath)}
}

func noEmptySegments() []schema.Pattern {
	return []schema.Pattern{{Pattern: "//", Err: "must not have empty segments"}}
}

func plainPath(s string) string {
	if !pathPattern.MatchString(s) {
		return fmt.Sprintf("invalid path: '%s' (characters outside of the reserved list of RFC 3986 found)", s)
	}
	return percentEncoding(s)
}

func percentEncoding(s string) string {
	for i := range len(s) {
		if s[i] != '%' {
			continue
		}
		end := min(i+3, len(s))
		if _, err := strconv.ParseUint(s[i+1:end], 16, 8); err != nil || end-i < 3 {
			return fmt.Sprintf("invalid url-encoded value: '%s'", s[i:end])
		}
	}
	return ""
}

func routePath() *schema.Field {
	return &schema.Field{
		Type:      "string",
		MatchNone: noEmptySegments(),
		MatchAny: &schema.AnyOf{
			Patterns: []string{"^/", "^~/"},
			Err:      "should start with: / (fixed path) or ~/ (regex path)",
		},
		Check: onString(prefixOrRegex),
	}
}

func prefixOrRegex(s string) string {
	expr, isRegex := strings.CutPrefix(s, "~")
	if isRegex {
		if _, err := regexp.Compile(strings.ReplaceAll(expr, "?<", "?P<")); err != nil {
			return fmt.Sprintf("invalid regex: '%s' (%v)", expr, err)
		}
		return ""
	}
	if msg := percentEncoding(s); msg != "" {
		return msg
	}
	if normal := uri.Normalize(s); normal != s {
		return fmt.Sprintf("non-normalized path, consider use '%s' instead", normal)
	}
	return ""
}

func hostField() *schema.Field {
	return &schema.Field{
		Type: "string",
		MatchAll: []schema.Pattern{{
			Pattern: "^[^*]*%*?[^*]*$",
			Err:     "invalid wildcard: must have at most one wildcard",
		}},
		MatchAny: &schema.AnyOf{
			Patterns: []string{"^%*%.", "%.%*$", "^[^*]*$"},
			Err:      "invalid wildcard: must be placed at leftmost or rightmost label",
		},
		Check: onString(routeHost),
	}
}

func routeHost(s string) string {
	if _, _, ok := splitTarget(strings.ReplaceAll(s, "*", "abc")); !ok {
		return "invalid hostname: " + s
	}
	return ""
}

func routeHeader(s string) string {
	switch {
	case strings.EqualFold(s, "host"):
		return "cannot contain 'host' header, which must be specified in the 'hosts' attribute"
	case !headerPattern.MatchString(s):
		return fmt.Sprintf("bad header name '%s', allowed characters are A-Z, a-z, 0-9, '_', and '-'", s)
	default:
		return ""
	}
}

func publicKey(s string) string {
	_, rsaErr := jwt.ParseRSAPublicKeyFromPEM([]byte(s))
	_, ecErr := jwt.ParseECPublicKeyFromPEM([]byte(s))
	if rsaErr != nil && ecErr != nil {
		return "invalid key"
	}
	return ""
}
