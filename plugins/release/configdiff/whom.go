package configdiff

import (
	"fmt"
	"slices"
	"strings"
)

// whom is who notices a change of an entity.
func (d *document) whom(e *entity) string {
	ref := func(field string) string { text, _ := e.fields[field].(string); return text }
	switch {
	case e.kind == "plugins" && ref("consumer")+ref("consumer_group")+ref("route")+ref("service") == "":
		return "every request"
	case ref("route") != "":
		return join("requests of route "+ref("route"), ref("consumer"))
	case e.kind == "plugins" && ref("service") != "":
		return join(d.routes(func(of string) bool { return of == ref("service") }), ref("consumer"))
	case e.kind == "consumers":
		return "consumer " + e.name
	case ref("consumer") != "":
		return "consumer " + ref("consumer")
	case ref("consumer_group") != "":
		return "consumers of group " + ref("consumer_group")
	case e.kind == "routes":
		return "requests of this route"
	case e.kind == "services":
		return d.routes(func(of string) bool { return of == e.name })
	case e.kind == "upstreams":
		return d.routesTo(e.name)
	case e.kind == "targets":
		return d.routesTo(ref("upstream"))
	case e.kind == "snis":
		return "TLS clients that ask for " + e.name
	default:
		return "whoever uses it"
	}
}

func join(requests, consumer string) string {
	if consumer != "" {
		return requests + " by consumer " + consumer
	}
	return requests
}

// routes names the routes of services.
func (d *document) routes(isOne func(service string) bool) string {
	var names []string
	for _, e := range d.list {
		if service, _ := e.fields["service"].(string); e.kind == "routes" && isOne(service) {
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "nobody: no route leads there"
	case len(names) > 5:
		return fmt.Sprintf("requests of %d routes: %s, …", len(names), strings.Join(names[:5], ", "))
	default:
		return "requests of " + strings.Join(names, ", ")
	}
}

// routesTo names the routes that lead to an upstream.
func (d *document) routesTo(upstream string) string {
	services := map[string]bool{}
	for _, e := range d.list {
		if e.kind == "services" && e.fields["host"] == upstream {
			services[e.name] = true
		}
	}
	return d.routes(func(of string) bool { return services[of] })
}
