package configcheck

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// successor is where the next version is, as far as this gateway serves it.
type successor struct {
	// host is empty where the request's own is meant.
	host, path string
	// rest says that what follows the path is the caller's.
	rest bool
}

// successorOf is what a version names as the next one. It is not ok if it names none, or one
// that is no reference, which the plugin tells of.
func (a announcement) successorOf() (s successor, ok bool) {
	text, _ := a.config["successor"].(string)
	if text == "" || !lifecycle.IsTemplate(text) {
		return s, false
	}
	u, err := url.Parse(strings.ReplaceAll(text, lifecycle.RestVariable, ""))
	if err != nil {
		return s, false
	}
	return successor{strings.ToLower(u.Hostname()), cmp.Or(u.Path, "/"), strings.Contains(text, lifecycle.RestVariable)}, true
}

// successorsWithoutRoute finds successors that lead nowhere.
func (p *pass) successorsWithoutRoute() {
	for _, said := range p.endings() {
		next, ok := said.successorOf()
		if ok {
			p.redirectsNobody(said)
		}
		if !ok || next.host != "" && !p.serves(next.host) {
			continue
		}
		for _, from := range p.routesOf(said.by) {
			what, fix := p.notServed(next, from, said.config), "write the path of the next version, or add a route with it and its methods"
			if what == "" {
				what, fix = p.endsFirst(next, from, said), "name a version that goes on for longer, or end that one later"
			}
			if what != "" {
				p.found(said.by.Entity, said.at.At("successor"), fmt.Sprintf("%q: %s", said.config["successor"], what), fix)
				break
			}
		}
	}
}

// redirectsNobody tells of a redirect whose routes leave unknown what is the rest of a path.
func (p *pass) redirectsNobody(said announcement) {
	routes := p.routesOf(said.by)
	if said.afterSunset() != lifecycle.AfterSunsetRedirect || len(routes) == 0 || slices.ContainsFunc(routes, takesBelow) {
		return
	}
	p.found(said.by.Entity, said.at.At("after_sunset"), fmt.Sprintf("redirect sends nobody on from %s: without a path that is no expression it is not known what is the rest of a request's, and all get a 410", routeName(routes[0])),
		"write paths: [/] or a longer one in the route, or after_sunset: gone")
}

// serves reports whether a route is for a host: other hosts are not this gateway's to know.
func (p *pass) serves(host string) bool {
	return slices.ContainsFunc(p.config.Routes, func(r gateway.Route) bool {
		return slices.ContainsFunc(gateway.Strings(r.Fields["hosts"]), func(of string) bool { return ofHost(of, host) })
	})
}

// ofHost reports whether a route's host, which may have a wildcard and a port, is a host.
func ofHost(of, host string) bool {
	of, _, _ = strings.Cut(strings.ToLower(of), ":")
	if rest, ok := strings.CutPrefix(of, "*"); ok {
		return strings.HasSuffix(host, rest)
	}
	if rest, ok := strings.CutSuffix(of, "*"); ok {
		return strings.HasPrefix(host, rest)
	}
	return of == host
}

// leadingTo are the routes that some request of the next version meets.
func (p *pass) leadingTo(s successor) []gateway.Route {
	return slices.DeleteFunc(slices.Clone(p.config.Routes), func(r gateway.Route) bool { return s.met(r) == 0 })
}

// nearest are those of some routes that say most of its path, which Kong takes where nothing
// else in a request decides.
func (s successor) nearest(routes []gateway.Route) []gateway.Route {
	most := 0
	for _, r := range routes {
		most = max(most, s.met(r))
	}
	return slices.DeleteFunc(routes, func(r gateway.Route) bool { return s.met(r) < most })
}

// met is how much a route says of a successor's path, 0 if a request of it does not meet the
// route. An expression of Kong's other router is not read: it is taken to be met.
func (s successor) met(r gateway.Route) int {
	if r.Text("expression") != "" {
		return byExpression
	}
	hosts := gateway.Strings(r.Fields["hosts"])
	if s.host != "" && len(hosts) > 0 && !slices.ContainsFunc(hosts, func(of string) bool { return ofHost(of, s.host) }) {
		return 0
	}
	paths := gateway.Strings(r.Fields["paths"])
	if len(paths) == 0 {
		return 1 // any path
	}
	most := 0
	for _, path := range paths {
		expression, isExpression := strings.CutPrefix(path, "~")
		switch {
		case isExpression && matchesBelow(expression, s.path):
			most = byExpression
		case !isExpression && (strings.HasPrefix(s.path, path) || s.path+"/" == path):
			most = max(most, 1+len(path))
		}
	}
	return most
}

// matchesBelow reports whether an expression matches a path or a resource right below it.
func matchesBelow(expression, path string) bool {
	compiled, err := regexp.Compile("^(?:" + strings.TrimPrefix(expression, "^") + ")")
	if err != nil {
		return true // Kong's expressions are PCRE: what RE2 has not is taken to match
	}
	path = strings.TrimSuffix(path, "/")
	return slices.ContainsFunc([]string{path, path + "/", path + "/1"}, compiled.MatchString)
}

// metBelow reports whether a route that leads to a successor's path may lead to what is below
// it, too.
func (s successor) metBelow(r gateway.Route) bool {
	paths := gateway.Strings(r.Fields["paths"])
	return len(paths) == 0 || slices.ContainsFunc(paths, func(path string) bool {
		expression, isExpression := strings.CutPrefix(path, "~")
		return !isExpression || leadsBelow(expression, s.path)
	})
}

// takesBelow reports whether a route takes what is below its path: an expression may be for
// single ones, and what is the rest of those is not known.
func takesBelow(r gateway.Route) bool {
	paths := gateway.Strings(r.Fields["paths"])
	return slices.ContainsFunc(paths, func(path string) bool { return !strings.HasPrefix(path, "~") })
}

// notServed says which requests of a route have no other route to go on to: all, or those of
// a method that are sent on. It is empty if each has one.
func (p *pass) notServed(next successor, from gateway.Route, config map[string]any) string {
	targets := p.others(next, from)
	takes := func(method string) bool {
		return slices.ContainsFunc(targets, func(to gateway.Route) bool { return takesMethod(to, method) })
	}
	methods := gateway.Strings(from.Fields["methods"])
	switch {
	case len(targets) == 0:
		return fmt.Sprintf("no other route leads to %s: who goes on from %s gets a 404", next.path, routeName(from))
	case next.rest && takesBelow(from) && !slices.ContainsFunc(targets, next.metBelow):
		return fmt.Sprintf("no other route leads to what is below %s: who goes on from there in %s gets a 404", next.path, routeName(from))
	case len(methods) > 0 && !slices.ContainsFunc(methods, takes):
		return fmt.Sprintf("no other route takes %s %s: who goes on from %s gets a 404", strings.Join(methods, " or "), next.path, routeName(from))
	}
	for _, method := range sentOn(config) {
		if takesMethod(from, method) && !takes(method) && (method != http.MethodHead || !takes(http.MethodGet)) {
			return fmt.Sprintf("no other route takes %s %s, and after_sunset: redirect sends it there from %s", method, next.path, routeName(from))
		}
	}
	return ""
}

// endsFirst says when the next version is gone, if that is by now or no later than the one that
// names it: who goes on to it has to go on again. It is empty where the successor stays.
func (p *pass) endsFirst(next successor, from gateway.Route, said announcement) string {
	by := p.Now
	if end, ends := said.date("sunset_at"); ends && end.After(by) {
		by = end
	}
	what := ""
	for _, to := range next.nearest(p.others(next, from)) {
		of := p.announcedTo(to, said.by.Consumer)
		end, ends := of.date("sunset_at")
		if !ends || end.After(by) || !of.stops() {
			return ""
		}
		when := "ends at " + lifecycle.RFC3339(end) + ", no later than " + routeName(from)
		if !end.After(p.Now) {
			when = "ended at " + lifecycle.RFC3339(end)
		}
		what = fmt.Sprintf("%s %s: who goes on there gets a 410", routeName(to), when)
	}
	return what
}

// others are the routes that lead to the next version, but the one that names it.
func (p *pass) others(next successor, from gateway.Route) []gateway.Route {
	return slices.DeleteFunc(p.leadingTo(next), func(to gateway.Route) bool { return to.Entity == from.Entity })
}

func takesMethod(r gateway.Route, method string) bool {
	return forward{methods: gateway.Strings(r.Fields["methods"])}.takes(method)
}

// sentOn are the methods of requests that are answered with 308 after the end.
func sentOn(config map[string]any) []string {
	if config["after_sunset"] != "redirect" {
		return nil
	}
	if methods := gateway.Strings(config["redirect_methods"]); len(methods) > 0 {
		return methods
	}
	return []string{http.MethodGet, http.MethodHead}
}
