// Package schema is Kong's schema language: it fills in the defaults of a
// plugin's or an entity's configuration and validates it, in Kong's words.
//
// It follows kong/db/schema/init.lua at 3.9.1, without what needs a Lua
// function. Values are those of encoding/json: map[string]any, []any, string,
// float64, bool and nil, where nil is Kong's null.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Field defines one value: its type, its default and its bounds. The names are
// those of Kong's schema attributes.
type Field struct {
	Type          string        `json:"type"`
	Description   string        `json:"description"`
	Required      *bool         `json:"required"`
	Default       any           `json:"default"`
	Elements      *Field        `json:"elements"`
	Keys          *Field        `json:"keys"`
	Values        *Field        `json:"values"`
	Fields        Fields        `json:"fields"`
	EntityChecks  []EntityCheck `json:"entity_checks"`
	Referenceable bool          `json:"referenceable"`
	Encrypted     bool          `json:"encrypted"`
	Err           string        `json:"err"`

	Eq         json.RawMessage `json:"eq"` // may be null
	Ne         any             `json:"ne"`
	OneOf      []any           `json:"one_of"`
	NotOneOf   []any           `json:"not_one_of"`
	Gt         *float64        `json:"gt"`
	Between    []float64       `json:"between"`
	LenEq      *int            `json:"len_eq"`
	LenMin     *int            `json:"len_min"`
	LenMax     *int            `json:"len_max"`
	Match      string          `json:"match"`
	NotMatch   string          `json:"not_match"`
	MatchAll   []Pattern       `json:"match_all"`
	MatchNone  []Pattern       `json:"match_none"`
	MatchAny   *AnyOf          `json:"match_any"`
	StartsWith string          `json:"starts_with"`
	Contains   any             `json:"contains"`
	UUID       bool            `json:"uuid"`
	Timestamp  bool            `json:"timestamp"`

	// Check is a Lua custom_validator's stand-in: it returns what is wrong, or "".
	Check func(value any) string `json:"-"`
	// Select finds the definition of a record by its content: a plugin's, by
	// its name. An error stands for the whole record.
	Select func(record map[string]any) (*Field, *Error) `json:"-"`
	// Unsupported says why the dev gateway refuses a field that Kong has.
	Unsupported string `json:"-"`
}

// Pattern is a Lua pattern and what to say about it.
type Pattern struct {
	Pattern string `json:"pattern"`
	Err     string `json:"err"`
}

// AnyOf lists Lua patterns of which one must match.
type AnyOf struct {
	Patterns []string `json:"patterns"`
	Err      string   `json:"err"`
}

// Named is a field of a record.
type Named struct {
	Name  string
	Field *Field
}

// Fields are the fields of a record, in their order.
type Fields []Named

// UnmarshalJSON reads Kong's form: an array of objects with one key each.
func (fs *Fields) UnmarshalJSON(data []byte) error {
	var items []map[string]*Field
	if err := decodeStrict(data, &items); err != nil {
		return err
	}
	*fs = nil
	for i, item := range items {
		names := slices.Collect(maps.Keys(item))
		if len(names) != 1 || item[names[0]] == nil {
			return fmt.Errorf("fields[%d]: expected one field name, got %d", i, len(names))
		}
		*fs = append(*fs, Named{Name: names[0], Field: item[names[0]]})
	}
	return nil
}

// Get finds a field by name, or returns nil.
func (fs Fields) Get(name string) *Field {
	for _, f := range fs {
		if f.Name == name {
			return f.Field
		}
	}
	return nil
}

func (fs Fields) names() []string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.Name
	}
	return names
}

func (f *Field) required() bool { return f.Required != nil && *f.Required }

func decodeStrict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
