package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds which Kong's metaschema sets for a description, in bytes.
const (
	descriptionMin = 10
	descriptionMax = 500
)

// attribute is one word of a kong tag and what it does to a field.
type attribute struct {
	value bool     // the word takes =V
	types []string // the types it may stand on; empty for all
	inner bool     // on an array or map it is about the elements or values
	// repeats says that the word may be there more than once, each with a value to add.
	repeats bool
	set     func(f *Field, value string) error
}

var (
	textual = []string{"string"}
	numeric = []string{"integer", "number"}
	scalar  = []string{"string", "integer", "number"}
	sized   = []string{"string", "array", "set", "map"}
)

// attributes are the words of a kong tag. Which types each may stand on is
// attribute_types in kong/db/schema/metaschema.lua, and narrower where Kong
// would accept a word and then ignore or fail on it.
var attributes = map[string]attribute{
	"required":      {set: func(f *Field, _ string) error { f.Required = true; return nil }},
	"default":       {value: true, set: setDefault},
	"one_of":        {value: true, types: scalar, inner: true, set: setOneOf},
	"between":       {value: true, types: numeric, inner: true, set: setBetween},
	"gt":            {value: true, types: numeric, inner: true, set: setGt},
	"len_min":       {value: true, types: sized, set: func(f *Field, v string) error { return setLength(&f.LenMin, v) }},
	"len_max":       {value: true, types: sized, set: func(f *Field, v string) error { return setLength(&f.LenMax, v) }},
	"not_one_of":    {value: true, types: scalar, inner: true, set: setNotOneOf},
	"starts_with":   {value: true, types: textual, inner: true, set: func(f *Field, v string) error { f.StartsWith = v; return nil }},
	"match":         {value: true, types: textual, inner: true, set: setMatch},
	"match_any":     {value: true, types: textual, inner: true, repeats: true, set: setMatchAny},
	"not_header":    {value: true, types: textual, inner: true, set: setNotHeader},
	"shape":         {value: true, types: textual, inner: true, set: setShape},
	"err":           {value: true, types: textual, inner: true, set: func(f *Field, v string) error { f.saying = v; return nil }},
	"each_len_max":  {value: true, types: textual, inner: true, set: func(f *Field, v string) error { return setLength(&f.LenMax, v) }},
	"keys_one_of":   {value: true, types: []string{"map"}, set: func(f *Field, v string) error { return setOneOf(f.Keys, v) }},
	"uuid":          {types: textual, inner: true, set: func(f *Field, _ string) error { f.UUID = true; return nil }},
	"referenceable": {types: textual, inner: true, set: func(f *Field, _ string) error { f.Referenceable = true; return nil }},
	"encrypted":     {set: func(f *Field, _ string) error { f.Encrypted = true; return nil }},
	"set":           {types: []string{"array"}, set: func(f *Field, _ string) error { f.Type = "set"; return nil }},
}

// describe applies the desc and kong tags to a field. Without strict the desc
// tag may be missing, and one that Kong would refuse is left out.
func (f *Field) describe(tag reflect.StructTag, strict bool) error {
	desc, ok := tag.Lookup("desc")
	if !ok && strict {
		return errors.New(`has no desc tag: write one sentence of 10 to 500 characters, desc:"..."`)
	}
	if len(desc) >= descriptionMin && len(desc) <= descriptionMax && utf8.ValidString(desc) {
		f.Description = desc
	} else if strict {
		return fmt.Errorf("desc has %d characters: Kong takes %d to %d", len(desc), descriptionMin, descriptionMax)
	}
	seen := map[string]bool{}
	for word, value := range words(tag.Get("kong")) {
		if seen[word] && !attributes[word].repeats {
			return fmt.Errorf("kong tag says %q twice: keep one", word)
		}
		seen[word] = true
		if err := f.apply(word, value); err != nil {
			return err
		}
	}
	f.innermost().say()
	return f.checkDefault()
}

// words splits a kong tag at its commas. A comma that is part of a value has a
// backslash before it, and a default that starts with a bracket or brace runs to
// the end of the tag.
func words(tag string) func(yield func(word string, value *string) bool) {
	return func(yield func(string, *string) bool) {
		for tag != "" {
			var item string
			if strings.HasPrefix(tag, "default=[") || strings.HasPrefix(tag, "default={") {
				item, tag = tag, ""
			} else {
				item, tag = cutWord(tag)
			}
			word, value, found := strings.Cut(strings.TrimSpace(item), "=")
			var v *string
			if found {
				v = &value
			}
			if !yield(word, v) {
				return
			}
		}
	}
}

// cutWord is strings.Cut at the first comma without a backslash before it.
func cutWord(tag string) (word, rest string) {
	for i := range len(tag) {
		if tag[i] == ',' && (i == 0 || tag[i-1] != '\\') {
			return strings.ReplaceAll(tag[:i], `\,`, ","), tag[i+1:]
		}
	}
	return strings.ReplaceAll(tag, `\,`, ","), ""
}

// apply gives one word to the field it is about.
func (f *Field) apply(word string, value *string) error {
	a, ok := attributes[word]
	if !ok {
		return fmt.Errorf("kong tag has an unknown word %q: use one of %s", word, attributeNames())
	}
	if a.value != (value != nil) {
		return fmt.Errorf("kong tag %s: %s", word, map[bool]string{true: "give it a value, " + word + "=V", false: "it takes no value"}[a.value])
	}
	subject := f
	if a.inner {
		subject = f.innermost()
	}
	if len(a.types) > 0 && !slices.Contains(a.types, subject.Type) {
		return fmt.Errorf("kong tag %s is for %s, this is a %s: drop it", word, strings.Join(a.types, ", "), subject.Type)
	}
	text := ""
	if value != nil {
		text = *value
	}
	if err := a.set(subject, text); err != nil {
		return fmt.Errorf("kong tag %s=%s: %w", word, text, err)
	}
	return nil
}

// innermost is what a list or map holds, or what those in it hold; else the field.
func (f *Field) innermost() *Field {
	for f.Elements != nil || f.Values != nil {
		f = firstOf(f.Elements, f.Values)
	}
	return f
}

func firstOf(a, b *Field) *Field {
	if a != nil {
		return a
	}
	return b
}

func attributeNames() string {
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func setDefault(f *Field, value string) error {
	var err error
	f.Default, err = f.literal(value)
	return err
}

// literal is a tag's value as JSON of the field's type.
func (f *Field) literal(value string) (json.RawMessage, error) {
	if f.Type == "string" {
		return json.Marshal(value)
	}
	raw := json.RawMessage(value)
	if err := f.check(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// kinds are the Go types that JSON values of a scalar type decode into.
var kinds = map[string]func() any{
	"string":  func() any { return new(string) },
	"boolean": func() any { return new(bool) },
	"integer": func() any { return new(int64) },
	"number":  func() any { return new(float64) },
}

// check reports whether a JSON value has the field's type, at every depth.
func (f *Field) check(value json.RawMessage) error {
	if f.opaque {
		if !json.Valid(value) {
			return fmt.Errorf("%s is no JSON: correct it", value)
		}
		return nil
	}
	if scalar, ok := kinds[f.Type]; ok {
		if err := json.Unmarshal(value, scalar()); err != nil || string(value) == "null" {
			return fmt.Errorf("%s is no %s: write a value of that type", value, f.Type)
		}
		return nil
	}
	if f.Elements != nil {
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return fmt.Errorf(`%s is no list: write JSON such as ["a","b"], as the last word of the tag`, value)
		}
		return checkEach(list, f.Elements)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(value, &object); err != nil {
		return fmt.Errorf(`%s is no object: write JSON such as {"a":1}, as the last word of the tag`, value)
	}
	return f.checkMembers(object)
}

func checkEach(list []json.RawMessage, f *Field) error {
	for _, v := range list {
		if err := f.check(v); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) checkMembers(object map[string]json.RawMessage) error {
	for name, v := range object {
		of := f.Values
		if m := f.member(name); m != nil {
			of = m.Field
		}
		if of == nil {
			return fmt.Errorf("there is no field %q in this record: correct the name", name)
		}
		if err := of.check(v); err != nil {
			return err
		}
	}
	return nil
}

func setOneOf(f *Field, value string) error {
	for choice := range strings.SplitSeq(value, "|") {
		v, err := f.literal(choice)
		if err != nil {
			return err
		}
		f.OneOf = append(f.OneOf, v)
	}
	return nil
}

func setBetween(f *Field, value string) error {
	low, high, found := strings.Cut(value, "|")
	from, err1 := strconv.ParseFloat(low, 64)
	to, err2 := strconv.ParseFloat(high, 64)
	if !found || err1 != nil || err2 != nil || from > to {
		return errors.New("write the two bounds, low first, between=1|100")
	}
	f.Between = []json.Number{json.Number(low), json.Number(high)}
	return nil
}

func setGt(f *Field, value string) error {
	if _, err := strconv.ParseFloat(value, 64); err != nil {
		return errors.New("write a number, gt=0")
	}
	f.Gt = json.Number(value)
	return nil
}

func setLength(bound **int, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return errors.New("write a whole number of at least 0")
	}
	*bound = &n
	return nil
}

// checkDefault holds a scalar default to the field's own bounds: Kong would
// fill it in and then refuse it.
func (f *Field) checkDefault() error {
	if f.Default == nil {
		return nil
	}
	if f.OneOf != nil && f.Elements == nil && !slices.ContainsFunc(f.OneOf, func(v json.RawMessage) bool { return string(v) == string(f.Default) }) {
		return fmt.Errorf("default %s is not in one_of: add it there or choose another", f.Default)
	}
	n, err := strconv.ParseFloat(string(f.Default), 64)
	if err != nil {
		return nil
	}
	if f.Between != nil && (n < number(f.Between[0]) || n > number(f.Between[1])) {
		return fmt.Errorf("default %s is not between %s and %s: choose one that is", f.Default, f.Between[0], f.Between[1])
	}
	if f.Gt != "" && n <= number(f.Gt) {
		return fmt.Errorf("default %s is not greater than %s: choose one that is", f.Default, f.Gt)
	}
	return nil
}

// number is the value of a bound that was parsed before.
func number(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}
