package config

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Options are what a Loader needs from outside. Only PluginInfo may be nil:
// then only the bundled plugins exist.
type Options struct {
	// PluginInfo runs a plugin's query command and returns its output.
	PluginInfo func(name string) ([]byte, error)
	// Env looks up what {vault://env/NAME} refers to.
	Env func(name string) (string, bool)
	// Warn is told of references that cannot be resolved.
	Warn func(error)
	// Now is the time for created_at and updated_at.
	Now func() time.Time
}

// Loader turns declarative configurations into Configs.
type Loader struct {
	opts     Options
	plugins  *registry
	document *schema.Field
}

// NewLoader returns a Loader that asks the plugin server about each plugin at
// most once.
func NewLoader(opts Options) *Loader {
	r := &registry{query: opts.PluginInfo, known: map[string]definition{}}
	return &Loader{opts: opts, plugins: r, document: document(r.field())}
}

// Invalid is a configuration that was understood and refused.
type Invalid struct {
	Errors   schema.Errors
	Document any // what was read, for reports by entity
}

func (e *Invalid) Error() string { return e.Errors.Error() }

// Unwrap gives access to the single errors.
func (e *Invalid) Unwrap() error { return e.Errors }

// Load reads a configuration. The error is *Invalid if the text is YAML (or
// JSON, which is YAML too), with everything that is wrong in it.
func (l *Loader) Load(text []byte) (*Config, error) {
	doc, err := kongyaml.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("failed parsing declarative configuration: %w", err)
	}
	root, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("failed parsing declarative configuration: expected an object")
	}
	value := schema.Normalize(l.document, expandURLs(root))
	errs := schema.Validate(l.document, value, nil)
	if len(errs) > 0 {
		return nil, &Invalid{Errors: errs, Document: doc}
	}
	normal, ok := schema.WithoutNulls(value).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("failed parsing declarative configuration: expected an object")
	}
	a := newAssembler(l)
	a.document(normal)
	if len(a.errs) > 0 {
		return nil, &Invalid{Errors: a.errs, Document: doc}
	}
	a.config.Hash = Hash(text)
	return a.config, nil
}

// expandURLs replaces the shorthand "url" of services by what it stands for.
func expandURLs(root map[string]any) map[string]any {
	services, ok := root["services"].([]any)
	if !ok {
		return root
	}
	out := make(map[string]any, len(root))
	for k, v := range root {
		out[k] = v
	}
	expanded := make([]any, len(services))
	for i, s := range services {
		expanded[i] = expandURL(s)
	}
	out["services"] = expanded
	return out
}

func expandURL(service any) any {
	in, ok := service.(map[string]any)
	if !ok {
		return service
	}
	text, ok := in["url"].(string)
	if !ok {
		return service // a url of another type stays, and is an unknown field
	}
	out := make(map[string]any, len(in)+4)
	for k, v := range in {
		if k != "url" {
			out[k] = v
		}
	}
	for k, v := range urlParts(text) {
		out[k] = v
	}
	return out
}

func urlParts(text string) map[string]any {
	u, err := url.Parse(text)
	if err != nil {
		return map[string]any{"host": nil}
	}
	parts := map[string]any{"protocol": u.Scheme, "host": u.Hostname(), "path": u.Path, "port": 80.0}
	if u.Scheme == "https" {
		parts["port"] = 443.0
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		parts["port"] = float64(port)
	}
	for _, name := range []string{"host", "path"} {
		if parts[name] == "" {
			parts[name] = nil
		}
	}
	return parts
}
