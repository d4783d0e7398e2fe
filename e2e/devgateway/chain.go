package devgateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/auth"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/transform"
)

// bound is a plugin with one configuration, ready to run.
type bound struct {
	*config.Plugin
	access auth.Access          // of a bundled plugin
	remote *pluginclient.Plugin // of the plugin server
}

// handles reports whether the plugin has a phase.
func (b *bound) handles(phase string) bool {
	if b.remote == nil {
		return phase == "access"
	}
	return b.Info.Handles(phase)
}

// scope is where a configuration applies: to a route, to a service, or everywhere
// if both ids are empty.
type scope struct{ route, service string }

// chain is the plugins of a configuration in the order in which they run, each
// with its configurations (kong/runloop/plugins_iterator.lua).
type chain struct {
	order   []string
	configs map[string]map[scope]*bound
}

// newChain builds the chain. nextSeq numbers the configurations: every load
// gives each of them a new number.
func newChain(cfg *config.Config, nextSeq func() int) (*chain, error) {
	c := &chain{configs: map[string]map[scope]*bound{}}
	priorities := map[string]int{}
	for _, p := range cfg.Plugins {
		b, err := bind(p, nextSeq())
		if err != nil {
			return nil, err
		}
		if c.configs[p.Name] == nil {
			c.configs[p.Name] = map[scope]*bound{}
			c.order = append(c.order, p.Name)
			priorities[p.Name] = p.Priority()
		}
		c.configs[p.Name][scope{p.RouteID, p.ServiceID}] = b
	}
	slices.SortFunc(c.order, func(a, b string) int {
		return cmp.Or(cmp.Compare(priorities[b], priorities[a]), cmp.Compare(b, a))
	})
	return c, nil
}

func bind(p *config.Plugin, seq int) (*bound, error) {
	b := &bound{Plugin: p}
	if p.Info == nil {
		access, err := newAccess(p)
		b.access = access
		return b, err
	}
	text, err := json.Marshal(wireConfig(p, seq))
	if err != nil {
		return nil, fmt.Errorf("encode config of plugin %s: %w", p.Name, err)
	}
	b.remote = &pluginclient.Plugin{ID: p.ID, Name: p.Name, Seq: seq, Config: text}
	return b, nil
}

// newAccess is the access phase of a bundled plugin.
func newAccess(p *config.Plugin) (auth.Access, error) {
	if p.Name == config.RequestTransformerName {
		return transform.New(p)
	}
	return auth.New(p)
}

// wireConfig is a configuration as Kong sends it, with what its plugins iterator
// adds.
func wireConfig(p *config.Plugin, seq int) map[string]any {
	conf := make(map[string]any, len(p.Config)+8)
	for k, v := range p.Config {
		conf[k] = v
	}
	if p.RouteID != "" {
		conf["route_id"] = p.RouteID
	}
	if p.ServiceID != "" {
		conf["service_id"] = p.ServiceID
	}
	conf["__plugin_id"] = p.ID
	conf["__ws_id"] = config.DefaultWorkspace
	conf["__key__"] = strings.Join([]string{"plugins", p.Name, p.RouteID, p.ServiceID, "", "", config.DefaultWorkspace}, ":")
	conf["__seq__"] = seq
	return conf
}

// global lists the plugins that apply everywhere and have a phase.
func (c *chain) global(phase string) []*bound {
	var out []*bound
	for _, name := range c.order {
		if b := c.configs[name][scope{}]; b != nil && b.handles(phase) {
			out = append(out, b)
		}
	}
	return out
}

// pick finds the most specific configuration of a plugin for a route.
func (c *chain) pick(name string, r *config.Route) *bound {
	for _, s := range []scope{{route: r.ID}, {service: r.Service.ID}, {}} {
		if b := c.configs[name][s]; b != nil {
			return b
		}
	}
	return nil
}
