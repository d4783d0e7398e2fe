package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// EntityCheck is a rule over several fields of a record: one key, the rule's
// name, and its argument.
type EntityCheck map[string]json.RawMessage

// conditional is the argument of the rules that depend on a field's value.
type conditional struct {
	IfField            string          `json:"if_field"`
	IfMatch            json.RawMessage `json:"if_match"`
	ThenField          string          `json:"then_field"`
	ThenMatch          json.RawMessage `json:"then_match"`
	ThenErr            string          `json:"then_err"`
	ThenAtLeastOneOf   []string        `json:"then_at_least_one_of"`
	ElseMatch          json.RawMessage `json:"else_match"`
	ElseThenAtLeastOne []string        `json:"else_then_at_least_one_of"`
	ElseThenErr        string          `json:"else_then_err"`
}

// runChecks runs the rules of a record whose own fields are valid: Kong would
// run some of them on invalid fields too, which only repeats the complaint.
func runChecks(f *Field, record map[string]any, at Path, found Errors) Errors {
	if len(found) > 0 {
		return nil
	}
	var errs Errors
	for _, check := range f.EntityChecks {
		for name, arg := range check {
			errs = append(errs, runCheck(f, name, arg, record, at)...)
		}
	}
	return errs
}

func runCheck(f *Field, name string, arg json.RawMessage, record map[string]any, at Path) Errors {
	switch name {
	case "conditional":
		return checkConditional(f, arg, record, at)
	case "conditional_at_least_one_of":
		return checkConditionalAtLeastOne(f, arg, record, at)
	default:
		return checkCount(name, arg, record, at)
	}
}

// checkCount runs the rules that count how many of the named fields are set.
func checkCount(name string, arg json.RawMessage, record map[string]any, at Path) Errors {
	var fields []string
	if err := json.Unmarshal(arg, &fields); err != nil {
		return entityError(at, fmt.Sprintf("%s: %v", name, err))
	}
	set, distinct := 0, map[any]bool{}
	for _, field := range fields {
		if v := lookup(record, field); nonEmpty(v) {
			set++
			distinct[fmt.Sprint(v)] = true
		}
	}
	rules := map[string]struct {
		ok  bool
		msg string
	}{
		"at_least_one_of":    {set >= 1, "at least one of these fields must be non-empty: %s"},
		"only_one_of":        {set == 1, "exactly one of these fields must be non-empty: %s"},
		"distinct":           {len(distinct) == set, "values of these fields must be distinct: %s"},
		"mutually_required":  {set == 0 || set == len(fields), "all or none of these fields must be set: %s"},
		"mutually_exclusive": {set <= 1, "only one or none of these fields must be set: %s"},
	}
	rule, known := rules[name]
	switch {
	case !known:
		return entityError(at, fmt.Sprintf("unknown entity check %q", name))
	case rule.ok:
		return nil
	default:
		return entityError(at, fmt.Sprintf(rule.msg, quoted(fields)))
	}
}

func checkConditional(f *Field, raw json.RawMessage, record map[string]any, at Path) Errors {
	var arg conditional
	if err := decodeStrict(raw, &arg); err != nil {
		return entityError(at, fmt.Sprintf("conditional: %v", err))
	}
	if applies, err := matches(f, arg.IfField, arg.IfMatch, record); err != nil {
		return entityError(at, err.Error())
	} else if !applies {
		return nil
	}
	then, err := overlay(f, arg.ThenField, arg.ThenMatch)
	if err != nil {
		return entityError(at, err.Error())
	}
	errs := Validate(then, lookup(record, arg.ThenField), at.At(steps(arg.ThenField)...))
	if len(errs) == 0 {
		return nil
	}
	msg := fmt.Sprintf("failed conditional validation given value of field '%s'", arg.IfField)
	if arg.ThenErr != "" {
		msg = strings.ReplaceAll(arg.ThenErr, "%s", arg.IfField)
	}
	errs = append(errs, entityError(at, msg)...)
	for i := range errs {
		errs[i].Because = &Condition{arg.IfField, arg.IfMatch}
	}
	return errs
}

func checkConditionalAtLeastOne(f *Field, raw json.RawMessage, record map[string]any, at Path) Errors {
	var arg conditional
	if err := decodeStrict(raw, &arg); err != nil {
		return entityError(at, fmt.Sprintf("conditional_at_least_one_of: %v", err))
	}
	names, msg := arg.ThenAtLeastOneOf, arg.ThenErr
	applies, err := matches(f, arg.IfField, arg.IfMatch, record)
	if err == nil && !applies && arg.ElseMatch != nil {
		names, msg = arg.ElseThenAtLeastOne, arg.ElseThenErr
		applies, err = matches(f, arg.IfField, arg.ElseMatch, record)
	}
	if err != nil {
		return entityError(at, err.Error())
	}
	if !applies || anySet(record, names) {
		return nil
	}
	if msg == "" {
		msg = "at least one of these fields must be non-empty: %s"
	}
	return entityError(at, strings.ReplaceAll(msg, "%s", quoted(names)))
}

func matches(f *Field, field string, match json.RawMessage, record map[string]any) (bool, error) {
	want, err := overlay(f, field, match)
	if err != nil {
		return false, err
	}
	return len(Validate(want, lookup(record, field), nil)) == 0, nil
}

// overlay returns the definition of a field with the attributes of a match on
// top of it, which is what Kong validates a condition with.
func overlay(f *Field, field string, match json.RawMessage) (*Field, error) {
	base := &Field{Type: "record", Fields: f.Fields}
	for _, name := range strings.Split(field, ".") {
		if base = base.Fields.Get(name); base == nil {
			return nil, fmt.Errorf("entity check names an unknown field %q", field)
		}
	}
	var top Field
	if err := decodeStrict(match, &top); err != nil {
		return nil, fmt.Errorf("entity check on %q: %w", field, err)
	}
	merged := *base
	from, into := reflect.ValueOf(top), reflect.ValueOf(&merged).Elem()
	for i := range from.NumField() {
		if attribute := from.Field(i); !attribute.IsZero() {
			into.Field(i).Set(attribute)
		}
	}
	return &merged, nil
}

func lookup(record map[string]any, field string) any {
	var value any = record
	for _, name := range strings.Split(field, ".") {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[name]
	}
	return value
}

func steps(field string) []any {
	var path []any
	for _, name := range strings.Split(field, ".") {
		path = append(path, name)
	}
	return path
}

func anySet(record map[string]any, fields []string) bool {
	for _, field := range fields {
		if nonEmpty(lookup(record, field)) {
			return true
		}
	}
	return false
}

func nonEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case string, []any, map[string]any:
		n, _ := length(value)
		return n > 0
	default:
		return true
	}
}

func quoted(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = "'" + name + "'"
	}
	return strings.Join(words, ", ")
}

func entityError(at Path, msg string) Errors {
	return Errors{{Path: at, Message: msg, Entity: true}}
}
