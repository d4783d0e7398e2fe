package router

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
)

// host is a host of a route: exact, "*.suffix" or "prefix.*", with a port or 0.
type host struct {
	name   string
	prefix bool
	suffix bool
	port   int
}

func newHost(text string) host {
	name, port := splitPort(text)
	h := host{name: name, port: port}
	switch {
	case strings.HasPrefix(name, "*"):
		h.name, h.suffix = name[1:], true
	case strings.HasSuffix(name, "*"):
		h.name, h.prefix = name[:len(name)-1], true
	}
	return h
}

// splitPort cuts ":port" off a host; what is not a number stays.
func splitPort(text string) (name string, port int) {
	name, portText, found := strings.Cut(text, ":")
	port, err := strconv.Atoi(portText)
	if !found || err != nil {
		return text, 0
	}
	return name, port
}

func (e *entry) matchesHost(req Request) bool {
	if len(e.hosts) == 0 {
		return true
	}
	name, port := splitPort(req.Host)
	if port == 0 {
		port = req.Port
	}
	return slices.ContainsFunc(e.hosts, func(h host) bool {
		if h.port != 0 && h.port != port {
			return false
		}
		switch {
		case h.suffix:
			return strings.HasSuffix(name, h.name)
		case h.prefix:
			return strings.HasPrefix(name, h.name)
		default:
			return name == h.name
		}
	})
}

// header is a header of a route; one of its values must be among the request's,
// without regard to case.
type header struct {
	name   string // lower case, with underscores
	values []string
	regex  []*regexp.Regexp
}

func newHeader(name string, values []string) (header, error) {
	h := header{name: foldName(name)}
	for _, v := range values {
		expr, isRegex := strings.CutPrefix(v, "~*")
		if !isRegex {
			h.values = append(h.values, strings.ToLower(v))
			continue
		}
		re, err := regexp.Compile(strings.ToLower(expr))
		if err != nil {
			return header{}, fmt.Errorf("header %s: %w", name, err)
		}
		h.regex = append(h.regex, re)
	}
	return h, nil
}

func foldName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

func (e *entry) matchesHeaders(headers http.Header) bool {
	for _, h := range e.headers {
		if !h.matches(headers) {
			return false
		}
	}
	return true
}

func (h header) matches(headers http.Header) bool {
	for name, values := range headers {
		if foldName(name) != h.name {
			continue
		}
		for _, v := range values {
			v = strings.ToLower(v)
			if slices.Contains(h.values, v) || slices.ContainsFunc(h.regex, func(re *regexp.Regexp) bool { return re.MatchString(v) }) {
				return true
			}
		}
	}
	return false
}

// upstreamURI joins the service's path and what is left of the request's
// (path_handling v0).
func upstreamURI(m *Match, requestPath string) string {
	base := "/"
	if m.Route.Service != nil && m.Route.Service.Path != "" {
		base = m.Route.Service.Path
	}
	prefix := m.Prefix
	if prefix == "" {
		prefix = "/"
	}
	postfix := ""
	if len(requestPath) > len(prefix) {
		postfix = dropDots(requestPath[len(prefix):])
	}
	if m.Route.StripPath {
		return joinStripped(base, postfix, requestPath)
	}
	switch {
	case strings.HasSuffix(base, "/"):
		return base + strings.TrimPrefix(requestPath, "/")
	case requestPath == "/":
		return base
	default:
		return base + requestPath
	}
}

func joinStripped(base, postfix, requestPath string) string {
	trimmed := strings.TrimSuffix(base, "/")
	if postfix != "" {
		return trimmed + "/" + strings.TrimPrefix(postfix, "/")
	}
	endsInSlash := strings.HasSuffix(requestPath, "/")
	switch {
	case base == "/":
		return "/"
	case endsInSlash && (len(requestPath) > 1 || base != trimmed):
		return trimmed + "/"
	default:
		return trimmed
	}
}

func dropDots(postfix string) string {
	switch {
	case postfix == "." || postfix == "..":
		return ""
	case strings.HasPrefix(postfix, "./"):
		return postfix[2:]
	case strings.HasPrefix(postfix, "../"):
		return postfix[3:]
	default:
		return postfix
	}
}

// Escaped is the upstream's path as it goes into the request line.
func (m *Match) Escaped() string { return uri.Escape(m.UpstreamURI) }
