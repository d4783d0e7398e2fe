package configcheck

import (
	"fmt"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// TestSlips: what YAML cannot read is told at the line of the mistake, with its fix, and not
// where the parser could read on no further.
func TestSlips(t *testing.T) {
	t.Parallel()
	const route = "_format_version: \"3.0\"\nservices:\n  - name: a\n    host: h\n    routes:\n      - name: r # it's \"one\n"
	const service = "_format_version: \"3.0\"\nservices:\n  - name: a\n    host: h\n    port: 80\n"
	for _, tt := range []struct{ name, config, want string }{
		{"a list that is not closed", route + "        paths: [/a\n        methods: [GET]\n    tags: []\nplugins: []\n", "7: the [ in this line is not closed; write ] where its list ends"},
		{"a list that is not closed, at the end", route + "        paths: [/a\n", "7: the [ in this line is not closed; write ] where its list ends"},
		{"fields that are not closed", route + "        headers: { X: [a]\n        methods: [GET]\n", "7: the { in this line is not closed; write } where its fields end"},
		{"a quote that is not closed", route + "        paths: [\"/a]\n        methods: [GET]\nplugins: []\n\n\n", `7: the quote " in this line is not closed; write the second one where its text ends`},
		{"a quote that is not closed, and others", route + "        tags: \"a\n        paths: [\"/a\"]\n", `7: the quote " in this line is not closed; write the second one where its text ends`},
		{"an entry in another column", service + "   - name: b\n     host: c\n", "6: did not find expected '-' indicator; begin it in the column of the entries beside it, or take out what has no place there"},
		{"fields in another column", service + "    routes:\n     - name: b\n      paths: [/a]\n", "7: did not find expected '-' indicator; begin the fields of one entry in one column: those of lines 7 and 8 do not"},
		{"no space after a colon", route + "        paths:[/a]\n\n        methods: [GET]\n", "7: a key without a colon and a space after it; write NAME: VALUE, or put a text in quotes"},
		{"a text with a colon", route + "        name: a: b\n", "7: mapping values are not allowed in this context; begin it in the column of the entries beside it, or put a text with a colon in quotes"},
		{"a text that begins with an at sign", route + "        name: @a\n", "7: found character that cannot start any token; put the text in quotes"},
		{"a text that begins with a star", route + "        hosts: *a\n", "7: unknown anchor 'a' referenced; write the anchor & before it is used, or put a text that begins with * in quotes"},
		{"JSON without a comma", "{\n  \"services\": []\n  \"plugins\": []\n}\n", "3: did not find expected ',' or '}'; write a comma before it"},
		{"JSON with a key twice", "{\n  \"services\": [],\n  \"services\": []\n}\n", "3: services: key given twice: Kong takes the last, and says nothing; keep one"},
	} {
		_, err := kongyaml.Layer(kongyaml.File{Name: "kong.yaml", Text: []byte(tt.config)})
		if err == nil {
			t.Fatalf("%s: it is read", tt.name)
		}
		f := NotReadable(kongyaml.File{Name: "kong.yaml", Text: []byte(tt.config)}, nil, err).Findings[0]
		if got := fmt.Sprintf("%d: %s", f.Line, f); got != tt.want {
			t.Errorf("%s: said\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func FuzzSlip(f *testing.F) {
	f.Add("a: [1\nb: 2", 2, "did not find expected ',' or ']'")
	f.Add("- a: \"\\", 9, "did not find expected '-' indicator")
	f.Fuzz(func(t *testing.T, text string, line int, complaint string) {
		if at, _, fix := slip([]byte(text), line, complaint); fix == "" || at > line && at > 1 {
			t.Errorf("line %d of %q: line %d, fix %q", line, text, at, fix)
		}
	})
}
