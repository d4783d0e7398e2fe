package configcheck

import (
	"cmp"
	"fmt"
	"regexp"
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
	plugin *gateway.Plugin
	path   schema.Path // of its config
	header string      // that routes match on
	apis   []versioned
}

// versioned is an API with versions.
type versioned struct {
	path     string
	versions []string
}

func (p *pass) negotiations() (all []negotiation) {
	for _, plugin := range p.config.Plugins {
		config, path := plugin.Config(), at("config")
		switch {
		case plugin.Name() == oneHop && runs(plugin, apiVersionSection):
			config, path = gateway.Map(config[apiVersionSection]), path.At(apiVersionSection)
		case plugin.Name() != apiVersion:
			continue
		}
		header, _ := config["route_header"].(string)
		n := negotiation{plugin: plugin, path: path, header: cmp.Or(header, routeHeader)}
		for _, item := range gateway.List(config["apis"]) {
			api := gateway.Map(item)
			var v versioned
			v.path, _ = api["path"].(string)
			for _, version := range gateway.List(api["versions"]) {
				name, _ := gateway.Map(version)["name"].(string)
				v.versions = append(v.versions, name)
			}
			n.apis = append(n.apis, v)
		}
		all = append(all, n)
	}
	return all
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
				if version == "" || slices.ContainsFunc(p.config.Routes, func(r gateway.Route) bool { return n.leads(r, api, version) }) {
					continue
				}
				p.found(n.plugin.Entity, n.path.At("apis", i, "versions", j), fmt.Sprintf("no route at %s matches %s: %s, so that who asks for it gets a 404", api.path, n.header, version),
					fmt.Sprintf("write headers: {%s: [%s]} in the route that leads to it, or take the version out", n.header, version))
			}
		}
	}
}

// versionsUnknown finds routes that wait for a version which no request gets but by its
// client's word.
func (p *pass) versionsUnknown() {
	for _, n := range p.negotiations() {
		for _, r := range p.config.Routes {
			values, ok := demanded(r, n.header)
			if !ok || slices.ContainsFunc(n.apis, func(api versioned) bool {
				return slices.ContainsFunc(api.versions, func(version string) bool { return n.leads(r, api, version) })
			}) {
				continue
			}
			p.found(r.Entity, at("headers"), fmt.Sprintf("%s has no version at its path that makes %s %s: no request meets the route, or one whose client writes the header itself",
				n.plugin.Name(), n.header, strings.Join(values, " or ")), "name a version that there is, or add the version to apis")
		}
	}
}

// leads reports whether requests of an API that get a version may meet a route.
func (n negotiation) leads(r gateway.Route, api versioned, version string) bool {
	values, demands := demanded(r, n.header)
	return meets(r, api.path) && (!demands || slices.ContainsFunc(values, func(value string) bool {
		if expression, ok := strings.CutPrefix(value, "~*"); ok {
			compiled, err := regexp.Compile("(?i)" + expression)
			return err != nil || compiled.MatchString(version) // what RE2 has not is taken to match
		}
		return strings.EqualFold(value, version)
	}))
}

// demanded are the values of a header that a route matches on; ok is false if it does not.
func demanded(r gateway.Route, header string) (values []string, ok bool) {
	for name, list := range gateway.Map(r.Fields["headers"]) {
		if strings.EqualFold(strings.ReplaceAll(name, "_", "-"), header) {
			return gateway.Strings(list), true
		}
	}
	return nil, false
}

// meets reports whether a path below one of an API's may be one of a route's.
func meets(r gateway.Route, path string) bool {
	paths := gateway.Strings(r.Fields["paths"])
	return len(paths) == 0 || slices.ContainsFunc(paths, func(of string) bool {
		return strings.HasPrefix(of, "~") || strings.HasPrefix(of, path) || strings.HasPrefix(path, of)
	})
}
