// Package clitest holds the command lines of our programs to what all of them are.
package clitest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
)

// width is how many characters a line of help has at most.
const width = 100

// Check asks each command of a program for its help: no line is too long, and what is said of
// a command begins alike. newRoot makes the program anew.
func Check(t *testing.T, newRoot func() *cobra.Command) {
	t.Helper()
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	check(t, newRoot, root, nil)
}

func check(t *testing.T, newRoot func() *cobra.Command, of *cobra.Command, path []string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Run(t.Context(), newRoot(), append(slices.Clone(path), "--help"), &out, &errs); code != 0 || errs.Len() > 0 {
		t.Errorf("%q --help: exit code %d, %s", path, code, errs.String())
	}
	listed := false
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > width {
			t.Errorf("%q --help has a line of more than %d characters:\n%s", path, width, line)
		}
		if listed = (listed || line == "Available Commands:") && line != ""; listed && line != "Available Commands:" {
			name, short, _ := strings.Cut(strings.TrimSpace(line), " ")
			if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(short)); !unicode.IsLower(first) {
				t.Errorf("%q --help says of %s: %s", path, name, short)
			}
		}
	}
	for _, sub := range of.Commands() {
		check(t, newRoot, sub, append(slices.Clone(path), sub.Name()))
	}
}
