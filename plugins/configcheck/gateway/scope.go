package gateway

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Route is a route with its service, nil if it has none.
type Route struct {
	*Entity
	Service *Entity
}

// Plugin is one that runs. Without a route, service or consumer it is for every request.
type Plugin struct {
	*Entity
	Route, Service, Consumer *Entity
}

// Config is the plugin's.
func (p *Plugin) Config() map[string]any { return Map(p.Fields["config"]) }

// relate finds which routes are whose, and which plugins are for what.
func (c *Config) relate() {
	for _, r := range c.All("routes") {
		service := r.In("services")
		if service == nil {
			service = c.Find("services", r.Fields["service"])
		}
		c.Routes = append(c.Routes, Route{r, service})
	}
	for _, e := range c.All("plugins") {
		// Kong 3.9 without a licence runs none of a group.
		if e.Fields["consumer_group"] != nil || e.In("consumer_groups") != nil {
			continue
		}
		p := &Plugin{e, c.scopeOf(e, "routes", "route"), c.scopeOf(e, "services", "service"), c.scopeOf(e, "consumers", "consumer")}
		if e.Fields["enabled"] == false {
			c.Off = append(c.Off, p)
			continue
		}
		c.add(p)
	}
	slices.Sort(c.names)
}

func (c *Config) add(p *Plugin) {
	name := p.Name()
	c.Plugins = append(c.Plugins, p)
	if s := p.scope(); c.scoped[s] == nil {
		c.scoped[s] = p
	}
	if !slices.Contains(c.names, name) {
		c.names = append(c.names, name)
	}
	if p.Consumer != nil && !slices.Contains(c.consumers[name], p.Consumer) {
		c.consumers[name] = append(c.consumers[name], p.Consumer)
	}
}

// scopeOf is the entity of a kind that a plugin is for, nil if it is for all. A plugin in a
// route is not for its service, too: Kong reads the innermost.
func (c *Config) scopeOf(plugin *Entity, kind, field string) *Entity {
	if plugin.Parent.Kind == kind {
		return plugin.Parent
	}
	reference := plugin.Fields[field]
	if reference == nil {
		return nil
	}
	if found := c.Find(kind, reference); found != nil {
		return found
	}
	return &Entity{Kind: kind, Fields: map[string]any{nameField(kind): Referred(reference)}} // one that is not here
}

// scope is what a plugin is for.
type scope struct {
	name                     string
	route, service, consumer *Entity
}

func (p *Plugin) scope() scope { return scope{p.Name(), p.Route, p.Service, p.Consumer} }

// precedence is Kong's (kong/runloop/plugins_iterator.lua, lookup_cfg): what a plugin is for, the
// one that runs first.
var precedence = [...]struct{ route, service, consumer bool }{
	{true, true, true},
	{true, false, true},
	{false, true, true},
	{true, true, false},
	{false, false, true},
	{true, false, false},
	{false, true, false},
	{false, false, false},
}

// Chain are the plugins of a name that requests of a consumer on a route meet, in the order of
// precedence: the first one runs, and the others do not. Without a consumer they are those of
// all that have none of their own, and without a route those that are for all requests.
func (c *Config) Chain(r Route, consumer *Entity, name string) (chain []*Plugin) {
	for _, of := range precedence {
		s := scope{name: name}
		if of.route {
			s.route = r.Entity
		}
		if of.service {
			s.service = r.Service
		}
		if of.consumer {
			s.consumer = consumer
		}
		if of.route != (s.route != nil) || of.service != (s.service != nil) || of.consumer != (s.consumer != nil) {
			continue // there is none to be for
		}
		if p := c.scoped[s]; p != nil {
			chain = append(chain, p)
		}
	}
	return chain
}

// First is the plugin that another one is the second of: of its name, and for the same. Those
// that run come first. It is nil if there is none.
func (c *Config) First(p *Plugin) *Plugin {
	if first := c.scoped[p.scope()]; first != nil && first != p {
		return first
	}
	for _, off := range c.Off {
		if off == p {
			break
		}
		if off.scope() == p.scope() && c.scoped[p.scope()] == nil {
			return off
		}
	}
	return nil
}

// On is the plugin of a name that Kong runs for a consumer on a route, nil if there is none.
func (c *Config) On(r Route, consumer *Entity, name string) *Plugin {
	if chain := c.Chain(r, consumer, name); len(chain) > 0 {
		return chain[0]
	}
	return nil
}

// Consumers are those that have a plugin of a name of their own.
func (c *Config) Consumers(name string) []*Entity { return c.consumers[name] }

// Names are those of the plugins that run, each once.
func (c *Config) Names() []string { return c.names }

// Address is where a service is called.
type Address struct {
	Protocol, Host, Path string
	// Field is the one that says the protocol, or would.
	Field string
}

// AddressOf reads a service's url, or the fields that it stands for. Kong's default is http.
func AddressOf(service *Entity) Address {
	if u, err := url.Parse(service.Text("url")); err == nil && u.Host != "" {
		return Address{u.Scheme, u.Hostname(), u.Path, "url"}
	}
	a := Address{service.Text("protocol"), service.Text("host"), service.Text("path"), "protocol"}
	if a.Protocol == "" {
		a.Protocol = "http"
	}
	return a
}

// Targets are those of an upstream that take requests.
func (c *Config) Targets(upstream *Entity) (hosts []string) {
	for _, t := range c.All("targets") {
		if t.Parent != upstream && (t.Parent != c.Whole || c.Find("upstreams", t.Fields["upstream"]) != upstream) || t.Fields["weight"] == 0.0 {
			continue
		}
		hosts = append(hosts, hostOf(t.Text("target")))
	}
	return hosts
}

// hostOf is a target without its port.
func hostOf(target string) string {
	if i := strings.LastIndexByte(target, ':'); i >= 0 {
		if _, err := strconv.Atoi(target[i+1:]); err == nil {
			target = target[:i]
		}
	}
	return strings.Trim(target, "[]")
}
