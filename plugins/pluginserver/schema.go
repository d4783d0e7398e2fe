package pluginserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// field is one field in Kong's schema language, as kong/db/schema/metaschema.lua
// reads it from JSON, and the shape by which configurations are normalised.
type field struct {
	Type          string            `json:"type"`
	Description   string            `json:"description,omitempty"`
	Required      bool              `json:"required,omitempty"`
	Default       json.RawMessage   `json:"default,omitempty"`
	OneOf         []json.RawMessage `json:"one_of,omitempty"`
	Between       []json.Number     `json:"between,omitempty"`
	Gt            json.Number       `json:"gt,omitempty"`
	LenMin        *int              `json:"len_min,omitempty"`
	LenMax        *int              `json:"len_max,omitempty"`
	Match         string            `json:"match,omitempty"`
	UUID          bool              `json:"uuid,omitempty"`
	Referenceable bool              `json:"referenceable,omitempty"`
	Encrypted     bool              `json:"encrypted,omitempty"`
	Elements      *field            `json:"elements,omitempty"`
	Keys          *field            `json:"keys,omitempty"`
	Values        *field            `json:"values,omitempty"`
	Fields        []member          `json:"fields,omitzero"` // a record without fields has an empty list
}

// member is a field of a record: in JSON, an object with one key.
type member struct {
	name string
	*field
}

// MarshalJSON writes {"name": field}.
func (m member) MarshalJSON() ([]byte, error) {
	return encode(map[string]*field{m.name: m.field})
}

// member finds a field of a record by name, nil if there is none.
func (f *field) member(name string) *field {
	for _, m := range f.Fields {
		if m.name == name {
			return m.field
		}
	}
	return nil
}

// compileConfig derives the schema of a configuration struct. Its error joins
// one line for each field that has something wrong with it.
func compileConfig(t reflect.Type) (*field, error) {
	config, err := (&compiler{}).record(t)
	if err != nil {
		return nil, err
	}
	config.Required = true // so that Kong fills in defaults where kong.yaml has no config at all
	return config, nil
}

// compiler walks the types of one configuration.
type compiler struct {
	open []reflect.Type // the records around the current field, against recursion
}

func (c *compiler) record(t reflect.Type) (*field, error) {
	if slices.Contains(c.open, t) {
		return nil, fmt.Errorf("type %s contains itself: Kong's schemas are finite, give it a bounded depth", t)
	}
	c.open = append(c.open, t)
	defer func() { c.open = c.open[:len(c.open)-1] }()

	rec := &field{Type: "record", Fields: []member{}}
	var errs []error
	for i := range t.NumField() {
		members, err := c.structField(t, t.Field(i))
		errs = append(errs, err)
		for _, m := range members {
			if rec.member(m.name) != nil {
				errs = append(errs, fieldError(t, t.Field(i), `two fields are named %q: rename one in its json tag`, m.name))
			}
			rec.Fields = append(rec.Fields, m)
		}
	}
	return rec, errors.Join(errs...)
}

// structField returns the members that a struct field stands for: none if it
// is unexported or json:"-", several if it is an embedded struct.
func (c *compiler) structField(t reflect.Type, sf reflect.StructField) ([]member, error) {
	name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
	if sf.Anonymous && name == "" && indirect(sf.Type).Kind() == reflect.Struct {
		embedded, err := c.record(indirect(sf.Type))
		if err != nil {
			return nil, err
		}
		return embedded.Fields, nil
	}
	if !sf.IsExported() || name == "-" && options == "" {
		return nil, nil
	}
	if name == "" {
		return nil, fieldError(t, sf, `has no json tag: write its name in kong.yaml, json:"name"`)
	}
	f, err := c.typed(sf.Type)
	if err != nil {
		return nil, fieldError(t, sf, "%w", err)
	}
	if err := f.describe(sf.Tag); err != nil {
		return nil, fieldError(t, sf, "%w", err)
	}
	return []member{{name: name, field: f}}, nil
}

// typed is the schema of a type, without what the tags say.
func (c *compiler) typed(t reflect.Type) (*field, error) {
	t = indirect(t)
	if t.PkgPath() == "time" {
		return nil, fmt.Errorf("type %s: use an integer with the unit in its name, such as timeout_ms, or a string for a date", t)
	}
	switch t.Kind() {
	case reflect.String:
		return &field{Type: "string"}, nil
	case reflect.Bool:
		return &field{Type: "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &field{Type: "integer"}, nil
	case reflect.Float32, reflect.Float64:
		return &field{Type: "number"}, nil
	case reflect.Struct:
		return c.record(t)
	case reflect.Slice:
		elements, err := c.typed(t.Elem())
		return &field{Type: "array", Elements: elements}, err
	case reflect.Map:
		return c.mapping(t)
	default:
		return nil, fmt.Errorf("type %s: use string, bool, an int, float64, a struct, or a slice or map of these", t)
	}
}

func (c *compiler) mapping(t reflect.Type) (*field, error) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("type %s: use string keys", t)
	}
	values, err := c.typed(t.Elem())
	return &field{Type: "map", Keys: &field{Type: "string"}, Values: values}, err
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// fieldError names the field as a Go programmer would.
func fieldError(t reflect.Type, sf reflect.StructField, format string, args ...any) error {
	return fmt.Errorf("%s.%s: "+format, append([]any{t.Name(), sf.Name}, args...)...)
}
