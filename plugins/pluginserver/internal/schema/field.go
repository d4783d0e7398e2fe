package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Field is one field in Kong's schema language, as kong/db/schema/metaschema.lua
// reads it from JSON, and the shape by which configurations are normalised.
type Field struct {
	Type          string            `json:"type"`
	Description   string            `json:"description,omitempty"`
	Required      bool              `json:"required,omitempty"`
	Default       json.RawMessage   `json:"default,omitempty"`
	OneOf         []json.RawMessage `json:"one_of,omitempty"`
	Between       []json.Number     `json:"between,omitempty"`
	Gt            json.Number       `json:"gt,omitempty"`
	LenMin        *int              `json:"len_min,omitempty"`
	LenMax        *int              `json:"len_max,omitempty"`
	NotOneOf      []json.RawMessage `json:"not_one_of,omitempty"`
	StartsWith    string            `json:"starts_with,omitempty"`
	MatchNone     []luaPattern      `json:"match_none,omitempty"`
	Match         string            `json:"match,omitempty"`
	MatchAny      *anyPattern       `json:"match_any,omitempty"`
	MatchAll      []luaPattern      `json:"match_all,omitempty"`
	UUID          bool              `json:"uuid,omitempty"`
	Referenceable bool              `json:"referenceable,omitempty"`
	Encrypted     bool              `json:"encrypted,omitempty"`
	Elements      *Field            `json:"elements,omitempty"`
	Keys          *Field            `json:"keys,omitempty"`
	Values        *Field            `json:"values,omitempty"`
	Fields        []member          `json:"fields,omitzero"` // a record without fields has an empty list
	EntityChecks  []entityCheck     `json:"entity_checks,omitempty"`
	JSONSchema    *jsonSchema       `json:"json_schema,omitempty"`

	// LeftOut says, of a configuration, which fields with a json tag are not in the
	// schema: of no JSON can a value of their types be made.
	LeftOut []error `json:"-"`

	scope  []member // of a record: what Kong itself adds, and no schema has
	saying string   // what Kong is to say of a text that is not as its patterns want it
	opaque bool     // for Kong any JSON will do: values are passed on as they are
	inner  *Field   // unless this says what Go makes of an opaque field
}

// jsonSchema is what Kong demands of a field of type json.
type jsonSchema struct {
	Inline struct {
		Type []string `json:"type"`
	} `json:"inline"`
}

// member is a field of a record: in JSON, an object with one key.
type member struct {
	name string
	*Field
	embedded bool // comes from an embedded struct
}

// MarshalJSON writes {"name": field}.
func (m member) MarshalJSON() ([]byte, error) {
	return Encode(map[string]*Field{m.name: m.Field})
}

// Plugin is the schema of a plugin, whose configuration is its one field.
type Plugin struct {
	Name   string   `json:"name"`
	Fields []member `json:"fields"`
}

// OfPlugin is the schema of a plugin with a configuration.
func OfPlugin(name string, config *Field) Plugin {
	return Plugin{Name: name, Fields: []member{{name: "config", Field: config}}}
}

// Encode writes JSON for people and Lua: without HTML escapes.
func Encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return out.Bytes(), nil
}

// member finds a field of a record by name, as package json does: the case of
// letters matters only where two names differ in nothing else. It is nil if
// there is none.
func (f *Field) member(name string) *member {
	for i := range f.Fields {
		if f.Fields[i].name == name {
			return &f.Fields[i]
		}
	}
	for i := range f.Fields {
		if strings.EqualFold(f.Fields[i].name, name) {
			return &f.Fields[i]
		}
	}
	for i := range f.scope {
		if f.scope[i].name == name {
			return &f.scope[i]
		}
	}
	return nil
}

// luaPattern is a Lua pattern, and what Kong says where it decides.
type luaPattern struct {
	Pattern string `json:"pattern"`
	Err     string `json:"err,omitempty"`
}

// anyPattern are Lua patterns of which one must match: they have no alternatives.
type anyPattern struct {
	Patterns []string `json:"patterns"`
	Err      string   `json:"err,omitempty"`
}

// entityCheck is a rule about several fields of a record: one key, the rule's name in
// Kong's schema language, and its argument.
type entityCheck map[string]any
