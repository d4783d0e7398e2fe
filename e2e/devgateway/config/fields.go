package config

import (
	"encoding/json"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Short forms in which entities.go is written.

func record(fields ...schema.Named) *schema.Field {
	return &schema.Field{Type: "record", Fields: fields}
}

func list(elements *schema.Field) *schema.Field {
	return &schema.Field{Type: "array", Elements: elements}
}

func with(name string, f *schema.Field) schema.Named { return schema.Named{Name: name, Field: f} }

func required(name string, f *schema.Field) schema.Named { return with(name, require(f)) }

func require(f *schema.Field) *schema.Field {
	f.Required = yes()
	return f
}

func str() *schema.Field { return &schema.Field{Type: "string"} }

func checked(check func(string) string) *schema.Field {
	return &schema.Field{Type: "string", Check: onString(check)}
}

func boolean(value bool) *schema.Field { return &schema.Field{Type: "boolean", Default: value} }

func integer(value, least, most int) *schema.Field {
	return &schema.Field{Type: "integer", Default: float64(value), Between: []float64{float64(least), float64(most)}}
}

func onString(check func(string) string) func(any) string {
	return func(v any) string {
		s, _ := v.(string)
		return check(s)
	}
}

// rule is one check over several fields; arg is JSON.
func rule(name, arg string) []schema.EntityCheck {
	return []schema.EntityCheck{{name: json.RawMessage(arg)}}
}

func yes() *bool { return ptr(true) }

func ptr[T any](v T) *T { return &v }
