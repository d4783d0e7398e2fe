package schema

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// errType is a type of which no JSON makes a value: a function, a channel, an
// interface with methods.
var errType = errors.New("use string, bool, an int, float64, a struct, or a slice or map of these")

// luaBits is how many bits of an integer a number of Lua, a float64, holds.
const luaBits = 53

// typed is the schema of a type, without what the tags say.
func (c *compiler) typed(t reflect.Type) (*Field, error) {
	t = indirect(t)
	if f, err := c.special(t); f != nil || err != nil {
		return f, err
	}
	switch t.Kind() {
	case reflect.String:
		return &Field{Type: "string"}, nil
	case reflect.Bool:
		return &Field{Type: "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Field{Type: "integer"}, nil
	case reflect.Float32, reflect.Float64:
		return &Field{Type: "number"}, nil
	case reflect.Struct:
		return c.record(t)
	case reflect.Slice:
		return c.list(t)
	case reflect.Map:
		return c.mapping(t)
	}
	if !c.strict {
		return c.stock(t)
	}
	return nil, fmt.Errorf("type %s: %w", t, errType)
}

// stock is the schema of what a stock plugin may have and our own may not:
// Kong cannot say much of it.
func (c *compiler) stock(t reflect.Type) (*Field, error) {
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		most := uint64(1)<<min(t.Bits(), luaBits) - 1
		return &Field{Type: "integer", Between: []json.Number{"0", json.Number(fmt.Sprint(most))}}, nil
	case reflect.Array:
		return c.list(t)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return anyJSON(nil), nil
		}
	}
	return nil, fmt.Errorf("type %s: %w", t, errType)
}

var (
	rawJSON         = reflect.TypeFor[json.RawMessage]()
	numberType      = reflect.TypeFor[json.Number]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// special is the schema of types that say themselves what JSON they are made
// of, nil for the rest.
func (c *compiler) special(t reflect.Type) (*Field, error) {
	ptr := reflect.PointerTo(t)
	switch {
	case c.strict && t.PkgPath() == "time":
		return nil, fmt.Errorf("type %s: use an integer with the unit in its name, such as timeout_ms, or a string for a date", t)
	case c.strict:
		return nil, nil
	case t == numberType:
		return &Field{Type: "number"}, nil
	case ptr.Implements(textUnmarshaler):
		return &Field{Type: "string"}, nil
	case t == rawJSON || ptr.Implements(jsonUnmarshaler):
		return anyJSON(nil), nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return &Field{Type: "string"}, nil // base64
	}
	return nil, nil
}

// decodesItself reports whether a struct is not decoded field by field.
func decodesItself(t reflect.Type) bool {
	ptr := reflect.PointerTo(t)
	return ptr.Implements(jsonUnmarshaler) || ptr.Implements(textUnmarshaler)
}

// list is the schema of a slice or array. Kong checks a field of type json in a
// record only: a list of those is one itself.
func (c *compiler) list(t reflect.Type) (*Field, error) {
	elements, err := c.typed(t.Elem())
	if err != nil {
		return nil, err
	}
	f := &Field{Type: "array", Elements: elements}
	if elements.Type == "json" {
		return anyJSON(f, "array"), nil
	}
	if t.Kind() == reflect.Array {
		n := t.Len()
		f.LenMax = &n
	}
	return f, nil
}

func (c *compiler) mapping(t reflect.Type) (*Field, error) {
	keys, err := c.keys(t)
	if err != nil {
		return nil, err
	}
	values, err := c.typed(t.Elem())
	if err != nil {
		return nil, err
	}
	f := &Field{Type: "map", Keys: keys, Values: values}
	if values.Type == "json" {
		return anyJSON(f, "object"), nil
	}
	return f, nil
}

// keys is the schema of a map's keys: strings, or what package json makes of
// strings.
func (c *compiler) keys(t reflect.Type) (*Field, error) {
	if t.Key().Kind() == reflect.String {
		return &Field{Type: "string"}, nil
	}
	if !c.strict {
		if keys, err := c.typed(t.Key()); err == nil && slices.Contains([]string{"string", "integer"}, keys.Type) {
			return keys, nil
		}
	}
	return nil, fmt.Errorf("type %s: use string keys: %w", t, errType)
}

// anyJSON is a field that takes any JSON of some types, all if none is given.
// inner is what Go makes of it, nil if that can be anything. Kong shows a field
// that is absent to its schema as null.
func anyJSON(inner *Field, types ...string) *Field {
	if len(types) == 0 {
		types = []string{"object", "array", "string", "number", "boolean"}
	}
	f := &Field{Type: "json", JSONSchema: &jsonSchema{}, opaque: true, inner: inner}
	f.JSONSchema.Inline.Type = slices.Concat(types, []string{"null"})
	return f
}
