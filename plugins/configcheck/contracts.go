package configcheck

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// Contract is the OpenAPI document of one service, or of several that share it.
type Contract struct {
	// Services are their names in the config.
	Services []string
	Document *kongyaml.Document
}

// operation is one method on one path of a contract, as the service is asked for it.
type operation struct {
	method, path string
	// at is where it is in the document.
	at schema.Path
}

// methods are the fields of a path item that are operations (OpenAPI 3.1, 4.8.9.1).
var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

func (c Contract) operations() (all []operation) {
	document, err := c.Document.Value()
	if err != nil {
		return nil // it was read before
	}
	base := basePath(document)
	paths := gateway.Map(document["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := gateway.Map(paths[path])
		for _, method := range methods {
			if item[method] != nil {
				all = append(all, operation{strings.ToUpper(method), base + path, at("paths", path, method)})
			}
		}
	}
	return all
}

// basePath is what the paths of a document are below: the path of its first server.
func basePath(document map[string]any) string {
	servers := gateway.List(document["servers"])
	if len(servers) == 0 {
		return ""
	}
	address, _ := gateway.Map(servers[0])["url"].(string)
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// forward is what a route asks its service for: what begins like a path, or matches an
// expression.
type forward struct {
	methods []string
	prefix  []string // its segments
	below   bool     // what has more after it: it ends with a slash
	matches *regexp.Regexp
}

// forwards are those of a route. Kong puts what is left of the request's path behind the
// service's (strip_path), or all of it.
func forwards(r gateway.Route) (all []forward) {
	base := strings.TrimSuffix(gateway.AddressOf(r.Service).Path, "/")
	methods := gateway.Strings(r.Fields["methods"])
	paths := gateway.Strings(r.Fields["paths"])
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	for _, path := range paths {
		expression, isExpression := strings.CutPrefix(path, "~")
		switch {
		case r.Fields["strip_path"] != false:
			all = append(all, forward{methods: methods, prefix: segments(base)})
		case isExpression:
			compiled, err := regexp.Compile("^" + regexp.QuoteMeta(base) + "(?:" + strings.TrimPrefix(expression, "^") + ")")
			if err != nil { // Kong's expressions are PCRE: what RE2 has not is taken to match
				compiled = regexp.MustCompile("")
			}
			all = append(all, forward{methods: methods, matches: compiled})
		default:
			all = append(all, forward{methods: methods, prefix: segments(base + path), below: len(path) > 1 && strings.HasSuffix(path, "/")})
		}
	}
	return all
}

func segments(path string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
}

func (f forward) takes(method string) bool {
	return len(f.methods) == 0 || slices.Contains(f.methods, method)
}

// leadsTo reports whether a path of a contract, in which {…} is any segment, is asked for.
func (f forward) leadsTo(path string) bool {
	if f.matches != nil {
		return slices.ContainsFunc([]string{"1", "a", "00000000-0000-4000-8000-000000000000"}, func(sample string) bool {
			return f.matches.MatchString(parameter.ReplaceAllString(path, sample))
		})
	}
	of := segments(path)
	if f.below && len(of) <= len(f.prefix) && !strings.HasSuffix(path, "/") {
		return false
	}
	for i, segment := range f.prefix {
		last := i == len(f.prefix)-1
		switch {
		case i >= len(of):
			return false
		case last && strings.HasPrefix(of[i], segment), of[i] == segment, strings.Contains(of[i], "{"):
		default:
			return false
		}
	}
	return true
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// routesOf are the routes of a contract's services.
func (p *pass) routesOf(c Contract) (routes []gateway.Route) {
	for _, r := range p.config.Routes {
		if r.Service != nil && slices.Contains(c.Services, r.Service.Name()) {
			routes = append(routes, r)
		}
	}
	return routes
}

func (p *pass) contractsWithoutService() {
	for _, c := range p.Contracts {
		for _, name := range c.Services {
			if p.config.Find("services", name) != nil {
				continue
			}
			var names []string
			for _, s := range p.config.All("services") {
				names = append(names, s.Name())
			}
			p.foundIn(c, p.config.Whole, nil, fmt.Sprintf("it is to be the contract of service %q, and there is none%s", name, spelling.DidYouMean(name, names)), "name a service of the config with --contract")
		}
	}
}

func (p *pass) contractsWithoutRoute() {
	for _, c := range p.Contracts {
		service := p.config.Find("services", c.Services[0])
		if service == nil {
			continue
		}
		var all []forward
		for _, r := range p.routesOf(c) {
			all = append(all, forwards(r)...)
		}
		for _, o := range c.operations() {
			if !slices.ContainsFunc(all, func(f forward) bool { return f.takes(o.method) && f.leadsTo(o.path) }) {
				p.foundIn(c, service, o.at, fmt.Sprintf("no route of service %s leads to %s %s: clients that rely on the contract get a 404", strings.Join(c.Services, ", "), o.method, o.path),
					"add a route with its path and method, or take it out of the contract")
			}
		}
	}
}

func (p *pass) routesWithoutContract() {
	for _, c := range p.Contracts {
		operations := c.operations()
		for _, r := range p.routesOf(c) {
			if !slices.ContainsFunc(forwards(r), func(f forward) bool {
				return slices.ContainsFunc(operations, func(o operation) bool { return f.takes(o.method) && f.leadsTo(o.path) })
			}) {
				p.found(r.Entity, nil, fmt.Sprintf("it leads to no path of the contract %s", c.Document.At(nil).File), "add what it serves to the contract, or take the route out")
			}
		}
	}
}

// foundIn adds a finding in a contract, which is about an entity of the config.
func (p *pass) foundIn(c Contract, about *gateway.Entity, path schema.Path, what, fix string) {
	position := c.Document.At(path)
	p.report.Findings = append(p.report.Findings, Finding{
		Rule: p.rule.Name, Severity: p.rule.Severity, File: position.File, Line: position.Line,
		Path: path.String(), Entity: named(about), What: what, Fix: fix,
	})
	p.about = append(p.about, about)
}
