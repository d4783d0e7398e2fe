package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"strconv"
	"strings"
)

// Normalise turns a configuration as Kong's cjson wrote it into the one JSON
// text that its content has: sorted, without what Kong adds for itself
// (__seq__, __plugin_id, route_id, …) and any other key that the type has not,
// without nulls, with {} and [] told apart by the type rather than by Lua, and
// with integers written as such (cjson writes 1e+15).
//
// Two configurations are the same instance if their texts are equal.
func (f *Field) Normalise(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("decode config: %w", err)
	}
	if dec.More() {
		return nil, errors.New("decode config: more than one JSON value")
	}
	if tree == nil {
		tree = map[string]any{}
	}
	if object, ok := tree.(map[string]any); ok && f.opaque {
		maps.DeleteFunc(object, func(name string, _ any) bool { return strings.HasPrefix(name, "__") })
	}
	text, err := json.Marshal(f.shape(tree))
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	return text, nil
}

// shape fits a decoded value to the field. What does not fit stays as it is,
// for json.Unmarshal to name in its error.
func (f *Field) shape(value any) any {
	if f.inner != nil {
		return f.inner.shape(value)
	}
	if f.opaque {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		if f.Elements != nil && len(v) == 0 {
			return []any{}
		}
		return f.shapeMembers(v)
	case []any:
		if f.Elements == nil && len(v) == 0 && (f.Values != nil || f.Fields != nil) {
			return map[string]any{}
		}
		return f.shapeElements(v)
	case json.Number:
		return f.shapeNumber(v)
	default:
		return value
	}
}

func (f *Field) shapeMembers(object map[string]any) any {
	out := make(map[string]any, len(object))
	for name, v := range object {
		of := f.Values
		if m := f.member(name); m != nil {
			if _, exact := object[m.name]; exact && m.name != name {
				continue
			}
			name, of = m.name, m.Field
		}
		if of != nil && (v != nil || of.opaque) {
			out[name] = of.shape(v)
		}
	}
	if f.Values == nil && f.Fields == nil {
		return object
	}
	return out
}

func (f *Field) shapeElements(list []any) any {
	if f.Keys != nil && f.Keys.Type == "integer" { // cjson writes keys 1, 2, 3 as a list
		object := make(map[string]any, len(list))
		for i, v := range list {
			object[strconv.Itoa(i+1)] = v
		}
		return f.shapeMembers(object)
	}
	if f.Elements == nil {
		return list
	}
	for i, v := range list {
		list[i] = f.Elements.shape(v)
	}
	return list
}

// shapeNumber writes a whole number without fraction or exponent.
func (f *Field) shapeNumber(n json.Number) json.Number {
	if f.Type != "integer" {
		return n
	}
	if _, err := n.Int64(); err == nil {
		return n
	}
	approx, err := n.Float64()
	if err != nil || approx > 1e19 || approx < -1e19 {
		return n
	}
	exact, ok := new(big.Rat).SetString(n.String())
	if !ok || !exact.IsInt() {
		return n
	}
	return json.Number(exact.Num().String())
}
