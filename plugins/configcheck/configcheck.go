// Package configcheck says what is wrong with the plugins' configs in a declarative
// config, before Kong reads it: what Kong would refuse, by the plugins' own schemas, and
// what it would accept and the plugin server would find, such as a day that does not
// exist or a plan that is not defined. And it says what Kong says nothing of: which ids and
// references of certificates lead nowhere, which credentials let in others than those whose
// they are, and which of them get about.
package configcheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// Severity says what comes of a finding.
type Severity int

// The severities, the worst last.
const (
	// Warning is no mistake, and may be none of the operator's intentions.
	Warning Severity = iota
	// Mistake is what Kong accepts: the plugin starts degraded, in its declared direction.
	Mistake
	// Refused is what Kong refuses, and with it the whole config.
	Refused
)

// Finding is one thing that is wrong, in one line.
type Finding struct {
	Severity Severity
	// Where names the plugin and where it is in the config; empty for the whole of it.
	Where string
	// What names the field, its value and the fix.
	What string
}

func (f Finding) String() string {
	if f.Where == "" {
		return f.What
	}
	return f.Where + ": " + f.What
}

// Report is what was found, in the order of the config.
type Report struct {
	Findings []Finding
	// Good is how many plugin configs have no mistake in them.
	Good int
}

// Worst is the worst severity of a report's findings, [Warning] if it has none.
func (r Report) Worst() Severity {
	worst := Warning
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Checker knows some plugins.
type Checker struct {
	plugins map[string]plugin
	// noLogPlugins says that none of Kong's log plugins is to be enabled.
	noLogPlugins bool
	// Development says that what is for development is where it should be.
	Development bool
}

type plugin struct {
	config *schema.Field
	make   func() any
}

// New makes a checker of configs of the plugins, and of the bundled log plugins where
// there are to be none.
func New(noLogPlugins bool, plugins ...pluginserver.Plugin) (*Checker, error) {
	server, err := pluginserver.New(pluginserver.Options{Strict: true}, plugins...)
	if err != nil {
		return nil, fmt.Errorf("make schemas: %w", err)
	}
	c := &Checker{plugins: map[string]plugin{}, noLogPlugins: noLogPlugins}
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

// Check reads a declarative config (`_format_version: "3.0"`), in YAML or JSON. Of other
// plugins than its own it says little, and nothing of what plugins have in vaults.
func (c *Checker) Check(text []byte) Report {
	var r Report
	document, err := kongyaml.Decode(text)
	if err != nil {
		r.add(Refused, "", fmt.Errorf("parse declarative config: %w", err))
		return r
	}
	c.entity(&r, "", document)
	r.certificates(document)
	r.nearNames(document)
	r.credentials(document)
	r.tokens(document)
	if !c.Development {
		r.development(document)
	}
	return r
}

// add adds one finding for each line of an error.
func (r *Report) add(s Severity, where string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.Findings = append(r.Findings, Finding{Severity: s, Where: where, What: line})
	}
}

// nesting are the entities that have plugins, or hold others that do.
var nesting = []string{"services", "routes", "consumers", "consumer_groups"}

// entity checks the plugins of one entity and of those nested in it. path is where it is
// in the config, empty for the config itself. What is no entity is Kong's to refuse.
func (c *Checker) entity(r *Report, path string, of any) {
	entity, _ := of.(map[string]any)
	for i, p := range list(entity["plugins"]) {
		c.plugin(r, fmt.Sprintf("%splugins[%d]", path, i), p)
	}
	for _, name := range nesting {
		for i, nested := range list(entity[name]) {
			c.entity(r, fmt.Sprintf("%s%s[%d].", path, name, i), nested)
		}
	}
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// bundledLogPlugins are those of Kong's that write down what kong.log.serialize says.
var bundledLogPlugins = []string{"file-log", "http-log", "loggly", "syslog", "tcp-log", "udp-log"}

var errUnscrubbed = errors.New("GATEHOUSE_LOG_PLUGINS=off says that there is no such plugin, so it would log requests as they came; " +
	"remove the plugin or the variable")

func (c *Checker) plugin(r *Report, path string, of any) {
	entry, _ := of.(map[string]any)
	name, _ := entry["name"].(string)
	where := path + " " + name
	if c.noLogPlugins && slices.Contains(bundledLogPlugins, name) {
		r.add(Mistake, where, errUnscrubbed)
		return
	}
	p, ours := c.plugins[name]
	if !ours {
		return
	}
	before := len(r.Findings)
	p.check(r, where, entry["config"], entry["enabled"] != false)
	if !slices.ContainsFunc(r.Findings[before:], func(f Finding) bool { return f.Severity > Warning }) {
		r.Good++
	}
}

// check validates a config as Kong would, and then starts it as the plugin server would,
// if it is to run.
func (p plugin) check(r *Report, where string, written any, enabled bool) {
	if written == nil {
		written = map[string]any{}
	}
	value := schema.Normalize(p.config, written)
	if errs := schema.Validate(p.config, value, nil); len(errs) > 0 {
		for _, err := range errs {
			r.add(Refused, where, shown(p.config, value, err))
		}
		return
	}
	if !enabled {
		return
	}
	config, err := p.decode(value)
	if err != nil {
		r.add(Mistake, where, err)
		return
	}
	started(r, where, config)
}

// fromVault stands in for what Kong's vaults fill in when it starts. It is the URL of a
// Redis and a key that is long enough: nothing is said of what is in a vault.
const fromVault = "redis://what-is-in-a-vault.invalid:6379/0"

func (p plugin) decode(value any) (any, error) {
	resolved := schema.Resolve(p.config, schema.WithoutNulls(value).(map[string]any),
		func(string) (string, error) { return fromVault, nil }, func(error) {})
	text, err := json.Marshal(resolved)
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	config := p.make()
	if err := json.Unmarshal(text, config); err != nil {
		return nil, fmt.Errorf("decode config: %w", err)
	}
	return config, nil
}

// started provisions a config, and says what that says.
func started(r *Report, where string, config any) {
	if p, ok := config.(interface{ Provision() error }); ok {
		if err := provision(p.Provision); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				r.add(Mistake, where, errors.New(line+" (the plugin starts degraded)"))
			}
		}
	}
	if w, ok := config.(interface{ Warnings() []error }); ok {
		for _, err := range w.Warnings() {
			r.add(Warning, where, err)
		}
	}
	if closer, ok := config.(interface{ Close() error }); ok {
		_ = closer.Close() // it has done nothing
	}
}

// provision makes a panic an error: it is one config's, and others are to be checked.
func provision(start func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return start()
}

// shown is Kong's complaint with the value that it is about, which Kong often leaves
// out. What may be secret is not shown.
func shown(f *schema.Field, value any, e schema.Error) error {
	if e.Entity || len(e.Path) == 0 {
		return e
	}
	for _, step := range e.Path {
		switch step := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[step]
			if f = f.Fields.Get(step); f == nil {
				return e // an unknown field
			}
		case int:
			value, f = list(value)[step], f.Elements
		}
	}
	text, isText := value.(string)
	if !isText || f.Referenceable || f.Encrypted || strings.Contains(e.Message, text) {
		return e
	}
	return fmt.Errorf("%s: %q: %s", e.Path, text, e.Message)
}
