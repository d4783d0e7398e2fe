package schema

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// What Kong says about a value, where there is no argument to it.
const (
	msgRequired = "required field missing"
	msgUnknown  = "unknown field"
)

// Validate checks a normalized value against its definition and returns all
// that is wrong with it, with paths that start with at.
func Validate(f *Field, value any, at Path) Errors {
	if f.Unsupported != "" {
		return fail(at, f.Unsupported)
	}
	if value == nil {
		return validateNull(f, at)
	}
	if f.Eq != nil && f.equal() == nil {
		return fail(at, orElse(f.Err, "value must be null"))
	}
	if f.Type == "string" && f.Referenceable && IsReference(value) {
		return nil
	}
	if errs, done := validateType(f, value, at); done {
		return errs
	}
	if msg := runValidators(f, value); msg != "" {
		return fail(at, orElse(f.Err, msg))
	}
	return nil
}

func validateNull(f *Field, at Path) Errors {
	switch {
	case f.Eq != nil && f.equal() != nil:
		return fail(at, "value must be "+text(f.equal()))
	case f.required():
		return fail(at, msgRequired)
	default:
		return nil
	}
}

func orElse(msg, fallback string) string {
	if msg != "" {
		return msg
	}
	return fallback
}

// validateType checks the type and everything inside the value. done says that
// the validators of the value itself must not run any more.
func validateType(f *Field, value any, at Path) (errs Errors, done bool) {
	switch f.Type {
	case "record":
		errs = validateRecord(f, value, at)
	case "array", "set":
		errs = validateList(f, value, at)
	case "map":
		errs = validateMap(f, value, at)
	default:
		if msg := scalarType(f.Type, value); msg != "" {
			errs = fail(at, msg)
		}
	}
	return errs, len(errs) > 0
}

func scalarType(typ string, value any) string {
	var ok bool
	switch typ {
	case "string":
		_, ok = value.(string)
	case "boolean":
		_, ok = value.(bool)
	case "number":
		_, ok = value.(float64)
	case "integer":
		n, isNumber := value.(float64)
		ok = isNumber && n == math.Floor(n) && !math.IsInf(n, 0)
		if !ok {
			return "expected an integer"
		}
	case "any":
		ok = true
	}
	if !ok {
		return "expected a " + typ
	}
	return ""
}

func validateRecord(f *Field, value any, at Path) Errors {
	record, ok := asMap(value)
	if !ok {
		return fail(at, "expected a record")
	}
	if f.Select != nil {
		found, err := f.Select(record)
		if err != nil {
			return Errors{{Path: at.At(err.Path...), Message: err.Message}}
		}
		f = found
	}
	var errs Errors
	for _, sub := range f.Fields {
		v, given := record[sub.Name]
		switch {
		case !given && sub.Field.required():
			errs = append(errs, fail(at.At(sub.Name), msgRequired)...)
		case given && (v != nil || sub.Field.Unsupported == ""):
			errs = append(errs, Validate(sub.Field, v, at.At(sub.Name))...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(record)) {
		if f.Fields.Get(name) == nil {
			errs = append(errs, Error{Path: at.At(name), Message: msgUnknown, Known: f.Fields.names()})
		}
	}
	return append(errs, runChecks(f, record, at, errs)...)
}

func validateList(f *Field, value any, at Path) Errors {
	list, ok := asList(value)
	if !ok && f.Type == "set" {
		return fail(at, "expected a set")
	}
	if !ok {
		return fail(at, "expected an array")
	}
	var errs Errors
	for i, v := range list {
		errs = append(errs, validateInner(f.Elements, v, at.At(i))...)
	}
	return errs
}

// validateMap reports at the map itself, as Kong does, and the first of its
// errors by key.
func validateMap(f *Field, value any, at Path) Errors {
	m, ok := asMap(value)
	if !ok {
		return fail(at, "expected a map")
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if errs := validateInner(f.Keys, k, at); len(errs) > 0 {
			return errs
		}
		if errs := validateInner(f.Values, m[k], at); len(errs) > 0 {
			return errs
		}
	}
	return nil
}

// validateInner validates an element, a key or a value: those are required.
func validateInner(f *Field, value any, at Path) Errors {
	if value == nil {
		return fail(at, msgRequired)
	}
	return Validate(f, value, at)
}

func fail(at Path, msg string) Errors { return Errors{{Path: at, Message: msg}} }

// IsReference tells whether a value is a vault reference, {vault://...}.
func IsReference(value any) bool {
	s, ok := value.(string)
	return ok && strings.HasPrefix(s, "{vault://") && strings.HasSuffix(s, "}")
}
