package devgateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/auth"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/correlationid"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/cors"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/transform"
)

// bound is a plugin with one configuration, ready to run.
type bound struct {
	*config.Plugin
	phases phases               // of a bundled plugin
	remote *pluginclient.Plugin // of the plugin server
}

// phases are those of a bundled plugin, nil where it has none.
type phases struct{ access, headerFilter auth.Access }

// handles reports whether the plugin has a phase.
func (b *bound) handles(phase string) bool {
	switch {
	case phase == "header_filter": // the plugin server has none
		return b.phases.headerFilter != nil
	case b.remote != nil:
		return b.Info.Handles(phase)
	default:
		return phase == "access" && b.phases.access != nil
	}
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
func newChain(cfg *config.Config, nextSeq func() int, ids *correlationid.Worker) (*chain, error) {
	c := &chain{configs: map[string]map[scope]*bound{}}
	priorities := map[string]int{}
	for _, p := range cfg.Plugins {
		b, err := bind(p, nextSeq(), ids)
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

func bind(p *config.Plugin, seq int, ids *correlationid.Worker) (b *bound, err error) {
	b = &bound{Plugin: p}
	if p.Info == nil {
		b.phases, err = newPhases(p, ids)
		return b, err
	}
	text, err := json.Marshal(wireConfig(p, seq))
	if err != nil {
		return nil, fmt.Errorf("encode config of plugin %s: %w", p.Name, err)
	}
	b.remote = &pluginclient.Plugin{ID: p.ID, Name: p.Name, Seq: seq, Config: text}
	return b, nil
}

// newPhases are those of a bundled plugin.
func newPhases(p *config.Plugin, ids *correlationid.Worker) (phases, error) {
	switch p.Name {
	case config.CORSName:
		c, err := cors.New(p)
		if err != nil {
			return phases{}, err
		}
		return phases{c.Access, c.HeaderFilter}, nil
	case config.CorrelationIDName:
		c, err := correlationid.New(p, ids)
		return phases{c.Access, c.HeaderFilter}, err
	case config.RequestTransformerName:
		access, err := transform.New(p)
		return phases{access: access}, err
	default:
		access, err := auth.New(p)
		return phases{access: access}, err
	}
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
