package config

import (
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// scope is where a plugin stands in the document: the ids of what it is nested
// in.
type scope struct{ route, service, consumer string }

// allPlugins adds the plugins of the whole document, once everything that they
// may refer to is known.
func (a *assembler) allPlugins(root map[string]any, services, consumers []item) {
	a.plugins(root, nil, scope{})
	routes := items(root, "routes", nil)
	for _, s := range services {
		a.plugins(s.raw, s.at, scope{service: idOf(s)})
		routes = append(routes, items(s.raw, "routes", s.at)...)
	}
	for _, r := range routes {
		a.plugins(r.raw, r.at, scope{route: idOf(r)})
	}
	for _, c := range consumers {
		a.plugins(c.raw, c.at, scope{consumer: idOf(c)})
	}
}

// idOf is the id that an entity got when it was added.
func idOf(it item) string {
	id, _ := it.raw["id"].(string)
	return id
}

func (a *assembler) plugins(raw map[string]any, at schema.Path, in scope) {
	for _, it := range items(raw, "plugins", at) {
		a.plugin(it, in)
	}
}

func (a *assembler) plugin(it item, in scope) {
	name, _ := it.raw["name"].(string)
	key := compoundKey("plugins", name, keyPart(it, "route", in.route), keyPart(it, "service", in.service), keyPart(it, "consumer", in.consumer))
	fields := make(map[string]any, len(it.raw))
	for k, v := range it.raw {
		if k != "route" && k != "service" && k != "consumer" {
			fields[k] = v
		}
	}
	p := decode(a, item{fields, it.at}, "plugins", entityID("plugins", key), func(p *Plugin) *Meta { return &p.Meta })
	d, err := a.loader.plugins.find(name)
	if err != nil {
		a.fail(it.at.At("name"), oneLine(err))
		return
	}
	p.Schema, p.Info = d.schema, d.info
	p.Config = schema.Resolve(d.schema.Config(), p.Config, schema.EnvVault(a.loader.opts.Env), a.loader.opts.Warn)
	a.applies(p, it, in)
	if p.Info == nil && p.ConsumerID != "" {
		a.fail(it.at.At("consumer"), "value must be null")
	}
	if p.Enabled {
		a.config.Plugins = append(a.config.Plugins, p)
	}
}

// keyPart is what a foreign key contributes to a plugin's id: the text of a
// reference as written, or the id of what the plugin is nested in.
func keyPart(it item, field, nestedID string) string {
	if name, given := it.raw[field].(string); given {
		return name
	}
	return nestedID
}

// applies sets where a plugin applies, by nesting and by reference.
func (a *assembler) applies(p *Plugin, it item, in scope) {
	p.RouteID, p.ServiceID, p.ConsumerID = in.route, in.service, in.consumer
	if name, given := it.raw["route"].(string); given {
		if r := a.routes[name]; r != nil {
			p.RouteID = r.ID
		} else {
			a.noSuch(it, "route", name, "routes")
		}
	}
	if name, given := it.raw["service"].(string); given {
		if s := a.services[name]; s != nil {
			p.ServiceID = s.ID
		} else {
			a.noSuch(it, "service", name, "services")
		}
	}
	if name, given := it.raw["consumer"].(string); given {
		if c := a.config.Consumer(name, true); c != nil {
			p.ConsumerID = c.ID
		} else {
			a.noSuch(it, "consumer", name, "consumers")
		}
	}
}
