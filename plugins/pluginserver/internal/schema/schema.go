// Package schema derives Kong's schema of a plugin's configuration from its Go type, and
// normalises configurations by it.
package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Of derives the schema of a configuration struct. Its error joins
// one line for each field that has something wrong with it. Without strict it
// takes whatever go-pdk's own server takes.
func Of(t reflect.Type, strict bool) (*Field, error) {
	c := &compiler{strict: strict}
	config, err := c.record(t)
	if err != nil {
		return nil, err
	}
	config.LeftOut = c.leftOut
	config.Required = true // so that Kong fills in defaults where kong.yaml has no config at all
	config.opaque = decodesItself(t)
	return config, nil
}

// compiler walks the types of one configuration.
type compiler struct {
	strict  bool
	open    []openRecord // those around the current field, against recursion
	leftOut []error
}

// openRecord is a record whose fields are being walked.
type openRecord struct {
	of  reflect.Type
	rec *Field
}

func (c *compiler) record(t reflect.Type) (*Field, error) {
	if at := slices.IndexFunc(c.open, func(o openRecord) bool { return o.of == t }); at >= 0 {
		if c.strict {
			return nil, fmt.Errorf("type %s contains itself: Kong's schemas are finite, give it a bounded depth", t)
		}
		return anyJSON(c.open[at].rec, "object"), nil
	}
	rec := &Field{Type: "record", Fields: []member{}}
	c.open = append(c.open, openRecord{t, rec})
	defer func() { c.open = c.open[:len(c.open)-1] }()

	var errs []error
	for i := range t.NumField() {
		if t.Field(i).Name == "_" {
			continue
		}
		if t.Field(i).Tag.Get("kong") == scopeTag {
			errs = append(errs, rec.addScope(t, t.Field(i)))
			continue
		}
		members, err := c.structField(t, t.Field(i))
		errs = append(errs, err)
		for _, m := range members {
			errs = append(errs, c.add(rec, m, t, t.Field(i)))
		}
	}
	errs = append(errs, c.addChecks(rec, t))
	return rec, errors.Join(errs...)
}

// add adds a member to a record. Of two with one name package json takes the
// one that is not embedded, and so does this.
func (c *compiler) add(rec *Field, m member, t reflect.Type, sf reflect.StructField) error {
	at := slices.IndexFunc(rec.Fields, func(other member) bool { return other.name == m.name })
	switch {
	case at < 0:
		rec.Fields = append(rec.Fields, m)
	case c.strict:
		return fieldError(t, sf, `two fields are named %q: rename one in its json tag`, m.name)
	case rec.Fields[at].embedded && !m.embedded:
		rec.Fields[at] = m
	}
	return nil
}

// scopeTag is the kong tag of a string that Kong sets and no operator does: where the
// configuration applies.
const scopeTag = "scope"

// scopes are what Kong adds to each configuration (kong/runloop/plugins_iterator.lua):
// the ids of the route, the service and the consumer that it is of, if any.
var scopes = []string{"route_id", "service_id", "consumer_id"}

func (f *Field) addScope(t reflect.Type, sf reflect.StructField) error {
	name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
	if !slices.Contains(scopes, name) || sf.Type.Kind() != reflect.String {
		return fieldError(t, sf, `kong tag %s is for strings with the json tag %s`, scopeTag, strings.Join(scopes, ", "))
	}
	f.scope = append(f.scope, member{name: name, Field: &Field{Type: "string"}})
	return nil
}

// structField returns the members that a struct field stands for: none if it
// is unexported or json:"-", several if it is an embedded struct.
func (c *compiler) structField(t reflect.Type, sf reflect.StructField) ([]member, error) {
	name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
	if sf.Anonymous && name == "" && indirect(sf.Type).Kind() == reflect.Struct && !decodesItself(indirect(sf.Type)) {
		return c.embedded(indirect(sf.Type))
	}
	if !sf.IsExported() || sf.Tag.Get("json") == "-" {
		return nil, nil
	}
	if name == "" {
		if c.strict {
			return nil, fieldError(t, sf, `has no json tag: write its name in kong.yaml, json:"name"`)
		}
		name = strings.ToLower(sf.Name)
	}
	f, err := c.typed(sf.Type)
	if errors.Is(err, errType) && !c.strict {
		if sf.Tag.Get("json") != "" { // somebody means it to be there
			c.leftOut = append(c.leftOut, fieldError(t, sf, `%w; or json:"-" if no operator sets it`, err))
		}
		return nil, nil // as for package json and go-pdk, it is not there
	}
	if err != nil {
		return nil, fieldError(t, sf, "%w", err)
	}
	if slices.Contains(strings.Split(options, ","), "string") && slices.Contains(scalar, f.Type) {
		f = &Field{Type: "string"} // a number in quotes
	}
	if err := f.describe(sf.Tag, c.strict); err != nil {
		return nil, fieldError(t, sf, "%w", err)
	}
	return []member{{name: name, Field: f}}, nil
}

// embedded returns the members of an embedded struct, which package json takes
// for members of the struct around it.
func (c *compiler) embedded(t reflect.Type) ([]member, error) {
	rec, err := c.record(t)
	if err != nil {
		return nil, err
	}
	for i := range rec.Fields {
		rec.Fields[i].embedded = true
	}
	return rec.Fields, nil
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// fieldError names the field as a Go programmer would.
func fieldError(t reflect.Type, sf reflect.StructField, format string, args ...any) error {
	return fmt.Errorf("%s.%s: "+format, append([]any{t.Name(), sf.Name}, args...)...)
}
