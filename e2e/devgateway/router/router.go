// Package router picks the route of a request as Kong's default router does
// ("traditional_compatible": kong/router/transform.lua, atc.lua and utils.lua
// at 3.9.1), among routes that match on one path prefix, methods and headers.
package router

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Router matches requests against routes. It is immutable.
type Router struct{ routes []*config.Route }

// Request is what a route can match on.
type Request struct {
	Method string
	URI    string // the request URI as received, with its query
	Header http.Header
}

// Match is the outcome: a route, and what of the path matched it.
type Match struct {
	Route *config.Route
	// Prefix is the part of the path that strip_path removes, or "".
	Prefix string
	// UpstreamURI is the path for the upstream, without the query, escaped as it goes
	// into the request line.
	UpstreamURI string
}

// New builds a router.
func New(routes []*config.Route) *Router {
	sorted := slices.Clone(routes)
	slices.SortFunc(sorted, func(a, b *config.Route) int {
		return cmp.Or(
			cmp.Compare(attributes(b), attributes(a)), cmp.Compare(len(b.Headers), len(a.Headers)),
			cmp.Compare(len(b.Paths[0]), len(a.Paths[0])), cmp.Compare(b.ID, a.ID),
		)
	})
	return &Router{sorted}
}

// attributes counts what a route matches on besides its path.
func attributes(r *config.Route) (n int) {
	if len(r.Methods) > 0 {
		n++
	}
	if len(r.Headers) > 0 {
		n++
	}
	return n
}

// Match returns the route of a request, or nil.
func (r *Router) Match(req Request) *Match {
	path := Normalize(WithoutQuery(req.URI))
	for _, route := range r.routes {
		if !matches(route, req, path) {
			continue
		}
		m := &Match{Route: route, UpstreamURI: escape(upstreamURI(route, path))}
		if route.StripPath {
			m.Prefix = route.Paths[0]
		}
		return m
	}
	return nil
}

func matches(r *config.Route, req Request, path string) bool {
	if len(r.Methods) > 0 && !slices.Contains(r.Methods, req.Method) || !strings.HasPrefix(path, r.Paths[0]) {
		return false
	}
	for name, values := range r.Headers {
		if !hasHeader(req.Header, name, values) {
			return false
		}
	}
	return true
}

// hasHeader reports whether the request has one of the values, in upper or lower case.
func hasHeader(given http.Header, name string, values []string) bool {
	for other, sent := range given {
		if fold(other) == fold(name) && slices.ContainsFunc(sent, func(v string) bool {
			return slices.ContainsFunc(values, func(want string) bool { return strings.EqualFold(want, v) })
		}) {
			return true
		}
	}
	return false
}

func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

// upstreamURI joins the service's path and what is left of the request's
// (path_handling v0).
func upstreamURI(r *config.Route, path string) string {
	base := cmp.Or(r.Service.Path, "/")
	if r.StripPath {
		return joinStripped(base, dropDots(strings.TrimPrefix(path, r.Paths[0])), path)
	}
	switch {
	case strings.HasSuffix(base, "/"):
		return base + strings.TrimPrefix(path, "/")
	case path == "/":
		return base
	default:
		return base + path
	}
}

func joinStripped(base, postfix, path string) string {
	trimmed := strings.TrimSuffix(base, "/")
	if postfix != "" {
		return trimmed + "/" + strings.TrimPrefix(postfix, "/")
	}
	endsInSlash := strings.HasSuffix(path, "/")
	switch {
	case base == "/":
		return "/"
	case endsInSlash && (len(path) > 1 || base != trimmed):
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
