package cli

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// program has a command of each kind, and remembers what it was given.
func program(got *[]string) *cobra.Command {
	remember := func(c *cobra.Command, args []string) error {
		*got = []string{c.CommandPath()}
		c.Flags().Visit(func(f *pflag.Flag) { *got = append(*got, f.Name+"="+f.Value.String()) })
		*got = append(*got, args...)
		return nil
	}
	check := &cobra.Command{Use: "check FILE...", RunE: remember}
	check.Flags().String("config", "", "")
	check.Flags().String("o", "", "") // of one letter, and long
	check.Flags().StringP("output", "p", "", "")
	check.Flags().Bool("development", false, "")
	run := CommandLine(&cobra.Command{Use: "run -- COMMAND", RunE: remember})
	run.Flags().String("socket", "", "")
	sync := &cobra.Command{Use: "sync", Aliases: []string{"pull"}, RunE: remember}
	sync.Flags().Duration("every", 0, "")
	return Root("program", "it is for a test", check, run, Group("keys", "has others", sync))
}

func TestLongFlags(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", ""},
		{"check -config f", "check --config f"},
		{"check -config=f", "check --config=f"},
		{"check --config f", "check --config f"},
		{"check f -development g", "check f --development g"},
		{"check -development=false", "check --development=false"},
		{"check -development -config -config", "check --development --config -config"}, // the second is a file
		{"check --config -development", "check --config -development"},
		{"check -config -- -development", "check --config -- --development"}, // -- is the file
		{"check -p json -config f", "check -p json --config f"},
		{"check -p -config f", "check -p -config f"}, // a value of -p
		{"check -p=json", "check -p=json"},
		{"check -pjson", "check -pjson"},
		{"check -output json", "check --output json"},
		{"check -- -config f", "check -- -config f"},
		{"check - -config f", "check - --config f"},
		{"check -loud -config f", "check -loud --config f"},
		{"check -h -config f", "check -h --config f"},
		{"check -help", "check --help"},
		{"-version", "--version"},
		{"run -socket s -- kong -config f", "run --socket s -- kong -config f"},
		{"run -socket s kong -socket f", "run --socket s kong -socket f"},
		{"run sh -c true -socket f", "run sh -c true -socket f"},
		{"keys sync -every 5m", "keys sync --every 5m"},
		{"keys pull -every=5m", "keys pull --every=5m"},
		{"keys -every 5m sync", "keys -every 5m sync"}, // no flag of that command
		{"check sync -every 5m", "check sync -every 5m"},
	} {
		args := strings.Fields(tt.args)
		before := slices.Clone(args)
		got := LongFlags(program(new([]string)), args)
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", tt.args, strings.Join(got, " "), tt.want)
		}
		if got == nil || !slices.Equal(before, args) {
			t.Errorf("%s: it is nil, or its input was changed to %q", tt.args, args)
		}
	}
}

// FuzzLongFlags: the words stay as many and as they are but for one dash, what is behind --
// stays, and a second run changes nothing.
func FuzzLongFlags(f *testing.F) {
	for _, seed := range []string{"check -config f -- -config", "run -socket s kong -x", "keys sync -every 5m", "check -p -p", "-o=json -", "check --config=-x -development"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Fields(line)
		got := LongFlags(program(new([]string)), args)
		if len(got) != len(args) {
			t.Fatalf("%q became %q", args, got)
		}
		for i := range args {
			if got[i] != args[i] && got[i] != "-"+args[i] {
				t.Fatalf("%q became %q", args[i], got[i])
			}
		}
		if again := LongFlags(program(new([]string)), got); !slices.Equal(again, got) {
			t.Fatalf("%q, and again %q", got, again)
		}
	})
}

func TestGoFlags(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	var on bool
	var name string
	err := GoFlags(flags, func(std *flag.FlagSet) error {
		std.BoolVar(&on, "on", false, "")
		std.StringVar(&name, "name", "", "")
		return nil
	})
	if err := flags.Parse([]string{"--on", "--name", "-x"}); err != nil || !on || name != "-x" {
		t.Errorf("%v, on %t, name %q", err, on, name)
	}
	if err != nil {
		t.Error(err)
	}
}
