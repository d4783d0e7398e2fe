package configcheck

import (
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// PluginConfig is a config of a plugin in a file.
type PluginConfig struct {
	// Name is the plugin's.
	Name string
	// Config is what the plugin makes of it, its defaults filled in. It was provisioned and
	// closed.
	Config any
	// Global says that it is for all requests.
	Global bool
}

// PluginConfigs reads a file that is either a whole declarative config or the config of one
// plugin alone, the first of names, with or without `config:` over it. It returns the configs
// of the plugins of those names, and what is wrong with them in the words of
// [Checker.CheckFiles]. References to environment variables are followed.
func (c *Checker) PluginConfigs(file kongyaml.File, names ...string) (list []PluginConfig, report Report) {
	document, whole, err := pluginFile(file, names[0])
	var config *gateway.Config
	if err == nil {
		config, err = gateway.Read(document)
	}
	if err != nil {
		return nil, noConfig(file, err)
	}
	p := &pass{Checker: c, config: config, rule: ruleOf("plugin-config"), report: Report{Good: map[string]int{}}}
	for _, e := range config.All("plugins") {
		if known, ours := p.plugins[e.Name()]; ours && slices.Contains(names, e.Name()) && e.Fields["enabled"] != false && p.pluginConfig(e, known) {
			made, err := p.decodeHere(e, known)
			if err != nil {
				p.degraded(e, err)
				continue
			}
			list = append(list, PluginConfig{e.Name(), made, forAll(e)})
		}
	}
	if !whole {
		for i := range p.report.Findings {
			f := &p.report.Findings[i]
			f.Path = strings.TrimPrefix(strings.TrimPrefix(f.Path, "plugins[0].config"), ".")
			f.Entity = ""
		}
	}
	return list, p.report
}

// noConfig is the report of a file that cannot be read.
func noConfig(file kongyaml.File, err error) Report {
	report := NotReadable(file, nil, err)
	for i := range report.Findings {
		if f := &report.Findings[i]; f.Fix == whatToBegin {
			f.Fix = "write the plugin's config, or name a whole kong.yaml"
		}
	}
	return report
}

// pluginFile is a file as a document, and whether it is a whole config.
func pluginFile(file kongyaml.File, name string) (document *kongyaml.Document, whole bool, err error) {
	value, err := kongyaml.Decode(file.Text)
	fields := gateway.Map(value)
	for field := range fields {
		whole = whole || slices.Contains(topLevel, field)
	}
	if err == nil && whole {
		document, err = kongyaml.Layer(file)
		return document, true, err
	}
	document, err = kongyaml.AsPlugin(name, file)
	return document, false, err
}

// decodeHere makes a config whose references are to variables of here.
func (p *pass) decodeHere(e *gateway.Entity, known plugin) (any, error) {
	value := schema.Normalize(known.config, gateway.Map(e.Fields["config"]))
	return known.decodeWith(value, p.follow)
}

// forAll reports whether a plugin is for all requests.
func forAll(e *gateway.Entity) bool {
	for _, field := range [...]string{"service", "route", "consumer"} {
		if e.Fields[field] != nil {
			return false
		}
	}
	return e.Parent == nil || e.Parent.Kind == ""
}
