package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// infoTable prints for people what the query command says of a plugin.
func infoTable(out io.Writer, dump []byte) error {
	plugin, err := schema.ParseInfo(dump)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s, priority %d, phases %s\n\n", plugin.Name, plugin.Version, plugin.Priority, strings.Join(plugin.Phases, ", "))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "field of config\ttype\tdefault\tmeaning")
	infoRows(table, "", plugin.Schema.Config())
	_ = table.Flush() // a builder takes all
	_, err = io.WriteString(out, text.String())
	return err
}

// infoRows prints a row for each field of a record, and below it those of the records in it.
func infoRows(w io.Writer, path string, record *schema.Field) {
	for _, named := range record.Fields {
		at, f := path+named.Name, named.Field
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", at, typeOf(f), defaultOf(f), strings.Join(strings.Fields(f.Description), " "))
		switch {
		case f.Fields != nil:
			infoRows(w, at+".", f)
		case f.Elements != nil && f.Elements.Fields != nil:
			infoRows(w, at+"[].", f.Elements)
		case f.Values != nil && f.Values.Fields != nil:
			infoRows(w, at+".*.", f.Values)
		}
	}
}

// typeOf is a field's type, or the choices that it has.
func typeOf(f *schema.Field) string {
	switch {
	case f.Elements != nil:
		return "list of " + typeOf(f.Elements)
	case f.Values != nil:
		return "map to " + typeOf(f.Values)
	case len(f.OneOf) > 0:
		var choices []string
		for _, choice := range f.OneOf {
			choices = append(choices, fmt.Sprint(choice))
		}
		return strings.Join(choices, "|")
	}
	return f.Type
}

// defaultOf is how a field's default is written; of one that has none, whether it is needed.
func defaultOf(f *schema.Field) string {
	if f.Default == nil {
		if f.Required != nil && *f.Required && f.Fields == nil {
			return "(required)"
		}
		return "-"
	}
	text, err := json.Marshal(f.Default)
	if err != nil {
		return fmt.Sprint(f.Default)
	}
	return string(text)
}
