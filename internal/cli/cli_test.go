package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		args string
		err  error // of the command
		code int
		got  string // what the command was given; empty: it was not run
		out  string // how standard output begins
		errs string // all of standard error
	}{
		{"check -config f g -p x", nil, 0, "program check|config=f|output=x|g", "", ""},
		{"run kong -x", nil, 0, "program run|kong|-x", "", ""},
		{"keys sync -every 5m", nil, 0, "program keys sync|every=5m0s", "", ""},
		{"check", ExitCode(7), 7, "program check", "", ""},
		{"check", errors.New("first\nsecond"), 1, "program check", "", "program: first\nprogram: second\n"},
		{"check", Usagef("name a file"), 2, "program check", "", "program check: name a file; see program check --help\n"},
		{"", nil, 0, "", "it is for a test\n", ""},
		{"help check", nil, 0, "", "Usage:\n  program check FILE... [flags]\n", ""},
		{"keys --help", nil, 0, "", "has others\n", ""},
		{"--version", nil, 0, "", "program 0.1.0", ""},
		{"help completion", nil, 0, "", "Generate the autocompletion script", ""},
		{"completion fish", nil, 0, "", "# fish completion for program", ""},
		{"keys", nil, 2, "", "", "program keys: name a command: sync; see program keys --help\n"},
		{"keys snyc", nil, 2, "", "", "program keys: unknown command \"snyc\"; did you mean sync?; see program keys --help\n"},
		{"chekc -config f", nil, 2, "", "", "program: unknown command \"chekc\"; did you mean check?; see program --help\n"},
		{"stop", nil, 2, "", "", "program: unknown command \"stop\"; it is one of: check, completion, keys, run; see program --help\n"},
		{"check -x", nil, 2, "", "", "program check: there is no flag -x; see program check --help\n"},
		{"check -confg f", nil, 2, "", "", "program check: there is no flag --confg; did you mean --config?; see program check --help\n"},
		{"keys sync -every soon", nil, 2, "", "", "program keys sync: --every \"soon\": write a time such as 30s or 5m; see program keys sync --help\n"},
		{"check -development=perhaps", nil, 2, "", "", "program check: --development \"perhaps\": write true or false; see program check --help\n"},
		{"check --config", nil, 2, "", "", "program check: --config needs a value; see program check --help\n"},
	} {
		var got []string
		var out, errs bytes.Buffer
		root := program(&got)
		fail(root, tt.err)
		code := Run(t.Context(), root, strings.Fields(tt.args), &out, &errs)
		if code != tt.code || strings.Join(got, "|") != tt.got || !strings.HasPrefix(out.String(), tt.out) || errs.String() != tt.errs {
			t.Errorf("%s: exit code %d, the command got %q; printed\n%s\nand\n%s", tt.args, code, got, out.String(), errs.String())
		}
	}
}

// fail has all commands end with an error.
func fail(c *cobra.Command, err error) {
	for _, sub := range c.Commands() {
		fail(sub, err)
	}
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error { return errors.Join(run(c, args), err) }
	}
}

// TestInterrupted: who presses Ctrl-C is told nothing of contexts.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs bytes.Buffer
	root := program(new([]string))
	fail(root, ctx.Err())
	if code := Run(ctx, root, []string{"check"}, &errs, &errs); code != 1 || errs.String() != "program: interrupted\n" {
		t.Errorf("exit code %d and %q", code, errs.String())
	}
}
