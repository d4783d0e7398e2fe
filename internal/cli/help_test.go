package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrapped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "one": "    one", "one\ntwo": "    one two",
		strings.Repeat("a", 96) + " b":                  "    " + strings.Repeat("a", 96) + "\n    b",
		strings.Repeat("ä", 94) + " b c":                "    " + strings.Repeat("ä", 94) + " b\n    c",
		strings.Repeat("a", 120) + " b":                 "    " + strings.Repeat("a", 120) + "\n    b",
		"x " + strings.Repeat("a", 120):                 "    x\n    " + strings.Repeat("a", 120),
		strings.TrimSpace(strings.Repeat("words ", 40)): strings.TrimSuffix(strings.Repeat("    "+strings.TrimSuffix(strings.Repeat("words ", 16), " ")+"\n", 2), "\n") + "\n    " + strings.TrimSpace(strings.Repeat("words ", 8)),
	} {
		got := Wrapped(4, text)
		if got != want {
			t.Errorf("%.20q:\n%s\nwant\n%s", text, got, want)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if utf8.RuneCountInString(line) > helpWidth && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%q is too long", line)
			}
		}
	}
}
