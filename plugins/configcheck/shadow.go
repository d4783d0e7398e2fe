package configcheck

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// override is a plugin that Kong runs in the place of another one of its name.
type override struct {
	winner, loser *gateway.Plugin
	// on is a route where it does.
	on gateway.Route
	// lost are the fields that the loser sets and the winner does not.
	lost []string
}

// overrides are the pairs of plugins that requests on some route meet, and of which Kong runs
// the one only. Of two that say the same nothing is lost. Of losers that are for alike, such as
// one for each service, the first is told: a consumer's plugin may have thousands.
func (p *pass) overrides() (all []override) {
	if p.overriding != nil {
		return p.overriding
	}
	type kind struct {
		winner                   *gateway.Plugin
		route, service, consumer bool
		loses                    bool
	}
	seen := map[kind]bool{}
	p.each(func(r gateway.Route, consumer *gateway.Entity, name string) {
		chain := p.config.Chain(r, consumer, name)
		if r.Entity == nil || len(chain) < 2 {
			return
		}
		for _, loser := range chain[1:] {
			met := kind{chain[0], loser.Route != nil, loser.Service != nil, loser.Consumer != nil, true}
			if seen[met] || reflect.DeepEqual(chain[0].Config(), loser.Config()) {
				continue
			}
			lost := lostFields(chain[0], loser)
			met.loses = len(lost) > 0
			if !seen[met] {
				seen[met] = true
				all = append(all, override{chain[0], loser, r, lost})
			}
		}
	})
	p.overriding = all
	return all
}

// each calls do for each route and none, each name of a plugin, and each consumer that has one
// of the name, and none.
func (p *pass) each(do func(r gateway.Route, consumer *gateway.Entity, name string)) {
	for _, r := range append(slices.Clone(p.config.Routes), gateway.Route{}) { // what is for all is for requests without a route too
		for _, name := range p.config.Names() {
			for _, consumer := range append([]*gateway.Entity{nil}, p.config.Consumers(name)...) {
				do(r, consumer, name)
			}
		}
	}
}

// pluginsTwice finds two plugins of one name for the same: Kong takes one of a name, enabled
// or not.
func (p *pass) pluginsTwice() {
	for _, plugin := range slices.Concat(p.config.Plugins, p.config.Off) {
		if first := p.config.First(plugin); first != nil {
			p.found(plugin.Entity, nil, fmt.Sprintf("there is one, %s, for the same already", p.place(first.Entity)), "make one of the two, or take one out")
		}
	}
}

// shadowed finds plugins that lose what another one of their name does not say.
func (p *pass) shadowed() {
	for _, o := range p.overrides() {
		if len(o.lost) > 0 {
			p.found(o.winner.Entity, nil, fmt.Sprintf("Kong runs it in the place of %s, %s, and does not add them up: on %s there is no %s",
				p.place(o.loser.Entity), reach(o.loser), routeName(o.on), strings.Join(o.lost, ", ")),
				"write it here too, or say why it is to go: "+waiverFor("plugin-shadowed"))
		}
	}
}

// overridden finds plugins that say otherwise what another one of their name says.
func (p *pass) overridden() {
	for _, o := range p.overrides() {
		if len(o.lost) == 0 {
			p.found(o.winner.Entity, nil, fmt.Sprintf("Kong runs it in the place of %s, %s, on %s", p.place(o.loser.Entity), reach(o.loser), routeName(o.on)),
				"nothing, if that is meant")
		}
	}
}

// place is where another entity is.
func (p *pass) place(e *gateway.Entity) string {
	return fmt.Sprintf("%s (%s)", e.Path, p.config.Document.At(e.Path))
}

// reach says whom a plugin is for.
func reach(p *gateway.Plugin) string {
	var of []string
	for _, e := range []*gateway.Entity{p.Consumer, p.Route, p.Service} {
		if e != nil {
			of = append(of, strings.TrimSuffix(e.Kind, "s")+" "+e.Name())
		}
	}
	if len(of) == 0 {
		return "which is for all"
	}
	return "which is for " + strings.Join(of, " and ")
}

func routeName(r gateway.Route) string {
	if name := r.Name(); name != "" {
		return "route " + name
	}
	return r.Path.String()
}

// lostFields are those that a loser sets and the winner does not.
func lostFields(winner, loser *gateway.Plugin) []string {
	if loser.Name() == oneHop {
		return lostSections(winner, loser)
	}
	// What transformers have in lists is what they do; elsewhere a list is one value.
	return missing("", loser.Config(), winner.Config(), strings.HasSuffix(winner.Name(), "-transformer"))
}

// lostSections are the sections that the loser runs and the winner does not, and what the loser
// sets in those that both run. The section api_version runs before Kong knows a route, from the
// plugin for all: no other one takes its place.
func lostSections(winner, loser *gateway.Plugin) (fields []string) {
	for _, section := range slices.Sorted(maps.Values(sections)) {
		switch {
		case section == apiVersionSection || !loser.Runs(section):
		case !winner.Runs(section):
			fields = append(fields, section)
		default:
			fields = append(fields, missing(section, gateway.Map(loser.Config()[section]), gateway.Map(winner.Config()[section]), false)...)
		}
	}
	return fields
}

func missing(path string, from, in map[string]any, lists bool) (fields []string) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		was, is := from[name], in[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		inner, isMap := was.(map[string]any)
		switch {
		case was == nil, isMap && len(inner) == 0:
		case isMap && is != nil:
			fields = append(fields, missing(at, inner, gateway.Map(is), lists)...)
		case is == nil:
			fields = append(fields, at)
		case lists && slices.ContainsFunc(gateway.Strings(was), func(text string) bool { return !slices.Contains(gateway.Strings(is), text) }):
			fields = append(fields, "entry of "+at)
		}
	}
	return fields
}

// sections are our plugins by their names in the one-hop plugin.
var sections = map[string]string{
	"pii-log-scrub": "pii_log_scrub", "trace-inject": "trace_inject", "tenant-rate-limit": "tenant_rate_limit", "sunset-headers": "sunset_headers",
	apiVersion: apiVersionSection,
}

// besides says what comes of a plugin that runs twice.
var besides = map[string]string{
	"pii-log-scrub":     "each request is scrubbed and audited twice",
	"trace-inject":      "each request has two trace ids and two spans",
	"tenant-rate-limit": "each request is charged twice",
	"sunset-headers":    "one's headers take the place of the other's",
	apiVersion:          "each request is negotiated twice, and the last word counts",
}

// besideOneHop finds our plugins where the one-hop plugin does the same.
func (p *pass) besideOneHop() {
	seen := map[*gateway.Plugin]bool{}
	p.each(func(r gateway.Route, consumer *gateway.Entity, name string) {
		section, ours := sections[name]
		if !ours {
			return
		}
		plugin, hop := p.config.On(r, consumer, name), p.config.On(r, consumer, oneHop)
		if plugin == nil || hop == nil || !hop.Runs(section) || seen[plugin] {
			return
		}
		seen[plugin] = true
		p.found(plugin.Entity, nil, fmt.Sprintf("it runs beside %s of %s, which runs %s too: %s", oneHop, p.place(hop.Entity), section, besides[name]),
			fmt.Sprintf("take it out, or write it as %s of a plugin %s here", section, oneHop))
	})
}
