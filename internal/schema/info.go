package schema

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Info is what a plugin server's query command says of a plugin.
type Info struct {
	Name     string
	Priority int
	Version  string
	Phases   []string
	Schema   *Plugin
}

// Handles tells whether a plugin of the plugin server has a phase.
func (i *Info) Handles(phase string) bool {
	for _, p := range i.Phases {
		if p == phase {
			return true
		}
	}
	return false
}

// ParseInfo reads the output of a plugin server's query command. Kong looks at
// the first plugin only, and so does this.
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
		return nil, errors.New("decode plugin info: no plugin in it")
	}
	first := dump.Plugins[0]
	parsed, err := ParsePlugin(first.Schema)
	if err != nil {
		return nil, err
	}
	return &Info{Name: first.Name, Priority: first.Priority, Version: first.Version,
		Phases: first.Phases, Schema: parsed}, nil
}
