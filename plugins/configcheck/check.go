package configcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/lifecyclepolicy"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// Options say where and for whom configs are checked.
type Options struct {
	// NoLogPlugins says that none of Kong's log plugins is to be enabled.
	NoLogPlugins bool
	// Development says that what is for development is where it should be.
	Development bool
	// Ours says that a config without a plugin of the checker's own is likely another file than
	// the one that was meant.
	Ours bool
	// Rendered says that a config is what Kong starts with: the overlays with the secrets are
	// in it.
	Rendered bool
	// Now is the time by which things have expired. Of the zero time nothing has.
	Now time.Time
	// Getenv is the environment that vault references read; empty if nil.
	Getenv func(string) string
	// Contracts are the OpenAPI documents of services.
	Contracts []Contract
	// Lifecycle says that versions are held to a policy: that of LifecycleFile, or without one
	// to [lifecyclepolicy.Default].
	Lifecycle     bool
	LifecycleFile *kongyaml.File
}

// Checker knows some plugins.
type Checker struct {
	Options
	plugins map[string]plugin
}

type plugin struct {
	config *schema.Field
	make   func() any
}

// New makes a checker of configs of the plugins.
func New(o Options, plugins ...pluginserver.Plugin) (*Checker, error) {
	server, err := pluginserver.New(pluginserver.Options{Strict: true}, plugins...)
	if err != nil {
		return nil, fmt.Errorf("make schemas: %w", err)
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	c := &Checker{Options: o, plugins: map[string]plugin{}}
	for _, p := range plugins {
		dump, err := server.Info(p.Name)
		if err != nil {
			return nil, fmt.Errorf("make the schema of %s: %w", p.Name, err)
		}
		info, err := schema.ParseInfo(dump)
		if err != nil {
			return nil, fmt.Errorf("read the schema of %s: %w", p.Name, err)
		}
		c.plugins[p.Name] = plugin{config: info.Schema.Config(), make: p.New}
	}
	return c, nil
}

// Schemas are those of the plugins' configs, by the plugins' names.
func (c *Checker) Schemas() map[string]*schema.Field {
	schemas := make(map[string]*schema.Field, len(c.plugins))
	for name, p := range c.plugins {
		schemas[name] = p.config
	}
	return schemas
}

// Secrets knows which values are secret in configs of the plugins.
func (c *Checker) Secrets() *kongsecret.Finder { return kongsecret.New(c.Schemas()) }

// CheckFiles reads a declarative config (`_format_version: "3.0"`), in YAML or JSON, with what
// goes over it, and checks it. Beside a mistake that it can be read with it tells of all others;
// of what cannot be read it says nothing else.
func (c *Checker) CheckFiles(base kongyaml.File, overlays ...kongyaml.File) Report {
	document, err := kongyaml.Layer(base, overlays...)
	if err == nil {
		return c.Check(document)
	}
	document, slips, unread := kongyaml.Survey(base, overlays...)
	if unread != nil || len(slips) == 0 {
		return NotReadable(base, overlays, err)
	}
	return c.check(document, slips)
}

// Check says what is wrong with a declarative config. Of what is in vaults it says nothing.
func (c *Checker) Check(document *kongyaml.Document) Report { return c.check(document, nil) }

// check is [Checker.Check] of what is left of a config with slips.
func (c *Checker) check(document *kongyaml.Document, slips []kongyaml.Slip) Report {
	config, err := gateway.Read(document)
	if err != nil {
		return NotReadable(kongyaml.File{Name: document.At(nil).File}, nil, err)
	}
	p := &pass{Checker: c, config: config, report: Report{Checked: map[string]int{}, Good: map[string]int{}}}
	for i := range table {
		if p.looks(&table[i]) {
			p.rule = &table[i]
			table[i].find(p)
		}
	}
	p.slips(slips)
	p.waive()
	p.looked()
	files := document.Files()
	for _, contract := range c.Contracts {
		files = append(files, contract.Document.At(nil).File)
	}
	if c.LifecycleFile != nil {
		files = append(files, c.LifecycleFile.Name)
	}
	p.report.Findings = sorted(p.report.Findings, files)
	return p.report
}

// pass is one look at a config.
type pass struct {
	*Checker
	config *gateway.Config
	// rule is the one that is looking.
	rule   *Rule
	report Report
	// about are the entities of the findings, in their order.
	about []*gateway.Entity
	// overriding are what overrides found, which two rules ask.
	overriding []override
	// policy is what versions are held to, nil if it is nothing.
	policy *lifecyclepolicy.Policy
}

// looks reports whether a rule has what it judges by.
func (p *pass) looks(r *Rule) bool {
	return r.find != nil && (r.needs == nil || r.needs(p))
}

// at is a path below an entity.
func at(steps ...any) schema.Path { return steps }

// found adds a finding about an entity, or a value below it.
func (p *pass) found(e *gateway.Entity, below schema.Path, what, fix string) {
	p.foundBy(p.rule, e, below, what, fix)
}

func (p *pass) foundBy(rule *Rule, e *gateway.Entity, below schema.Path, what, fix string) {
	if what, ask, ok := cutLast(what, "; "); ok && fix == "" { // a plugin's own words have both
		p.foundBy(rule, e, below, what, ask)
		return
	}
	path := e.Path.At(below...)
	position := p.config.Document.At(path)
	p.report.Findings = append(p.report.Findings, Finding{
		Rule: rule.Name, Severity: rule.Severity, Refused: rule.Refused, File: position.File, Line: position.Line,
		Path: path.String(), Entity: named(e), What: oneLine(what), Fix: oneLine(fix),
	})
	p.about = append(p.about, e)
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// named is the name of an entity; of one that has none, that of what it is in.
func named(e *gateway.Entity) string {
	if name := e.Name(); name != "" {
		return name
	}
	for outer := e.Parent; outer != nil; outer = outer.Parent {
		if name := outer.Name(); name != "" {
			return "of " + name
		}
	}
	return ""
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// looked says what was looked at, and what was not.
func (p *pass) looked() {
	for _, kind := range p.config.Kinds() {
		p.report.Checked[kind] = len(p.config.All(kind))
	}
	others := map[string]int{}
	for _, e := range p.config.All("plugins") {
		if _, ours := p.plugins[e.Name()]; !ours && e.Name() != "" {
			others[e.Name()]++
		}
	}
	if len(others) > 0 {
		names := strings.Join(slices.Sorted(maps.Keys(others)), ", ")
		p.report.Skipped = append(p.report.Skipped, "the configs of other plugins, which Kong checks when the config is posted: "+names)
	}
	if p.Rendered {
		p.report.Skipped = append(p.report.Skipped, "secrets in the file: it is what Kong starts with")
	}
	if p.Development {
		p.report.Skipped = append(p.report.Skipped, "what is for development only: this is development")
	}
	if len(p.Contracts) == 0 {
		p.report.Skipped = append(p.report.Skipped, "contracts against routes: none was named")
	}
	if p.Lifecycle && p.policy == nil {
		p.report.Skipped = append(p.report.Skipped, "versions against their policy: it has mistakes")
	}
}
