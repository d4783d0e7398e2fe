package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configreference"
)

// How wide the table is: as the terminal, within bounds in which lines can be read.
const (
	usualWidth = 80
	minWidth   = 40
	maxWidth   = 110
)

// widthFor is how many characters a line of the table has at most.
func widthFor(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return usualWidth
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return usualWidth
	}
	return max(minWidth, min(columns, maxWidth))
}

// infoTable prints for people what the query command says of a plugin.
func infoTable(out io.Writer, width int, dump []byte) error {
	plugin, err := schema.ParseInfo(dump)
	if err != nil {
		return err
	}
	reference, err := configreference.Of(plugin.Schema.Config())
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s, priority %d, phases %s\n\n", plugin.Name, plugin.Version, plugin.Priority, strings.Join(plugin.Phases, ", "))
	wrap(&text, width, "", "Fields of its config:")
	for _, row := range reference.Rows {
		text.WriteByte('\n')
		wrap(&text, width, "    ", row.Path+" ("+summary(row)+")")
		wrap(&text, width, "    ", "    "+plainText(row.Meaning))
		if row.Allowed != "" {
			wrap(&text, width, "    ", "    Allowed: "+plainText(row.Allowed)+".")
		}
	}
	if len(reference.Rules) > 0 {
		text.WriteString("\nRules about several fields:\n")
	}
	for _, rule := range reference.Rules {
		wrap(&text, width, "  ", "- "+plainText(rule))
	}
	_, err = io.WriteString(out, text.String())
	return err
}

// summary is a field's type, and its default or that it has to be written.
func summary(row configreference.Row) string {
	switch {
	case row.Default != "":
		return row.Type + ", default " + row.Default
	case row.Required:
		return row.Type + ", required"
	default:
		return row.Type
	}
}

// plainText is Markdown as people read it where nothing is drawn.
func plainText(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }

// wrap writes a text in lines of a width. All but the first begin with the indent; the spaces
// at the text's beginning stay. A longer word has a line of its own.
func wrap(to *strings.Builder, width int, indent, text string) {
	words := strings.Fields(text)
	line := text[:len(text)-len(strings.TrimLeft(text, " "))]
	if len(words) == 0 {
		return
	}
	line += words[0]
	for _, word := range words[1:] {
		if len(line)+1+len(word) > width {
			to.WriteString(line + "\n")
			line = indent + word
			continue
		}
		line += " " + word
	}
	to.WriteString(line + "\n")
}
