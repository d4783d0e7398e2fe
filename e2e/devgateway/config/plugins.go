package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
)

// registry knows the plugins by name. Like Kong it asks the plugin server about
// a plugin only once.
type registry struct {
	query func(name string) ([]byte, error)

	mu    sync.Mutex
	known map[string]definition
}

// definition is what a plugin's entity is validated with; info is nil for a
// bundled plugin.
type definition struct {
	entity *schema.Field
	info   *schema.Info
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
	if config := bundledConfig(name); config != nil {
		yes := true
		config.Required = &yes
		return definition{entity: pluginFields(config, nil)}, nil
	}
	if inKong(name) {
		return definition{}, fmt.Errorf("of Kong's own plugins the dev gateway supports %s only; %s", supported(), onKong)
	}
	notEnabled := fmt.Errorf("plugin '%s' not enabled", name)
	if r.query == nil {
		return definition{}, fmt.Errorf("%w%s", notEnabled, ofKong(name))
	}
	data, err := r.query(name)
	if err != nil {
		return definition{}, fmt.Errorf("%w%s", notEnabled, cmp.Or(ofKong(name), whatServerSays(err)))
	}
	info, err := schema.ParseInfo(data)
	if err != nil {
		return definition{}, fmt.Errorf("plugin '%s': %w", name, err)
	}
	if info.Name != name {
		return definition{}, fmt.Errorf("%w (the plugin server answers with plugin '%s')", notEnabled, info.Name)
	}
	return definition{entity: pluginFields(info.Schema.Config(), info.Schema.EntityChecks), info: info}, nil
}

// supported lists the bundled plugins that the dev gateway has.
func supported() string { return strings.Join(slices.Sorted(maps.Keys(priorities)), ", ") }

// ofKong is a question for the plugin of Kong's that somebody meant, empty if none is near.
// rate-limiting-advanced is another plugin than rate-limiting.
func ofKong(name string) string {
	near := spelling.Nearest(name, slices.Concat(slices.Sorted(maps.Keys(priorities)), notHere), 2)
	if near == "" || strings.HasPrefix(name, near+"-") {
		return ""
	}
	return "; " + near + "?"
}

// whatServerSays is why the plugin server has no plugin, and which there are beside its own,
// unless it knows what was meant.
func whatServerSays(err error) string {
	if strings.HasSuffix(err.Error(), "?") {
		return ": the plugin server says: " + err.Error()
	}
	return fmt.Sprintf(": the plugin server says: %v; of Kong's own plugins the dev gateway has %s", err, supported())
}

// field is the definition of a plugin entity, which its name selects.
func (r *registry) field() *schema.Field {
	return &schema.Field{Type: "record", Select: func(raw map[string]any) (*schema.Field, *schema.Error) {
		name, ok := raw["name"].(string)
		if !ok || name == "" {
			return nil, &schema.Error{Path: schema.Path{"name"}, Message: "required field missing"}
		}
		d, err := r.find(name)
		if err != nil {
			return nil, &schema.Error{Path: schema.Path{"name"}, Message: oneLine(err)}
		}
		return d.entity, nil
	}}
}
