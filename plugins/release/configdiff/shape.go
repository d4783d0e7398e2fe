package configdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Shape is as much of a schema of Kong's as says what it fills in.
type Shape struct {
	Default any
	// Set says that a list has no order.
	Set              bool
	Elements, Values *Shape
	Fields           map[string]*Shape
}

// ParseShape reads what Kong says of an entity or a plugin (GET /schemas/…).
func ParseShape(text []byte) (*Shape, error) {
	var s Shape
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	return &s, nil
}

// UnmarshalJSON reads Kong's form, in which fields are a list of objects with one key each.
func (s *Shape) UnmarshalJSON(text []byte) error {
	var schema struct {
		Type             string
		Default          any
		Elements, Values *Shape
		Fields           []map[string]*Shape
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return err
	}
	*s = Shape{Set: schema.Type == "set", Default: schema.Default, Elements: schema.Elements, Values: schema.Values}
	for _, field := range schema.Fields {
		for name, of := range field {
			if s.Fields == nil {
				s.Fields = map[string]*Shape{}
			}
			s.Fields[name] = of
		}
	}
	return nil
}

// strip leaves out what a gateway would fill in: defaults, nulls, and what is empty then.
func (s *Shape) strip(p pair) pair {
	switch raw := p.raw.(type) {
	case map[string]any:
		return s.stripMap(p, raw)
	case []any:
		return s.stripList(p, raw)
	default:
		return p
	}
}

func (s *Shape) stripMap(p pair, raw map[string]any) pair {
	out, shown := map[string]any{}, map[string]any{}
	for name := range raw {
		inner := s.field(name)
		value := p.field(name)
		if inner != nil && inner.Default != nil && reflect.DeepEqual(inner.strip(value).raw, inner.strip(pair{inner.Default, nil}).raw) {
			continue
		}
		stripped := inner.strip(value)
		if empty(stripped.raw) && (inner == nil || empty(inner.Default) || value.raw == nil) {
			continue
		}
		out[name], shown[name] = stripped.raw, stripped.shown
	}
	return pair{out, shown}
}

func (s *Shape) stripList(p pair, raw []any) pair {
	var elements *Shape
	if s != nil {
		elements = s.Elements
	}
	out, shown := make([]any, len(raw)), make([]any, len(raw))
	for i := range raw {
		item := elements.strip(p.item(i))
		out[i], shown[i] = item.raw, item.shown
	}
	if s != nil && s.Set && !slices.ContainsFunc(out, func(v any) bool { _, text := v.(string); return !text }) {
		byText := func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
		slices.SortFunc(out, byText)
		slices.SortFunc(shown, byText)
	}
	return pair{out, shown}
}

// With adds the fields of another shape, which has what entities of a kind have in common.
func (s *Shape) With(common *Shape) *Shape {
	switch {
	case s == nil:
		return common
	case common == nil:
		return s
	}
	all := *s
	all.Fields = maps.Clone(common.Fields)
	maps.Copy(all.Fields, s.Fields)
	return &all
}

func (s *Shape) field(name string) *Shape {
	switch {
	case s == nil:
		return nil
	case s.Values != nil:
		return s.Values
	default:
		return s.Fields[name]
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}
