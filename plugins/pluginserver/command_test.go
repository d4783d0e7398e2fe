package pluginserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunCommand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string // plugins
	}{
		"one":                                    {[]string{"-info", "second"}, []string{"second"}},
		"all":                                    {[]string{"-dump"}, []string{"first", "second"}},
		"none":                                   {[]string{"-info", "third"}, nil},
		"deadline of a plugin that is not there": {[]string{"-dump", "-deadline", "third=1s"}, nil},
		"deadline that is none":                  {[]string{"-dump", "-deadline", "first=soon"}, nil},
		"deadlines":                              {[]string{"-dump", "-deadline", "200ms,first=-1s"}, []string{"first", "second"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := stockCommand(t, "run", tt.args...).Output()
			var got struct{ Plugins []struct{ Name string } }
			var names []string
			if json.Unmarshal(out, &got) == nil {
				for _, p := range got.Plugins {
					names = append(names, p.Name)
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" || (err == nil) != (tt.want != nil) {
				t.Errorf("%v, plugins (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestDumpOfAPluginThatPrints dumps one whose main parses flags, whose version
// is empty, and whose New and main print to standard output.
func TestDumpOfAPluginThatPrints(t *testing.T) {
	t.Parallel()
	out, err := stockCommand(t, "noisy", "-own", "-dump", "-kong-prefix", "/elsewhere").Output()
	var got struct {
		SocketPath string
		Plugins    []struct{ Version string }
	}
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("-dump prints %s, %v; want JSON and nothing else", out, err)
	}
	if !strings.HasPrefix(got.SocketPath, "/elsewhere/") || len(got.Plugins) != 1 || got.Plugins[0].Version != "0.0.0" {
		t.Errorf("-dump says %+v; want one plugin of version 0.0.0 and a socket in the prefix", got)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	name := filepath.Base(os.Args[0])
	for server, want := range map[string][]string{
		"gatehouse": {name + " 0.2 serves", "pluginserver_names = " + name, name + " -dump\n", "start_cmd", "  -kong-prefix", "  -fail-open"},
		"noisy":     {name + " 0.0.0 serves", "  -own"},
		"run":       {"serves 2 plugins", "plugins = bundled,first,second\n", "pluginserver_second_query_cmd", "-info second\n", "  -socket"},
	} {
		out, err := stockCommand(t, server, "-help").CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("%s -help: %v, want exit code 2, as of go-pdk's", server, err)
		}
		for _, part := range want {
			if !bytes.Contains(out, []byte(part)) {
				t.Errorf("%s -help does not say %q:\n%s", server, part, out)
			}
		}
	}
}

func TestParseDeadlines(t *testing.T) {
	t.Parallel()
	plugins := []Plugin{{Name: "a"}, {Name: "b"}}
	for list, want := range map[string]map[string]time.Duration{
		"":              {},
		"1s":            {"a": time.Second, "b": time.Second},
		"a=1s":          {"a": time.Second},
		"a=-1s,200ms":   {"a": -time.Second, "b": 200 * time.Millisecond},
		"a=1s,b=2s,c=0": {"a": time.Second, "b": 2 * time.Second, "c": 0},
	} {
		if got, err := parseDeadlines(list, plugins); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseDeadlines(%q) = %v, %v; want %v", list, got, err, want)
		}
	}
	for _, bad := range []string{"x", "a=", "a=1", "1s,", "=1s=2s"} {
		if got, err := parseDeadlines(bad, plugins); err == nil {
			t.Errorf("parseDeadlines(%q) = %v, want an error", bad, got)
		}
	}
}
