// Package router picks the route of a request as Kong's default router does
// ("traditional_compatible": kong/router/transform.lua, atc.lua and utils.lua
// at 3.9.1).
package router

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
)

// Router matches requests against routes. It is immutable.
type Router struct{ entries []*entry }

// Request is what a route can match on.
type Request struct {
	Method string
	URI    string // the request URI as received, with its query
	Host   string // the Host header, with its port if it has one
	Port   int    // of the listener, for a host without a port
	Header http.Header
}

// Match is the outcome: a route, and what of the path matched it.
type Match struct {
	Route *config.Route
	// Prefix is the part of the path that strip_path removes, or "".
	Prefix string
	// UpstreamURI is the path for the upstream, without the query, unescaped.
	UpstreamURI string
	// Unnamed and Named are the captures of a regex path. Unnamed[0] is the
	// first group.
	Unnamed []string
	Named   map[string]string
}

// entry is a route, or the part of a route whose paths have the same length:
// Kong gives each of those its own priority.
type entry struct {
	route    *config.Route
	id       string
	priority uint64
	paths    []path
	hosts    []host
	headers  []header
}

// splitNamespace is where Kong numbers the parts of a route with paths of
// several lengths.
var splitNamespace = uuid.MustParse("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

// New builds a router. Routes of disabled services are left out.
func New(routes []*config.Route) (*Router, error) {
	r := &Router{}
	for _, route := range routes {
		if route.Service != nil && !route.Service.Enabled {
			continue
		}
		for i, paths := range groupPaths(route.Paths) {
			e, err := newEntry(route, paths)
			if err != nil {
				return nil, fmt.Errorf("route %s: %w", cmp.Or(route.Name, route.ID), err)
			}
			if len(paths) != len(route.Paths) {
				e.id = uuid.NewSHA1(splitNamespace, []byte(route.ID+"#"+strconv.Itoa(i+1))).String()
			}
			r.entries = append(r.entries, e)
		}
	}
	slices.SortFunc(r.entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(b.id, a.id))
	})
	return r, nil
}

// groupPaths splits paths by length, with all regexes together. A route
// without paths is one group.
func groupPaths(paths []string) [][]string {
	if len(paths) == 0 {
		return [][]string{nil}
	}
	var groups [][]string
	index := map[int]int{}
	for _, p := range paths {
		key := len(p)
		if isRegex(p) {
			key = 0
		}
		at, known := index[key]
		if !known {
			at = len(groups)
			index[key] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], p)
	}
	return groups
}

func isRegex(p string) bool { return strings.HasPrefix(p, "~") }

func newEntry(route *config.Route, paths []string) (*entry, error) {
	e := &entry{route: route, id: route.ID, priority: priority(route, paths)}
	for _, text := range paths {
		p, err := newPath(text)
		if err != nil {
			return nil, err
		}
		e.paths = append(e.paths, p)
	}
	for _, text := range route.Hosts {
		e.hosts = append(e.hosts, newHost(text))
	}
	for name, values := range route.Headers {
		h, err := newHeader(name, values)
		if err != nil {
			return nil, err
		}
		e.headers = append(e.headers, h)
	}
	return e, nil
}

// priority puts first what matches on more attributes, then plain hosts, more
// headers, regexes by their own priority, and longer paths.
func priority(route *config.Route, paths []string) uint64 {
	const plainHostOnly, regexURL = uint64(1) << 60, uint64(1) << 51
	var weight, p uint64
	for _, set := range []bool{len(route.Methods) > 0, len(route.Hosts) > 0, len(route.Headers) > 0, len(paths) > 0} {
		if set {
			weight++
		}
	}
	p = weight<<61 | uint64(min(len(route.Headers), 255))<<52
	if len(route.Hosts) > 0 && !slices.ContainsFunc(route.Hosts, func(h string) bool { return strings.Contains(h, "*") }) {
		p |= plainHostOnly
	}
	switch {
	case len(paths) == 0:
	case isRegex(paths[0]):
		p |= regexURL | uint64(route.RegexPriority)<<19
	default:
		p |= uint64(len(paths[0])) & 0x7FFFF
	}
	return p
}

// Match returns the route of a request, or nil.
func (r *Router) Match(req Request) *Match {
	requestPath := uri.Normalize(uri.WithoutQuery(req.URI))
	for _, e := range r.entries {
		if !e.matchesMethod(req.Method) || !e.matchesHost(req) || !e.matchesHeaders(req.Header) {
			continue
		}
		if m, ok := e.matchPath(requestPath); ok {
			m.UpstreamURI = upstreamURI(m, requestPath)
			return m
		}
	}
	return nil
}

func (e *entry) matchesMethod(method string) bool {
	return len(e.route.Methods) == 0 || slices.Contains(e.route.Methods, method)
}

// matchPath fills in what the path gives: the prefix and the captures.
func (e *entry) matchPath(requestPath string) (*Match, bool) {
	m := &Match{Route: e.route}
	if len(e.paths) == 0 {
		return m, true
	}
	for _, p := range e.paths {
		matched, ok := p.match(requestPath, m)
		if !ok {
			continue
		}
		if e.route.StripPath {
			m.Prefix = matched
		}
		return m, true
	}
	return nil, false
}

// path is a prefix, or a regex.
type path struct {
	prefix string
	regex  *regexp.Regexp
}

func newPath(text string) (path, error) {
	if !isRegex(text) {
		return path{prefix: text}, nil
	}
	re, err := regexp.Compile("^" + strings.ReplaceAll(text[1:], "?<", "?P<"))
	if err != nil {
		return path{}, fmt.Errorf("path %q: %w", text, err)
	}
	return path{regex: re}, nil
}

func (p path) match(requestPath string, m *Match) (matched string, ok bool) {
	if p.regex == nil {
		return p.prefix, strings.HasPrefix(requestPath, p.prefix)
	}
	groups := p.regex.FindStringSubmatch(requestPath)
	if groups == nil {
		return "", false
	}
	m.Unnamed = groups[1:]
	for i, name := range p.regex.SubexpNames() {
		if name != "" {
			if m.Named == nil {
				m.Named = map[string]string{}
			}
			m.Named[name] = groups[i]
		}
	}
	return groups[0], true
}
