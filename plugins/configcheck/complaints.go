package configcheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// This file has what is made of Kong's complaints about a value: one for each mistake.

// mistakes are what Kong complains of in a value. Of a map it says only that something in it is
// wrong: here it is said where. What it says twice is said once.
func mistakes(f *schema.Field, value any) (found schema.Errors) {
	for _, err := range onceEach(schema.Validate(f, value, nil)) {
		within := inMap(f, value, err.Path, nil)
		if within == nil || err.Message != within[0].Message {
			within = schema.Errors{err}
		}
		found = append(found, within...)
	}
	return found
}

// inMap are the mistakes in the values of the map that a path leads to, nil if it leads to none.
func inMap(f *schema.Field, value any, path, at schema.Path) (found schema.Errors) {
	if len(path) > 0 {
		f, value = below(f, value, path[0])
		if f == nil {
			return nil
		}
		return inMap(f, value, path[1:], at.At(path[0]))
	}
	if f.Type != "map" {
		return nil
	}
	required := *f.Values
	required.Required = new(true)
	fields := gateway.Map(value)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		found = append(found, schema.Validate(&required, fields[name], at.At(name))...)
	}
	return found
}

// below is what is one step below a value; f is nil where there is no such field.
func below(f *schema.Field, value any, step any) (*schema.Field, any) {
	switch step := step.(type) {
	case int:
		return f.Elements, gateway.List(value)[step]
	case string:
		if f.Type == "map" {
			return f.Values, gateway.Map(value)[step]
		}
		return f.Fields.Get(step), gateway.Map(value)[step]
	default:
		return nil, nil
	}
}

// onceEach leaves out what follows from another complaint: the record's about a rule of two
// fields, a field that is missing because its name has a slip, and one that would not be
// missing if the field that has no place here were right.
func onceEach(all schema.Errors) schema.Errors {
	return slices.DeleteFunc(slices.Clone(all), func(err schema.Error) bool {
		generic := err.Because != nil && err.Entity && strings.HasPrefix(err.Message, "failed conditional")
		return generic || isMissing(err) && slices.ContainsFunc(all, func(other schema.Error) bool { return explains(other, err) })
	})
}

func isMissing(err schema.Error) bool { return !err.Entity && err.Message == "required field missing" }

// explains reports whether a field is missing for what another complaint is about.
func explains(other, missing schema.Error) bool {
	n := len(missing.Path) - 1
	if n < 0 || len(other.Path) != n+1 || !slices.Equal(other.Path[:n], missing.Path[:n]) {
		return false
	}
	if name, isText := other.Path[n].(string); isText && len(other.Known) > 0 {
		return nearField(name, other.Known) == missing.Path[n]
	}
	if !isMisplaced(other) || missing.Because == nil || missing.Because.Field != other.Because.Field {
		return false
	}
	return readCondition(other.Because).Ne != nil
}

// isMisplaced reports whether a field is there for which there is no place.
func isMisplaced(err schema.Error) bool {
	return err.Because != nil && !err.Entity && err.Message == "value must be null"
}

// match are the conditions that our plugins' rules have.
type match struct {
	Eq       any  `json:"eq"`
	Ne       any  `json:"ne"`
	Contains any  `json:"contains"`
	Required bool `json:"required"`
}

func readCondition(c *schema.Condition) (m match) {
	_ = json.Unmarshal(c.Match, &m) // it was read by the rule
	return m
}

// conditional is the complaint of a rule about two fields, with the other of them.
func conditional(e schema.Error) (what, fix string) {
	field, m := e.Because.Field, readCondition(e.Because)
	where := field + " is there"
	switch {
	case m.Eq != nil:
		where = fmt.Sprintf("%s is %v", field, m.Eq)
	case m.Ne != nil:
		where = fmt.Sprintf("%s is not %v", field, m.Ne)
	case m.Contains != nil:
		where = fmt.Sprintf("%s has %v", field, m.Contains)
	}
	switch {
	case isMisplaced(e) && m.Ne != nil:
		only := fmt.Sprintf("%s: %v", field, m.Ne)
		return fmt.Sprintf("%v is for %s", e.Path[len(e.Path)-1], only), "write " + only + ", or remove it"
	case isMisplaced(e):
		return "it has no place where " + where, "remove it"
	case isMissing(e):
		return e.Message + " where " + where, "write it"
	default:
		return e.Message + ", where " + where, "write that, or remove " + field
	}
}

var quotedName = regexp.MustCompile(`'([a-z0-9_.]+)'`)

// fixOfChoice says what to do of fields of which one has to be there.
func fixOfChoice(value any, complaint string) string {
	for _, name := range quotedName.FindAllStringSubmatch(complaint, -1) {
		if gateway.Map(value)[name[1]] != nil {
			return "keep one of them"
		}
	}
	return "write one of them"
}

// nearField is the field that somebody meant, empty if none is near. The beginning of a name up
// to an underscore is, however short.
func nearField(name string, known []string) string {
	if near := spelling.Nearest(name, known, spelling.AnyNumber); near != "" {
		return near
	}
	for _, field := range known {
		if strings.HasPrefix(field, name+"_") {
			return field
		}
	}
	return ""
}
