package schema

// Normalize returns a copy of value with the defaults of absent fields filled
// in, duplicates removed from sets, and an empty {} or [] turned into what the
// field wants, since Lua has one empty table for both. A field that is absent,
// optional and without a default becomes nil, Kong's null.
func Normalize(f *Field, value any) any {
	switch {
	case value == nil:
		return nil
	case f.Type == "record":
		return normalizeRecord(f, value)
	case f.Type == "array" || f.Type == "set":
		return normalizeList(f, value)
	case f.Type == "map":
		return normalizeMap(f, value)
	default:
		return value
	}
}

func normalizeRecord(f *Field, value any) any {
	in, ok := asMap(value)
	if !ok {
		return value
	}
	if f.Select != nil {
		found, err := f.Select(in)
		if err != nil {
			return value
		}
		f = found
	}
	out := make(map[string]any, len(in))
	for name, v := range in {
		out[name] = v
	}
	for _, sub := range f.Fields {
		if v, given := in[sub.Name]; given {
			out[sub.Name] = Normalize(sub.Field, v)
		} else if v, known := missing(sub.Field); known {
			out[sub.Name] = v
		}
	}
	return out
}

// missing is the value of an absent field. Only a required one without a
// default has none.
func missing(f *Field) (value any, known bool) {
	switch {
	case f.Default != nil:
		return Normalize(f, f.Default), true
	case !f.required():
		return nil, true
	case f.Type == "record":
		return normalizeRecord(f, map[string]any{}), true
	default:
		return nil, false
	}
}

func normalizeList(f *Field, value any) any {
	in, ok := asList(value)
	if !ok {
		return value
	}
	out := make([]any, 0, len(in))
	seen := make(map[any]bool, len(in))
	for _, v := range in {
		if f.Type == "set" && isScalar(v) {
			if seen[v] {
				continue
			}
			seen[v] = true
		}
		out = append(out, Normalize(f.Elements, v))
	}
	return out
}

func normalizeMap(f *Field, value any) any {
	in, ok := asMap(value)
	if !ok {
		return value
	}
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = Normalize(f.Values, v)
	}
	return out
}

// WithoutNulls returns a copy of a value without its nulls, which is how Kong
// hands a configuration to a plugin.
func WithoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for k, v := range value {
			if v != nil {
				out[k] = WithoutNulls(v)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(value))
		for _, v := range value {
			if v != nil {
				out = append(out, WithoutNulls(v))
			}
		}
		return out
	default:
		return value
	}
}

func asMap(value any) (map[string]any, bool) {
	if list, ok := value.([]any); ok && len(list) == 0 {
		return map[string]any{}, true
	}
	m, ok := value.(map[string]any)
	return m, ok
}

func asList(value any) ([]any, bool) {
	if m, ok := value.(map[string]any); ok && len(m) == 0 {
		return []any{}, true
	}
	list, ok := value.([]any)
	return list, ok
}

func isScalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	default:
		return true
	}
}
