package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/cli/clitest"
)

func TestHelpOfAllCommands(t *testing.T) { clitest.Check(t, commands) }

// TestWhatShellsOffer: see also gatehouse's.
func TestWhatShellsOffer(t *testing.T) {
	for args, want := range map[string]string{
		"__complete token --client ": "mobile\nweb\n:4\n", "__complete token --tenant ": ":4\n", "__complete certs --dir ": ":0\n",
	} {
		var out bytes.Buffer
		if code := cli.Run(t.Context(), commands(), strings.Split(args, " "), &out, io.Discard); code != 0 || out.String() != want {
			t.Errorf("%s: exit code %d, offers %q, want %q", args, code, out.String(), want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, "stack [command]"},
		{"certs -help", 0, "--renew"},
		{"--version", 0, "stack 0.1.0"},
		{"tokn", 2, `stack: unknown command "tokn"; did you mean token?; see stack --help`},
		{"token -tennant acme", 2, "stack token: there is no flag --tennant; did you mean --tenant?"},
		{"token -valid soon", 2, `--valid "soon": write a time such as 30s or 5m`},
		{"service", 2, "stack service: name one service: "},
		{"service tv", 2, `stack service: service "tv" is unknown: use one of `},
		{"health", 2, "stack health: name one URL"},
		{"health nowhere", 2, `stack health: "nowhere" is no URL; write one such as http://127.0.0.1:8181/readyz`},
		{"token --client tablet", 2, `stack token: --client "tablet": write mobile or web`},
		{"guide here there", 2, "stack guide: name one URL, or none"},
		{"run now", 2, `stack run: it takes no argument "now"`},
	} {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), commands(), strings.Fields(tt.args), &out, &errs)
		if code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) || (code == 0) != (errs.Len() == 0) {
			t.Errorf("%s: exit code %d, printed %q and %q; want %d and %q", tt.args, code, out.String(), errs.String(), tt.code, tt.want)
		}
	}
}
