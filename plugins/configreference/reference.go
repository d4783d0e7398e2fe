// Package configreference says what a plugin's schema is in rows for people: each field that
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

// Reference is what a configuration can be told. Its texts are Markdown.
type Reference struct {
	// Rows are of its fields, in the order of the Config.
	Rows []Row
	// Rules are about several fields, a sentence each.
	Rules []string

	written []written
}

// Row is a field: its path, such as limits[].name, and what is known of it.
type Row struct {
	Path, Type string
	// Default is in JSON, empty for none, and then Required may be set.
	Default  string
	Required bool
	// Allowed says which values it takes, empty for all of its type.
	Allowed, Meaning string
}

// Of is the reference of a configuration.
func Of(config *schema.Field) (Reference, error) {
	var r Reference
	err := r.record("", config)
	return r, err
}

// Markdown is a reference as a table, and below it the rules.
func Markdown(config *schema.Field) (string, error) {
	r, err := Of(config)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("| field | type | default | allowed | meaning |\n|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", row.Path, row.Type, row.byDefault(), cell(row.Allowed), cell(row.Meaning))
	}
	if len(r.Rules) > 0 {
		text.WriteString("\nRules about several fields:\n\n")
	}
	for _, rule := range r.Rules {
		fmt.Fprintf(&text, "- %s\n", rule)
	}
	return text.String(), nil
}

func (r Row) byDefault() string {
	switch {
	case r.Default != "":
		return "`" + r.Default + "`"
	case r.Required:
		return "required"
	default:
		return ""
	}
}

// written are the fields of a record that has its rows already, such as a limit's: where
// the same record comes again, its row says where they are.
type written struct {
	path   string
	fields schema.Fields
}

// record writes the fields of a record, whose own path begins each of theirs.
func (r *Reference) record(path string, f *schema.Field) error {
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
		r.Rules = append(r.Rules, text)
	}
	return nil
}

func (r *Reference) field(path string, f *schema.Field) error {
	byDefault, err := defaultOf(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	at, record := recordOf(path, f)
	meaning, before := f.Description, r.before(record)
	if before != "" {
		meaning += " Its fields are those of `" + before + "`."
	}
	required := f.Type != "record" && f.Required != nil && *f.Required
	r.Rows = append(r.Rows, Row{path, typeOf(f), byDefault, required, allowed(f), meaning})
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
func (r *Reference) before(record *schema.Field) string {
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
	if f.Default == nil {
		return "", nil
	}
	text, err := json.Marshal(f.Default)
	return string(text), err
}

// cell is a text as it stands in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
