// Package plan says by which request each route of a declarative config is smoked, or why
// it is not. It sends nothing.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// PathTag begins the tag of a route that names an example path. Kong takes no slash in a
// tag, so that the path is percent-encoded: smoke-path:%2Forders%2F42.
const PathTag = "smoke-path:"

// Options are what an operator says besides the config.
type Options struct {
	// TLS says that the gateway is asked over TLS.
	TLS bool
	// Header goes with every request.
	Header http.Header
	// Getenv has the credentials, by the names that [Variable] gives them.
	Getenv func(string) string
	// Paths and Methods are by which path and method a route is asked, by the route's name.
	Paths, Methods map[string]string
	// Only are the routes that there is anything to say of, all if it is empty; Skip are
	// those not to ask.
	Only, Skip []string
}

// Probe is one route's request.
type Probe struct {
	Route   string // its name, else its id, else its first path
	Service string // its service's name, else its host's
	Method  string
	Path    string // with its query, if the operator gave one
	Host    string // empty: the gateway's
	SNI     string // empty: the host's
	Header  http.Header
	Tracing Tracing
	// Skipped is why the route is not asked, and what would have it be; empty if it is.
	Skipped string
	// Missing is why it cannot be asked though it should be: there is no credential.
	Missing string
}

// Make reads a config. Its error is that of a config that cannot be read, or of an option
// that names a route which is not there.
func Make(config []byte, o Options) ([]Probe, error) {
	d, err := decode(config)
	if err != nil {
		return nil, err
	}
	var probes []Probe
	for i := range d.Services {
		s := &d.Services[i]
		for j := range s.Routes {
			if probes, err = d.add(probes, s, &s.Routes[j], o); err != nil {
				return nil, err
			}
		}
	}
	for i := range d.Routes {
		r := &d.Routes[i]
		if probes, err = d.add(probes, d.serviceOf(r), r, o); err != nil {
			return nil, err
		}
	}
	if err := o.check(probes); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(probes, func(p Probe) bool { return len(o.Only) > 0 && !slices.Contains(o.Only, p.Route) }), nil
}

func (d *document) serviceOf(r *route) *service {
	for i := range d.Services {
		if s := &d.Services[i]; r.Service.to(s.ID, s.Name) {
			return s
		}
	}
	return &service{}
}

func (d *document) add(probes []Probe, s *service, r *route, o Options) ([]Probe, error) {
	p := Probe{Route: cmp.Or(r.Name, r.ID, first(r.Paths, "a route without a name")), Service: cmp.Or(s.Name, s.ID), Header: o.Header.Clone()}
	if p.Header == nil {
		p.Header = http.Header{}
	}
	var err error
	if p.Tracing, err = d.tracing(s, r); err != nil {
		return nil, fmt.Errorf("route %s: %w", p.Route, err)
	}
	if p.Skipped = p.address(d, s, r, o); p.Skipped == "" {
		p.Missing = d.authorize(p.Header, s, r, o.Getenv)
	}
	return append(probes, p), nil
}

// address says where the request goes. It returns why it cannot.
func (p *Probe) address(d *document, s *service, r *route, o Options) (skipped string) {
	switch {
	case slices.Contains(o.Skip, p.Route):
		return "-skip says so"
	case s.Enabled != nil && !*s.Enabled:
		return "its service is not enabled"
	}
	if skipped = p.protocol(r, o); skipped != "" {
		return skipped
	}
	if p.Method, skipped = method(r, o.Methods[p.Route], p.Route); skipped != "" {
		return skipped
	}
	if p.Path, skipped = path(r, o.Paths[p.Route], p.Route); skipped != "" {
		return skipped
	}
	p.Host = strings.ReplaceAll(first(r.Hosts, ""), "*", "smoke")
	p.SNI = first(r.SNIs, "")
	return p.conditions(d, r)
}

func (p *Probe) protocol(r *route, o Options) (skipped string) {
	plain := len(r.Protocols) == 0 || slices.Contains(r.Protocols, "http")
	secure := len(r.Protocols) == 0 || slices.Contains(r.Protocols, "https")
	switch {
	case !plain && !secure:
		return "it is not HTTP: " + strings.Join(r.Protocols, ", ")
	case !secure && o.TLS:
		return "it takes http only: name an http:// address with --gateway"
	case (!plain || len(r.SNIs) > 0) && !o.TLS:
		return "it takes https only: name an https:// address with --gateway"
	}
	return ""
}

// method is a safe one (RFC 9110, 9.2.1), unless the operator says another.
func method(r *route, told, name string) (method, skipped string) {
	if told != "" {
		return strings.ToUpper(told), ""
	}
	for _, safe := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		if len(r.Methods) == 0 || slices.Contains(r.Methods, safe) {
			return safe, ""
		}
	}
	return "", fmt.Sprintf("it takes %s only, and what changes something is not sent unasked: --method %s=%s sends it", strings.Join(r.Methods, ", "), name, r.Methods[0])
}

// path is the operator's, that of a tag, the first that is no regular expression, or the
// root where a route has none.
func path(r *route, told, name string) (path, skipped string) {
	if told != "" {
		return told, ""
	}
	for _, tag := range r.Tags {
		if text, ok := strings.CutPrefix(tag, PathTag); ok {
			path, err := url.PathUnescape(text)
			if err != nil || !strings.HasPrefix(path, "/") {
				return "", fmt.Sprintf("its tag %q names no path: write it as %s%%2Forders%%2F42", tag, PathTag)
			}
			return path, ""
		}
	}
	for _, path := range r.Paths {
		if !strings.HasPrefix(path, "~") {
			return path, ""
		}
	}
	how := fmt.Sprintf("name an example with --path '%s=/…' or in its tag %s%%2F…", name, PathTag)
	switch {
	case r.Expression != "":
		return "", "it is an expression: " + how
	case len(r.Paths) > 0:
		return "", "its paths are regular expressions: " + how
	}
	return "/", ""
}

// conditions sets the headers that the route wants.
func (p *Probe) conditions(d *document, r *route) (skipped string) {
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		value := first(r.Headers[name], "")
		asked, by := d.ask(p.Path, name, value)
		switch {
		case p.Header.Get(name) != "":
		case asked != "":
			p.Header.Set(asked, by)
		case strings.HasPrefix(value, "~*"):
			return fmt.Sprintf("its header %s is a regular expression: name a value with -header '%[1]s: …'", name)
		default:
			p.Header.Set(name, value)
		}
	}
	return ""
}

// check is the error of an option that is about a route which is not there.
func (o Options) check(probes []Probe) error {
	known := map[string]bool{}
	for _, p := range probes {
		known[p.Route] = true
	}
	named := map[string][]string{
		"-path": slices.Sorted(maps.Keys(o.Paths)), "-method": slices.Sorted(maps.Keys(o.Methods)), "-route": o.Only, "-skip": o.Skip,
	}
	for _, flag := range slices.Sorted(maps.Keys(named)) {
		for _, name := range named[flag] {
			if !known[name] {
				return fmt.Errorf("%s: there is no route %q: write one of %s", flag, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Paths)) {
		if !strings.HasPrefix(o.Paths[name], "/") {
			return fmt.Errorf("-path: %q of route %s is no path: write it as /orders/42", o.Paths[name], name)
		}
	}
	return nil
}
