package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is how wide the lines of help are at most.
const helpWidth = 100

// usageTemplate is cobra's, with the flags' usages wrapped.
func usageTemplate(c *cobra.Command) string {
	return strings.ReplaceAll(c.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", helpWidth))
}

// Wrapped is a text of help in lines that are not too wide, each behind as many spaces.
func Wrapped(spaces int, text string) string {
	var b strings.Builder
	indent, width := strings.Repeat(" ", spaces), 0
	for word := range strings.FieldsSeq(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case b.Len() == 0:
			b.WriteString(indent)
			width = spaces
		case width+1+length > helpWidth:
			b.WriteString("\n" + indent)
			width = spaces
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += length
	}
	return b.String()
}

// ownWords has cobra's own commands begin as ours do.
func ownWords(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short = "say what a command does, and what it can be told"
		case "completion":
			c.Short = "print a script by which a shell completes command lines"
			for _, shell := range c.Commands() {
				shell.Short = "print the script for " + shell.Name()
			}
		}
	}
}
