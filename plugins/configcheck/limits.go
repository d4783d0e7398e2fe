package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// limiterConfig is where in a plugin the config of tenant-rate-limit is, alone or in one
// hop; nil where it does not run.
func limiterConfig(plugin *gateway.Plugin) (config map[string]any, path schema.Path) {
	return plugin.Section("tenant-rate-limit", "tenant_rate_limit")
}

// limitsPerNode finds limiters that count in each node's memory.
func (p *pass) limitsPerNode() {
	for _, plugin := range p.config.Plugins {
		if config, path := limiterConfig(plugin); config["policy"] == "local" {
			p.found(plugin.Entity, path.At("policy"), "local: each node counts in its own memory, so all nodes together admit each limit as many times as there are nodes, and one that is killed begins anew",
				"write policy: redis where there is more than one node; if it is meant, say why: "+waiverFor("limit-per-node"))
		}
	}
}

// limitsOfZero finds limits that admit nothing.
func (p *pass) limitsOfZero() {
	for _, plugin := range p.config.Plugins {
		config, path := limiterConfig(plugin)
		p.zeros(plugin, config, path.At("limits"), gateway.List(config["limits"]), "whoever it is for")
		for _, kind := range []string{"plans", "tenants"} {
			for i, item := range gateway.List(config[kind]) {
				fields := gateway.Map(item)
				whom, _ := fields[map[string]string{"plans": "name", "tenants": "tenant"}[kind]].(string)
				p.zeros(plugin, config, path.At(kind, i, "limits"), gateway.List(fields["limits"]), fmt.Sprintf("the %s %q", strings.TrimSuffix(kind, "s"), whom))
			}
		}
	}
}

// zeros finds those of one list. Neither a shadow denies anybody, nor an override of one.
func (p *pass) zeros(plugin *gateway.Plugin, config map[string]any, path schema.Path, limits []any, whom string) {
	for i, item := range limits {
		limit := gateway.Map(item)
		if isZero(limit["limit"]) && limit["mode"] != "shadow" && !shadowNamed(config, limit["name"]) {
			p.found(plugin.Entity, path.At(i, "limit"), "0 admits nothing: it blocks "+whom,
				"write the units that a window admits, or say why: "+waiverFor("limit-of-zero"))
		}
	}
}

func isZero(value any) bool { return value == 0 || value == 0.0 || value == int64(0) }

// shadowNamed reports whether the limit of that name for everybody is a shadow.
func shadowNamed(config map[string]any, name any) bool {
	return slices.ContainsFunc(gateway.List(config["limits"]), func(item any) bool {
		limit := gateway.Map(item)
		return limit["name"] == name && limit["mode"] == "shadow"
	})
}

// corsHides finds cors plugins on routes whose answers have headers of ours, and that let
// no script of another origin read those.
func (p *pass) corsHides() {
	hidden := map[*gateway.Plugin][]string{}
	var order []*gateway.Plugin
	for _, r := range p.config.Routes {
		cors := p.config.On(r, nil, "cors")
		if cors == nil {
			continue
		}
		if _, seen := hidden[cors]; !seen {
			order = append(order, cors)
		}
		for _, name := range p.headersOn(r) {
			if !exposes(cors.Config(), name) && !slices.Contains(hidden[cors], name) {
				hidden[cors] = append(hidden[cors], name)
			}
		}
	}
	for _, cors := range order {
		if names := hidden[cors]; len(names) > 0 {
			list := strings.Join(names, ", ")
			p.found(cors.Entity, at("config", "exposed_headers"), "scripts of other origins cannot read "+list, "write exposed_headers: ["+list+"], beside those that there are")
		}
	}
}

// headersOn are the headers that our plugins put on a route's answers.
func (p *pass) headersOn(r gateway.Route) (names []string) {
	if limiter := p.limiterOn(r, nil); limiter != nil {
		config, _ := limiterConfig(limiter)
		names = append(names, "RateLimit", "RateLimit-Policy", "Retry-After")
		if config["legacy_headers"] == true {
			names = append(names, "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
		}
		hide := gateway.Strings(config["hide_headers"])
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(hide, name) })
	}
	if said := p.announced(r); said.by != nil {
		names = append(names, "Deprecation", "Sunset", "Link")
		if brownsOut(said.config) && !slices.Contains(names, "Retry-After") {
			names = append(names, "Retry-After")
		}
	}
	return names
}

// brownsOut reports whether a version has brownouts, which say when to come back.
func brownsOut(sunset map[string]any) bool {
	return slices.ContainsFunc([]string{"brownouts", "brownout_schedules", "brownout_shares"}, func(field string) bool {
		return len(gateway.List(sunset[field])) > 0
	})
}

// exposes reports whether a script may read the header. With credentials, a star is the
// name of a header (Fetch, section 3.3.5).
func exposes(cors map[string]any, header string) bool {
	return slices.ContainsFunc(gateway.Strings(cors["exposed_headers"]), func(name string) bool {
		return strings.EqualFold(name, header) || name == "*" && cors["credentials"] != true
	})
}
