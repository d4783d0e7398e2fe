package gateway

import (
	"slices"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// OneHop is the plugin that runs others in one event, each by a section of its config.
const OneHop = "gatehouse"

// Runs reports whether the plugin is [OneHop] and runs a section.
func (p *Plugin) Runs(section string) bool {
	return p.Name() == OneHop && slices.Contains(Strings(p.Config()["run"]), section)
}

// Section is the config of a plugin, alone or as a section of [OneHop], and where it is below
// the entity; nil where the plugin is another, or does not run the section.
func (p *Plugin) Section(name, section string) (config map[string]any, path schema.Path) {
	switch {
	case p.Name() == name:
		return p.Config(), schema.Path{"config"}
	case p.Runs(section):
		return Map(p.Config()[section]), schema.Path{"config", section}
	}
	return nil, nil
}

// Running is the plugin that Kong runs on a route for a consumer, alone or as a section of
// [OneHop]; nil if none does. See [Config.On].
func (c *Config) Running(route Route, consumer *Entity, name, section string) *Plugin {
	if p := c.On(route, consumer, name); p != nil {
		return p
	}
	if p := c.On(route, consumer, OneHop); p != nil && p.Runs(section) {
		return p
	}
	return nil
}
