package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// condition is Kong's argument of a rule that depends on the value of a field.
type condition struct {
	IfField          string         `json:"if_field"`
	IfMatch          map[string]any `json:"if_match"`
	ThenField        string         `json:"then_field,omitempty"`
	ThenMatch        map[string]any `json:"then_match,omitempty"`
	ThenAtLeastOneOf []string       `json:"then_at_least_one_of,omitempty"`
	ThenErr          string         `json:"then_err,omitempty"`
}

// counting are the rules that count how many of some fields are given.
var counting = []string{"at_least_one_of", "only_one_of", "mutually_required", "mutually_exclusive", "distinct"}

// addChecks reads the rules of a record: the kong tags of its fields named "_".
func (c *compiler) addChecks(rec *Field, t reflect.Type) error {
	var errs []error
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("kong")
		if t.Field(i).Name != "_" || !ok {
			continue
		}
		check, whole, err := rec.readCheck(tag)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: kong tag %s: %w", t.Name(), tag, err))
		case !whole || len(c.open) == 1:
			rec.EntityChecks = append(rec.EntityChecks, check)
		}
	}
	return errors.Join(errs...)
}

// readCheck reads one rule. whole says that it is for a plugin's whole configuration only.
func (f *Field) readCheck(tag string) (rule entityCheck, whole bool, err error) {
	said := map[string]string{}
	for word, value := range words(tag) {
		if value == nil && word == "whole" {
			whole = true
			continue
		}
		if value == nil || *value == "" {
			return nil, false, fmt.Errorf("%s has no value: write %[1]s=V", word)
		}
		said[word] = *value
	}
	rule, err = f.rule(said)
	return rule, whole, err
}

func (f *Field) rule(said map[string]string) (entityCheck, error) {
	errText := said["err"]
	delete(said, "err")
	if _, conditional := said["if"]; conditional {
		return f.conditional(said, errText)
	}
	for name, value := range said {
		if len(said) != 1 || !slices.Contains(counting, name) || errText != "" {
			break
		}
		fields := strings.Split(value, "|")
		return entityCheck{name: fields}, f.known(fields...)
	}
	return nil, fmt.Errorf("write one of %s with the fields, or if=CONDITION,then=CONDITION", strings.Join(counting, ", "))
}

func (f *Field) conditional(said map[string]string, errText string) (entityCheck, error) {
	var c condition
	var err error
	if c.IfField, c.IfMatch, err = f.condition(said["if"]); err != nil {
		return nil, err
	}
	c.ThenErr = errText
	then, hasThen := said["then"]
	list, hasList := said["at_least_one_of"]
	switch {
	case hasThen && len(said) == 2:
		c.ThenField, c.ThenMatch, err = f.condition(then)
		return entityCheck{"conditional": c}, err
	case hasList && len(said) == 2:
		c.ThenAtLeastOneOf = strings.Split(list, "|")
		return entityCheck{"conditional_at_least_one_of": c}, f.known(c.ThenAtLeastOneOf...)
	}
	return nil, errors.New("after if write then=CONDITION or at_least_one_of=a|b")
}

// condition reads FIELD is V, FIELD is not V, FIELD contains V, FIELD is given, or FIELD
// is absent.
func (f *Field) condition(text string) (name string, match map[string]any, err error) {
	name, rest, _ := strings.Cut(text, " ")
	of := f.find(name)
	if of == nil {
		return "", nil, fmt.Errorf("there is no field %q: correct the name", name)
	}
	if value, ok := strings.CutPrefix(rest, "contains "); ok && of.Elements != nil {
		v, err := of.Elements.literal(value)
		return name, map[string]any{"contains": v}, err
	}
	value, ok := strings.CutPrefix(rest, "is ")
	switch {
	case !ok:
		return "", nil, fmt.Errorf("%q is no condition: write FIELD is V, is not V, contains V, is given or is absent", text)
	case value == "given" && of.Elements != nil:
		return name, map[string]any{"required": true, "len_min": 1}, nil
	case value == "given":
		return name, map[string]any{"required": true}, nil
	case value == "absent":
		return name, map[string]any{"eq": nil}, nil
	}
	other, not := strings.CutPrefix(value, "not ")
	v, err := of.literal(other)
	return name, map[string]any{map[bool]string{true: "ne", false: "eq"}[not]: v}, err
}

// known is an error that names a field which the record has not.
func (f *Field) known(names ...string) error {
	for _, name := range names {
		if f.find(name) == nil {
			return fmt.Errorf("there is no field %q: correct the name", name)
		}
	}
	return nil
}

// find is a field of the record or, after a dot, of a record in it.
func (f *Field) find(path string) *Field {
	for name := range strings.SplitSeq(path, ".") {
		at := slices.IndexFunc(f.Fields, func(m member) bool { return m.name == name })
		if at < 0 {
			return nil
		}
		f = f.Fields[at].Field
	}
	return f
}
