package configcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

const (
	apiVersion        = "api-version"
	apiVersionSection = "api_version"
	routeHeader       = "X-Gatehouse-Version" // unless the config says another
)

// negotiation is what api-version, or its section in one hop, has versions of.
type negotiation struct {
	plugin  *gateway.Plugin
	path    schema.Path // of its config
	header  string      // that routes match on
	asked   string      // in which clients may name a version
	apis    []versioned
	written []string // the headers of all such plugins, in small letters
}

// versioned is an API with versions.
type versioned struct {
	path     string
	hosts    []string
	standard string // the version of who asks for none
	versions []string
}

func (p *pass) negotiations() (all []negotiation) {
	var written []string
	for _, plugin := range p.config.Plugins {
		config, path := plugin.Section(apiVersion, apiVersionSection)
		if path == nil {
			continue
		}
		header, _ := config["route_header"].(string)
		n := negotiation{plugin: plugin, path: path, header: cmp.Or(header, routeHeader)}
		n.asked, _ = config["request_header"].(string)
		for _, item := range gateway.List(config["apis"]) {
			n.apis = append(n.apis, versionedIn(gateway.Map(item)))
		}
		written = append(written, headerKey(n.header))
		all = append(all, n)
	}
	for i := range all {
		all[i].written = written
	}
	return all
}

func versionedIn(api map[string]any) (v versioned) {
	v.path, _ = api["path"].(string)
	v.standard, _ = api["default"].(string)
	v.hosts = gateway.Strings(api["hosts"])
	for _, version := range gateway.List(api["versions"]) {
		name, _ := gateway.Map(version)["name"].(string)
		v.versions = append(v.versions, name)
	}
	return v
}

// versionsNotForAll finds plugins that run never: Kong has a rewrite phase for those only
// that are for all requests.
func (p *pass) versionsNotForAll() {
	for _, n := range p.negotiations() {
		if n.plugin.Route != nil || n.plugin.Service != nil || n.plugin.Consumer != nil {
			p.found(n.plugin.Entity, n.path, "it chooses before Kong looks for a route, and Kong runs then only what is for all requests: it does nothing here",
				"write it under plugins at the top of the config")
		}
	}
}

// choicesWithoutRoute finds versions that clients can ask for, and that lead nowhere.
func (p *pass) choicesWithoutRoute() {
	for _, n := range p.negotiations() {
		for i, api := range n.apis {
			for j, version := range api.versions {
				if what := p.lost(n, api, version); version != "" && what != "" {
					p.found(n.plugin.Entity, n.path.At("apis", i, "versions", j), what,
						fmt.Sprintf("write headers: {%s: [%s]} in the route that leads to it, or take the version out", n.header, version))
				}
			}
		}
	}
}

// lost says what becomes of who asks for a version that has no route, or none for the API's
// own path, where another has one; and of who asks for none, where the version is gone that
// is meant then.
func (p *pass) lost(n negotiation, api versioned, version string) string {
	routes := p.leadTo(n, api, version)
	switch {
	case len(routes) == 0:
		return fmt.Sprintf("no route at %s matches %s: %s, so that who asks for it gets a 404", api.path, n.header, version)
	case !slices.ContainsFunc(routes, api.whole) && slices.ContainsFunc(api.versions, func(other string) bool {
		return slices.ContainsFunc(p.leadTo(n, api, other), api.exactly)
	}):
		return fmt.Sprintf("the routes that match %s: %s take only a part of %s, so that who asks there for it gets a 404, as who asks for another version does not", n.header, version, api.path)
	case version == api.standard && !slices.ContainsFunc(routes, func(r gateway.Route) bool { return !p.gone(r) }):
		return fmt.Sprintf("%s is the default of %s, and has ended on all routes that match %s: %s, so that who asks for none gets a 410", version, api.path, n.header, version)
	}
	return ""
}

func (p *pass) leadTo(n negotiation, api versioned, version string) []gateway.Route {
	return slices.DeleteFunc(slices.Clone(p.config.Routes), func(r gateway.Route) bool { return !n.leads(r, api, version) })
}

// gone reports whether a route answers 410 to all by now.
func (p *pass) gone(r gateway.Route) bool {
	said := p.announced(r)
	_, ended := p.ended(said)
	return ended && said.stops()
}

// versionsUnknown finds routes that wait for a version which no request gets but by its
// client's word.
func (p *pass) versionsUnknown() {
	for _, n := range p.negotiations() {
		for _, r := range p.config.Routes {
			if what, fix := n.waitsInVain(r); what != "" {
				p.found(r.Entity, at("headers"), what, fix)
			}
		}
	}
}

// waitsInVain says what a route waits for that the plugin does not write.
func (n negotiation) waitsInVain(r gateway.Route) (what, fix string) {
	values, ok := demanded(r, n.header)
	if !ok {
		name := n.forged(r, n.apis...)
		if name == "" || strings.EqualFold(name, n.asked) {
			return "", ""
		}
		return fmt.Sprintf("it matches on %s, and %s writes %s: no request meets the route, or one whose client writes the header itself", name, n.plugin.Name(), n.header),
			fmt.Sprintf("match on %s, or write route_header: %s", n.header, name)
	}
	leads := slices.ContainsFunc(n.apis, func(api versioned) bool {
		return slices.ContainsFunc(api.versions, func(version string) bool { return n.leads(r, api, version) })
	})
	if !leads {
		return fmt.Sprintf("%s has no version at its path that makes %s %s: no request meets the route, or one whose client writes the header itself",
			n.plugin.Name(), n.header, strings.Join(values, " or ")), "name a version that there is, or add the version to apis"
	}
	if open := n.open(r); open != "" {
		return fmt.Sprintf("%s begins no API of %s, which writes %s in requests of those only: the route is met there by who writes the header itself", open, n.plugin.Name(), n.header),
			"write paths and hosts that are the API's or below it, or let the API begin where the route does"
	}
	return "", ""
}
