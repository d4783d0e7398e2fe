package schema

import "fmt"

// Resolve returns a copy of a record in which the vault references of its
// referenceable fields are replaced by their values. As in Kong, the originals
// stay under "$refs", and a reference that cannot be resolved becomes "" and is
// reported to warn.
func Resolve(f *Field, record map[string]any, get func(reference string) (string, error), warn func(error)) map[string]any {
	r := resolver{get: get, warn: warn}
	return r.record(f, record)
}

type resolver struct {
	get  func(string) (string, error)
	warn func(error)
}

func (r resolver) record(f *Field, record map[string]any) map[string]any {
	out := make(map[string]any, len(record)+1)
	refs := map[string]any{}
	for name, v := range record {
		out[name] = v
		sub := f.Fields.Get(name)
		if sub == nil {
			continue
		}
		value, ref := r.value(sub, v)
		out[name] = value
		if ref != nil {
			refs[name] = ref
		}
	}
	if len(refs) > 0 {
		out["$refs"] = refs
	}
	return out
}

// value resolves one field and returns what was a reference in it, if anything.
func (r resolver) value(f *Field, value any) (resolved, refs any) {
	switch v := value.(type) {
	case map[string]any:
		if f.Type == "record" {
			return r.record(f, v), nil
		}
		return r.mapValues(f, v)
	case []any:
		return r.list(f, v)
	case string:
		if f.Referenceable && IsReference(v) {
			return r.fetch(v), v
		}
	}
	return value, nil
}

func (r resolver) mapValues(f *Field, m map[string]any) (resolved, refs any) {
	out, found := make(map[string]any, len(m)), map[string]any{}
	for k, v := range m {
		out[k] = v
		if s, ok := v.(string); ok && f.Values.Referenceable && IsReference(s) {
			out[k], found[k] = r.fetch(s), s
		}
	}
	if len(found) == 0 {
		return out, nil
	}
	return out, found
}

func (r resolver) list(f *Field, list []any) (resolved, refs any) {
	out, found := make([]any, len(list)), make([]any, len(list))
	some := false
	for i, v := range list {
		out[i] = v
		if s, ok := v.(string); ok && f.Elements.Referenceable && IsReference(s) {
			out[i], found[i], some = r.fetch(s), s, true
		}
		if sub, ok := v.(map[string]any); ok && f.Elements.Type == "record" {
			out[i] = r.record(f.Elements, sub)
		}
	}
	if !some {
		return out, nil
	}
	return out, found
}

func (r resolver) fetch(reference string) string {
	value, err := r.get(reference)
	if err != nil {
		r.warn(fmt.Errorf("unable to resolve reference %s (%w)", reference, err))
	}
	return value
}
