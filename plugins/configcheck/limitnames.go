package configcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// anID is one that Kong may have given: nobody reads it in a config.
var anID = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// limitNames finds routes and consumers that a limiter names and that are not there.
func (p *pass) limitNames() {
	for _, plugin := range p.config.Plugins {
		config, path := limiterConfig(plugin)
		exempt := gateway.Map(config["exempt"])
		p.namesOf("routes", plugin, exempt["routes"], path.At("exempt", "routes"))
		p.namesOf("consumers", plugin, exempt["consumers"], path.At("exempt", "consumers"))
		for i, cost := range gateway.List(config["costs"]) {
			p.namesOf("routes", plugin, gateway.Map(cost)["routes"], path.At("costs", i, "routes"))
		}
	}
}

// namesOf finds the names in a list that no entity of a kind has.
func (p *pass) namesOf(kind string, plugin *gateway.Plugin, names any, path schema.Path) {
	for i, name := range gateway.List(names) {
		p.nameOf(kind, plugin, name, path.At(i))
	}
}

// nameOf finds a name that no entity of a kind has. What is no name another rule tells of.
func (p *pass) nameOf(kind string, plugin *gateway.Plugin, value any, path schema.Path) {
	var known []string
	for _, e := range p.config.All(kind) {
		for _, field := range []string{"id", "name", "username", "custom_id"} {
			if name := e.Text(field); name != "" {
				known = append(known, name)
			}
		}
	}
	name, isText := value.(string)
	if !isText || name == "" || anID.MatchString(name) || schema.IsReference(value) || slices.Contains(known, name) {
		return
	}
	fix := "write the name of one that is there, or remove it"
	if near := spelling.Nearest(name, known, spelling.AnyNumber); near != "" {
		fix = near + "?"
	}
	p.found(plugin.Entity, path, fmt.Sprintf("%q: no %s of the config is called so, and nothing comes of it", name, strings.TrimSuffix(kind, "s")), fix)
}
