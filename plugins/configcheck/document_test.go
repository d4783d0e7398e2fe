package configcheck_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// TestDocument: each form of what Kong 3.9.1 refuses of a whole config, and what is near to it
// and taken. `kong config parse` says the same of each but the waived one, which it refuses.
func TestDocument(t *testing.T) {
	t.Parallel()
	const (
		version = `_format_version: "3.0"` + "\n"
		id      = "11111111-1111-4111-8111-111111111111"
		another = "22222222-2222-4222-8222-222222222222"
	)
	for name, tt := range map[string]struct {
		config string
		found  []string // the rules and paths
	}{
		"no version":               {"services: []", []string{"format-version "}},
		"an empty version":         {"_format_version:", []string{"format-version "}},
		"a version as a number":    {"_format_version: 3.0", []string{"format-version _format_version"}},
		"a list for a version":     {`_format_version: ["3.0"]`, []string{"format-version _format_version"}},
		"a merged number":          {"<<: {_format_version: 3.0}", []string{"format-version _format_version"}},
		"a version to come":        {`_format_version: "3.1"`, []string{"format-version _format_version"}},
		"a slip in its name":       {`format_version: "3.0"`, []string{"format-version ", "field-unknown format_version"}},
		"version 2.1":              {`_format_version: "2.1"`, nil},
		"version 1.1":              {`_format_version: "1.1"`, nil},
		"a version that is merged": {"<<: {_format_version: '3.0', services: [{name: s, host: h}]}\nplugins: []", nil},

		"an unknown field":       {version + "servcies: []", []string{"field-unknown servcies"}},
		"one without a value":    {version + "x-anchors:", []string{"field-unknown x-anchors"}},
		"a place for anchors":    {version + "_anchors: [&a {host: h}]", []string{"field-unknown _anchors"}},
		"what decK writes":       {version + "_info: {select_tags: [a]}", []string{"field-unknown _info"}},
		"what Enterprise has":    {version + "consumer_groups: [{name: g}]", []string{"field-unknown consumer_groups"}},
		"what is merged":         {version + "<<: {servcies: []}", []string{"field-unknown servcies"}},
		"what Kong has itself":   {version + "_comment: ours\n_transform: false\n_ignore: [&b {host: h}]\nservices: [{<<: *b, name: s}, {<<: *b, name: t}]", nil},
		"a waiver":               {version + "_ignore: ['field-unknown: of our own plugin']\nwidgets: [{name: w}]", nil},
		"a field of an entity's": {version + "services: [{name: s, host: h, _comment: ours, tags: [a]}]", nil},

		"two services":                        {version + "services: [{name: s, host: h}, {name: s, host: h}]", []string{"name-twice services[1].name"}},
		"three services":                      {version + "services: [{name: s, host: h}, {name: s, host: h}, {name: s, host: h}]", []string{"name-twice services[1].name", "name-twice services[2].name"}},
		"routes of two services":              {version + "services: [{name: s, host: h, routes: [{name: r, paths: [/a]}]}, {name: t, host: h, routes: [{name: r, paths: [/b]}]}]", []string{"name-twice services[1].routes[0].name"}},
		"a nested route, and one that is not": {version + "services: [{name: s, host: h, routes: [{name: r, paths: [/a]}]}]\nroutes: [{name: r, paths: [/b]}]", []string{"name-twice services[0].routes[0].name"}},
		"two upstreams":                       {version + "upstreams: [{name: u}, {name: u}]", []string{"name-twice upstreams[1].name"}},
		"two consumers":                       {version + "consumers: [{username: c}, {username: c}]", []string{"name-twice consumers[1].username"}},
		"two consumers of a custom_id":        {version + "consumers: [{username: a, custom_id: x}, {username: b, custom_id: x}]", []string{"name-twice consumers[1].custom_id"}},
		"two vaults":                          {version + "vaults: [{name: env, prefix: mine}, {name: env, prefix: mine}]", []string{"name-twice vaults[1].prefix"}},
		"two sets of keys":                    {version + "key_sets: [{name: a}, {name: a}]", []string{"name-twice key_sets[1].name"}},
		"two plugins of an id":                {version + "plugins: [{id: " + id + ", name: cors}, {id: " + id + ", name: jwt}]", []string{"name-twice plugins[1].id"}},
		"a service and a route":               {version + "services: [{id: " + id + ", name: s, host: h, routes: [{id: " + id + ", name: s, paths: [/a]}]}]", nil},
		"names that differ in case":           {version + "services: [{name: s, host: h}, {name: S, host: h}]", nil},
		"a username and a custom_id":          {version + "consumers: [{username: a, custom_id: x}, {username: x, custom_id: y}]", nil},
		"no names":                            {version + "services: [{host: h, routes: [{paths: [/a]}, {paths: [/b]}]}, {host: h}]", nil},
		"two vaults of a kind":                {version + "vaults: [{name: env, prefix: mine}, {name: env, prefix: yours}]", nil},

		"a target twice":                {version + "upstreams: [{name: u, targets: [{target: 'a:80'}, {target: 'b:80'}, {target: 'a:80'}]}]", []string{"name-twice upstreams[0].targets[2].target"}},
		"a target twice, by references": {version + "upstreams: [{name: u}]\ntargets: [{target: 'a:80', upstream: u}, {target: 'a:80', upstream: u}]", []string{"name-twice targets[1].target"}},
		"targets of an id":              {version + "upstreams: [{name: u, targets: [{id: " + id + ", target: 'a:80'}, {id: " + id + ", target: 'b:80'}]}]", []string{"name-twice upstreams[0].targets[1].id"}},
		"targets with ids":              {version + "upstreams: [{name: u, targets: [{id: " + id + ", target: 'a:80'}, {id: " + another + ", target: 'a:80'}, {target: 'a:80'}]}]", nil},
		"a target of two upstreams":     {version + "upstreams: [{name: u, targets: [{target: 'a:80'}]}, {name: v, targets: [{target: 'a:80'}]}]\ntargets: [{target: 'b:80', upstream: u}, {target: 'b:80', upstream: v}]", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRulesAt(t, check(gatewayChecker(t, configcheck.Options{}), tt.config), tt.found)
		})
	}
}

// TestDocumentOfLayers: the base says the version for all. What two files say of one name is of
// one entity.
func TestDocumentOfLayers(t *testing.T) {
	t.Parallel()
	const base = "services: [{name: s, host: h}]\n"
	for name, tt := range map[string]struct {
		base, overlay string
		found         []string
	}{
		"an overlay without a version": {`_format_version: "3.0"` + "\n" + base, "services: [{name: s, retries: 1}]", nil},
		"the version in an overlay":    {base, `_format_version: "3.0"`, nil},
		"no version at all":            {base, "services: [{name: s, retries: 1}]", []string{"format-version "}},
		"an overlay with a slip":       {`_format_version: "3.0"` + "\n" + base, "servcies: [{name: s}]", []string{"field-unknown servcies"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := gatewayChecker(t, configcheck.Options{}).CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(tt.base)}, kongyaml.File{Name: "more.yaml", Text: []byte(tt.overlay)})
			wantRulesAt(t, report, tt.found)
		})
	}
}

// wantRulesAt compares what the rules of whole documents found, and that it is said that
// Kong refuses it: of fields that another plugin may bring only in words.
func wantRulesAt(t *testing.T, report configcheck.Report, want []string) {
	t.Helper()
	report = only(report, "unreadable", "format-version", "field-unknown", "name-twice")
	for i, f := range report.Findings {
		if f.Refused == (f.Rule == "field-unknown") || f.Severity != configcheck.Error || f.Fix == "" {
			t.Errorf("finding %+v", f)
		}
		report.Findings[i].Path = f.Rule + " " + f.Path
	}
	wantAt(t, report, want...)
}

// TestDocumentSays what is there and what is to be written.
func TestDocumentSays(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"services: []":                           `there is no _format_version; write _format_version: "3.0"`,
		`_format_version: "3.1"`:                 `_format_version: "3.1": expected one of: 1.1, 2.1, 3.0; write "3.0"`,
		"_format_version: 3.0":                   `_format_version: 3.0: a number; write "3.0"`,
		"_format_version: 3":                     `_format_version: 3: a number; write "3.0"`,
		"_format_version: three":                 `_format_version: "three": expected one of: 1.1, 2.1, 3.0; write "3.0"`,
		"_format_version: [3]":                   `_format_version: expected a string; write "3.0"`,
		`{_format_version: "3.0", servcies: []}`: "servcies: Kong has no such field, and refuses the whole config; services?",
		`{_format_version: "3.0", widgets: []}`:  "widgets: Kong has no such field, and refuses the whole config; remove it, unless a plugin that you added to Kong has such entities",
		`{_format_version: "3.0", consumers: [{custom_id: x}, {custom_id: x}]}`: `consumers[1].custom_id: "x" is also that of consumers[0]; give each consumer its own, or take one out (x)`,
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), config), "format-version", "field-unknown", "name-twice")
		var said []string
		for _, f := range report.Findings {
			said = append(said, f.String())
		}
		if got := strings.Join(said, "\n"); got != want {
			t.Errorf("%s: said\n%s\nwant\n%s", config, got, want)
		}
	}
}
