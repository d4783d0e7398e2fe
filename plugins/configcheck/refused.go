package configcheck

import (
	"errors"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// degradedToo says what else is wrong with a config of which Kong refuses something. Of the
// values that are refused it says nothing again, nor of what is not written: it may be what is
// refused under another name. Warnings and panics wait until those are right.
func (p *pass) degradedToo(e *gateway.Entity, known plugin, value any, refused schema.Errors) {
	fields, ok := without(known.config, value, nil, refused).(map[string]any)
	if !ok {
		return // a config that is none
	}
	config, err := known.decode(schema.Normalize(known.config, fields))
	if err != nil {
		return // it was refused
	}
	defer end(config)
	c, ok := config.(interface{ Provision() error })
	if !ok {
		return
	}
	err = provision(c.Provision)
	if _, isPanic := errors.AsType[panicked](err); err == nil || isPanic {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if field, _ := p.fieldOfLine(e, line); isWritten(e.Fields["config"], field) && !told(field, refused) && !holds(field, refused) {
			p.said(pluginDegraded, e, line, untilRight)
		}
	}
}

// isWritten reports whether a config has a field.
func isWritten(value any, field schema.Path) bool {
	for _, step := range field {
		switch step := step.(type) {
		case string:
			value = gateway.Map(value)[step]
		case int:
			list := gateway.List(value)
			if step >= len(list) {
				return false
			}
			value = list[step]
		}
	}
	return value != nil
}

// told reports whether what is wrong with a field is among errors: its own, or one of what it
// is in.
func told(field schema.Path, among schema.Errors) bool {
	return slices.ContainsFunc(among, func(err schema.Error) bool {
		n := len(err.Path)
		return n == len(field) && slices.Equal(field, err.Path) || !err.Entity && n < len(field) && slices.Equal(field[:n], err.Path)
	})
}

// holds reports whether a field has something in it that is refused: what is said of the whole
// may be said of what was taken out.
func holds(field schema.Path, refused schema.Errors) bool {
	n := len(field)
	return n > 0 && slices.ContainsFunc(refused, func(err schema.Error) bool { return n < len(err.Path) && slices.Equal(field, err.Path[:n]) })
}

// without is a value without what is refused in it, for which there are the defaults. Refused
// texts stay, since they are only read; in the place of a choice that is none stands one that
// is, so that what goes with it is looked at. In a list something takes the place of what is
// refused, so that the others keep theirs.
func without(f *schema.Field, value any, at schema.Path, refused schema.Errors) any {
	_, isText := value.(string)
	isPlain := isText && f.Type == "string" && f.OneOf == nil
	if !isPlain && slices.ContainsFunc(refused, func(err schema.Error) bool { return !err.Entity && slices.Equal(at, err.Path) }) {
		if len(f.OneOf) > 0 && f.Default == nil {
			return f.OneOf[0]
		}
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		left := make(map[string]any, len(value))
		for name, inner := range value {
			field, _ := below(f, value, name)
			if field == nil {
				continue
			}
			if kept := without(field, inner, at.At(name), refused); kept != nil {
				left[name] = kept
			}
		}
		return left
	case []any:
		if f.Elements == nil {
			return value
		}
		left := make([]any, len(value))
		for i, item := range value {
			if left[i] = without(f.Elements, item, at.At(i), refused); left[i] == nil {
				left[i] = zero(f.Elements)
			}
		}
		return left
	default:
		return value
	}
}

// zero is a value of a field's type that says nothing.
func zero(f *schema.Field) any {
	switch f.Type {
	case "string":
		return ""
	case "number", "integer":
		return 0.0
	case "boolean":
		return false
	case "array", "set":
		return []any{}
	default:
		return map[string]any{}
	}
}
