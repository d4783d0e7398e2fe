package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Options are what a Loader needs from outside.
type Options struct {
	// PluginInfo runs a plugin's query command and returns its output; nil: only the
	// bundled plugins exist.
	PluginInfo func(name string) ([]byte, error)
	// Hosts has the addresses of targets that are names.
	Hosts Hosts
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

var errNoObject = errors.New("failed parsing declarative configuration: expected an object")

// Load reads a configuration. The error is *Invalid if the text is YAML (or
// JSON, which is YAML too), with everything that is wrong in it.
func (l *Loader) Load(text []byte) (*Config, error) {
	doc, err := kongyaml.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("failed parsing declarative configuration: %w", err)
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return nil, errNoObject
	}
	errs := danglingReferences(fields)
	value := schema.Normalize(l.document, withURLs(fields))
	errs = oneEach(errs, asWritten(schema.Validate(l.document, value, nil), doc))
	if len(errs) > 0 {
		return nil, &Invalid{Errors: errs, Document: doc}
	}
	a := newAssembler(l)
	a.document(entry{fields: schema.WithoutNulls(value).(map[string]any)})
	if len(a.errs) > 0 {
		return nil, &Invalid{Errors: a.errs, Document: doc}
	}
	return a.config, nil
}
