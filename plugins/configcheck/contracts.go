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

// hasContracts reports whether there are any to compare with.
func (p *pass) hasContracts() bool { return len(p.Contracts) > 0 }

// operation is one method on one path of a contract.
type operation struct {
	method, path string
	// at is where it is in the document.
	at schema.Path
	// ending is what the document says of its end.
	ending ending
	// elsewhere says that it has servers of its own, in place of the document's.
	elsewhere bool
}

// methods are the fields of a path item that are operations (OpenAPI 3.1, 4.8.9.1).
var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

func (c Contract) operations() []operation {
	document, err := c.Document.Value()
	if err != nil {
		return nil // it was read before
	}
	base := ""
	if paths := serverPaths(document); len(paths) > 0 {
		base = paths[0]
	}
	return operationsBelow(document, base)
}

// operationsBelow are those of a document, as they are on a server with that path. Servers of
// a path, and of an operation, go before it.
func operationsBelow(document map[string]any, base string) (all []operation) {
	paths := gateway.Map(document["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item, where := pathItem(document, at("paths", path))
		for _, method := range methods {
			if item[method] != nil {
				here := where.At(method)
				o := operation{method: strings.ToUpper(method), path: base + path, at: here, ending: endingAt(document, here)}
				if own := append(serverPaths(gateway.Map(item[method])), serverPaths(item)...); len(own) > 0 {
					o.path, o.elsewhere = own[0]+path, true
				}
				all = append(all, o)
			}
		}
	}
	return all
}

// maxReferences bounds how far references are followed from one to the next.
const maxReferences = 8

// pathItem is what is said of a path, and where: a reference may stand for it (OpenAPI 3.1,
// 4.8.9.1). Those to other documents are not followed.
func pathItem(document map[string]any, here schema.Path) (map[string]any, schema.Path) {
	for range maxReferences {
		item := valueAt(document, here)
		reference, _ := item["$ref"].(string)
		if reference == "" {
			return item, here
		}
		keys, ok := pointer(reference)
		if !ok {
			break
		}
		here = at(keys...)
	}
	return nil, here
}

// pointer are the keys of a reference into the document that it is in (RFC 6901, 6).
func pointer(reference string) (keys []any, ok bool) {
	text, ok := strings.CutPrefix(reference, "#/")
	if !ok {
		return nil, false
	}
	text, err := url.PathUnescape(text)
	for key := range strings.SplitSeq(text, "/") {
		keys = append(keys, strings.NewReplacer("~1", "/", "~0", "~").Replace(key))
	}
	return keys, err == nil
}

// serverPaths are what the paths of a document are below, on each of its servers; a path or an
// operation may have some, too.
func serverPaths(of map[string]any) (paths []string) {
	for _, item := range gateway.List(of["servers"]) {
		server := gateway.Map(item)
		address, _ := server["url"].(string)
		address = parameter.ReplaceAllStringFunc(address, func(variable string) string {
			value, _ := gateway.Map(gateway.Map(server["variables"])[strings.Trim(variable, "{}")])["default"].(string)
			return value
		})
		path := ""
		if u, err := url.Parse(address); err == nil {
			path = strings.TrimSuffix(u.Path, "/")
		}
		paths = append(paths, path)
	}
	return paths
}

// forward is what a route asks its service for: what begins like a path, or matches an
// expression.
type forward struct {
	methods []string
	prefix  []string // its segments
	below   bool     // what has more after it: it ends with a slash
	matches *regexp.Regexp
	// stripped says that the request's path is not in it.
	stripped bool
}

// forwards are those of a route. Kong puts what is left of the request's path behind the
// service's (strip_path), or all of it.
func forwards(r gateway.Route) []forward {
	base := strings.TrimSuffix(gateway.AddressOf(r.Service).Path, "/")
	paths := gateway.Strings(r.Fields["paths"])
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	return forwardsOf(r, base, paths, r.Fields["strip_path"] != false)
}

// requests are the requests of clients that a route takes, as if they were forwarded whole.
func requests(r gateway.Route) []forward {
	return forwardsOf(r, "", gateway.Strings(r.Fields["paths"]), false)
}

func forwardsOf(r gateway.Route, base string, paths []string, strip bool) (all []forward) {
	methods := gateway.Strings(r.Fields["methods"])
	for _, path := range paths {
		expression, isExpression := strings.CutPrefix(path, "~")
		switch {
		case strip:
			all = append(all, forward{methods: methods, prefix: segments(base), stripped: true})
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

// serving is a route of a contract's services, with what it leads to.
type serving struct {
	gateway.Route
	forwards []forward
}

// servings are the routes of a contract's services. A contract is of what the service is asked
// for; if none of that is in it, and something that clients ask for is, it is of that.
func (p *pass) servings(c Contract) []serving {
	operations := c.operations()
	of := func(forwards func(gateway.Route) []forward) (all []serving, any bool) {
		for _, r := range p.config.Routes {
			if r.Service != nil && slices.Contains(c.Services, r.Service.Name()) {
				s := serving{r, forwards(r)}
				all = append(all, s)
				any = any || slices.ContainsFunc(operations, s.leadsTo)
			}
		}
		return all, any
	}
	forwarded, any := of(forwards)
	if !any {
		if asked, any := of(requests); any {
			return asked
		}
	}
	return forwarded
}

func (s serving) leadsTo(o operation) bool {
	return slices.ContainsFunc(s.forwards, func(f forward) bool { return f.takes(o.method) && f.leadsTo(o.path) })
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
		routes := p.servings(c)
		for _, o := range c.operations() {
			if !slices.ContainsFunc(routes, func(s serving) bool { return s.leadsTo(o) }) {
				p.foundIn(c, service, o.at, fmt.Sprintf("no route of service %s leads to %s %s: clients that rely on the contract get a 404", strings.Join(c.Services, ", "), o.method, o.path),
					"add a route with its path and method, or take it out of the contract")
			}
		}
	}
}

func (p *pass) routesWithoutContract() {
	for _, c := range p.Contracts {
		operations := c.operations()
		for _, s := range p.servings(c) {
			if !slices.ContainsFunc(operations, s.leadsTo) {
				p.found(s.Entity, nil, fmt.Sprintf("it leads to no path of the contract %s", c.Document.At(nil).File), "add what it serves to the contract, or take the route out")
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
