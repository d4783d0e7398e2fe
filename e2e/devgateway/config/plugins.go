package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/schema"
)

// registry knows the plugins by name. Like Kong it asks the plugin server about
// a plugin only once.
type registry struct {
	query func(name string) ([]byte, error)

	mu    sync.Mutex
	known map[string]definition
}

// definition is what a plugin's configuration is validated with; info is nil
// for a bundled plugin.
type definition struct {
	schema *schema.Plugin
	info   *Info
}

func (r *registry) find(name string) (definition, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, ok := r.known[name]; ok {
		return d, nil
	}
	d, err := r.load(name)
	if err == nil {
		r.known[name] = d
	}
	return d, err
}

func (r *registry) load(name string) (definition, error) {
	if s, err := bundledSchema(name); s != nil || err != nil {
		return definition{schema: s}, err
	}
	if inKong(name) {
		return definition{}, fmt.Errorf("the dev gateway does not support plugin '%s'; it supports %s, %s, %s and those of the plugin server",
			name, JWTName, KeyAuthName, ACLName)
	}
	notEnabled := fmt.Errorf("plugin '%s' not enabled; add it to the 'plugins' configuration property", name)
	if r.query == nil {
		return definition{}, notEnabled
	}
	data, err := r.query(name)
	if err != nil {
		return definition{}, fmt.Errorf("%w (the plugin server says: %w)", notEnabled, err)
	}
	info, err := ParseInfo(data)
	if err != nil {
		return definition{}, fmt.Errorf("plugin '%s': %w", name, err)
	}
	if info.Name != name {
		return definition{}, fmt.Errorf("%w (the plugin server answers with plugin '%s')", notEnabled, info.Name)
	}
	return definition{schema: info.Schema, info: info}, nil
}

// ParseInfo reads the output of a plugin server's query command. Kong looks at
// the first plugin only, and so does the dev gateway.
func ParseInfo(data []byte) (*Info, error) {
	var dump struct {
		Protocol string
		Plugins  []struct {
			Name     string
			Priority int
			Version  string
			Phases   []string
			Schema   json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &dump); err != nil {
		return nil, fmt.Errorf("decode plugin info: %w", err)
	}
	if dump.Protocol != "ProtoBuf:1" {
		return nil, fmt.Errorf("unknown protocol implementation: %q", dump.Protocol)
	}
	if len(dump.Plugins) == 0 {
		return nil, fmt.Errorf("decode plugin info: no plugin in it")
	}
	first := dump.Plugins[0]
	parsed, err := schema.ParsePlugin(first.Schema)
	if err != nil {
		return nil, err
	}
	return &Info{Name: first.Name, Priority: first.Priority, Version: first.Version,
		Phases: first.Phases, Schema: parsed}, nil
}

// field is the definition of a plugin entity: what all have in common, and the
// config that its name selects.
func (r *registry) field() *schema.Field {
	common := pluginFields()
	return &schema.Field{Type: "record", Select: func(raw map[string]any) (*schema.Field, *schema.Error) {
		name, ok := raw["name"].(string)
		if !ok || name == "" {
			return nil, &schema.Error{Path: schema.Path{"name"}, Message: "required field missing"}
		}
		d, err := r.find(name)
		if err != nil {
			return nil, &schema.Error{Path: schema.Path{"name"}, Message: oneLine(err)}
		}
		fields := append(schema.Fields{with("config", d.schema.Config())}, common.Fields...)
		return &schema.Field{Type: "record", Fields: fields, EntityChecks: d.schema.EntityChecks}, nil
	}}
}

func notSupported(supported []string) string {
	return "the dev gateway does not support it; it supports " + strings.Join(supported, ", ")
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
