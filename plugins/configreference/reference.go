// Package configreference writes a plugin's schema as a table for people: each field that
// an operator may write, its type, default, bounds and meaning, all of them from the tags of
// the plugin's Config. It knows no Kong.
package configreference

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Markdown is the reference of a configuration: a table of its fields, in the order of the
// Config, and below it the rules about several of them.
func Markdown(config *schema.Field) (string, error) {
	var r reference
	if err := r.record("", config); err != nil {
		return "", err
	}
	text := "| field | type | default | allowed | meaning |\n|---|---|---|---|---|\n" + r.rows.String()
	if r.rules.Len() > 0 {
		text += "\nRules about several fields:\n\n" + r.rules.String()
	}
	return text, nil
}

type reference struct {
	rows, rules strings.Builder
	written     []written
}

// written are the fields of a record that has its rows already, such as a limit's: where
// the same record comes again, its row says where they are.
type written struct {
	path   string
	fields schema.Fields
}

// record writes the fields of a record, whose own path begins each of theirs.
func (r *reference) record(path string, f *schema.Field) error {
	for _, sub := range f.Fields {
		if err := r.field(join(path, sub.Name), sub.Field); err != nil {
			return err
		}
	}
	for _, check := range f.EntityChecks {
		text, err := rule(path, check)
		if err != nil {
			return err
		}
		fmt.Fprintf(&r.rules, "- %s\n", text)
	}
	return nil
}

func (r *reference) field(path string, f *schema.Field) error {
	byDefault, err := defaultOf(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	at, record := recordOf(path, f)
	meaning, before := f.Description, r.before(record)
	if before != "" {
		meaning += " Its fields are those of `" + before + "`."
	}
	fmt.Fprintf(&r.rows, "| `%s` | %s | %s | %s | %s |\n", path, typeOf(f), byDefault, cell(allowed(f)), cell(meaning))
	if record == nil || before != "" {
		return nil
	}
	r.written = append(r.written, written{at, record.Fields})
	return r.record(at, record)
}

// recordOf is the record that a field is or holds, and where its own fields are; nil where
// there is none.
func recordOf(path string, f *schema.Field) (string, *schema.Field) {
	switch {
	case f.Type == "record":
		return path, f
	case f.Elements != nil && f.Elements.Type == "record":
		return path + "[]", f.Elements
	case f.Values != nil && f.Values.Type == "record":
		return path + ".*", f.Values
	default:
		return path, nil
	}
}

// before is where the same record has its rows; empty if it has none.
func (r *reference) before(record *schema.Field) string {
	if record == nil {
		return ""
	}
	for _, w := range r.written {
		if reflect.DeepEqual(w.fields, record.Fields) {
			return w.path
		}
	}
	return ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func typeOf(f *schema.Field) string {
	switch {
	case f.Elements != nil:
		return f.Type + " of " + f.Elements.Type + "s"
	case f.Values != nil:
		return "map of " + f.Values.Type + "s"
	default:
		return f.Type
	}
}

func defaultOf(f *schema.Field) (string, error) {
	switch {
	case f.Default != nil:
		text, err := json.Marshal(f.Default)
		if err != nil {
			return "", err
		}
		return "`" + string(text) + "`", nil
	case f.Type != "record" && f.Required != nil && *f.Required:
		return "required", nil
	default:
		return "", nil
	}
}

// cell is a text as it stands in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
