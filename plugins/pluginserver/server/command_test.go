package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// mainEnv makes a process of the test binary a plugin server, with one of some mains.
const mainEnv = "GATEHOUSE_TEST_MAIN"

func TestMain(m *testing.M) {
	var err error
	switch main := os.Getenv(mainEnv); main {
	case "one":
		err = StartServer(newConfig, "0.2", 1)
	case "noisy":
		flag.Bool("own", false, "a flag of the program's own")
		flag.Parse()
		err = StartServer(func() any { fmt.Println("New says something"); return newConfig() }, "", 1)
		fmt.Println("main says something")
	case "own flags": // of the names of ours
		flag.String("info", "", "")
		flag.String("max-frame", "", "")
		err = Run(pluginserver.Plugin{Name: "first", Version: "1.0.0", New: newConfig})
	case "run":
		err = Run(pluginserver.Plugin{Name: "first", Version: "1.0.0", New: newConfig}, pluginserver.Plugin{Name: "second", Version: "1.0.0", New: newConfig})
	default:
		if end, ok := endings[main]; ok {
			err = end()
		} else if refused, ok := refusedPlugins[main]; ok {
			_ = Run(refused) // as a stock main does
		} else {
			os.Exit(m.Run())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type config struct{}

func newConfig() any { return &config{} }

func (*config) Access(*pdk.PDK) {}

// mainCommand runs a main.
func mainCommand(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), mainEnv+"="+name)
	return cmd
}

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
			out, err := mainCommand(t, "run", tt.args...).Output()
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
	out, err := mainCommand(t, "noisy", "-own", "-dump", "-kong-prefix", "/elsewhere").Output()
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
		"one":   {name + " 0.2 serves", "pluginserver_names = " + name, name + " -dump\n", "start_cmd", "  -kong-prefix", "  -fail-open"},
		"noisy": {name + " 0.0.0 serves", "  -own"},
		"run":   {"serves 2 plugins", "plugins = bundled,first,second\n", "pluginserver_second_query_cmd", "-info second\n", "  -socket"},
	} {
		out, err := mainCommand(t, server, "-help").CombinedOutput()
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

// TestInConf has names as Kong 3.9.1 was seen to find them in kong.conf.
func TestInConf(t *testing.T) {
	t.Parallel()
	plugin := func(name string) pluginserver.Plugin { return pluginserver.Plugin{Name: name, Version: "1.0.0"} }
	for name, want := range map[string]string{"Hello": "pluginserver_hello_socket", "9-lives_x": "pluginserver_9_lives_x_socket"} {
		for _, help := range []string{helpOne(plugin(name), "/p"), helpMany([]pluginserver.Plugin{plugin(name)}, "/p")} {
			if !strings.Contains(help, want) || strings.Contains(help, "dot") {
				t.Errorf("%s: no %s in\n%s", name, want, help)
			}
		}
	}
	if help := helpOne(plugin("v2.hello"), "/p"); !strings.Contains(help, "call v2.hello something else") {
		t.Errorf("no warning in\n%s", help)
	}
}

func TestParseDeadlines(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]map[string]time.Duration{
		"1s":                {"*": time.Second},
		"a=1s":              {"a": time.Second},
		"a=-1s,200ms":       {"a": -time.Second, "*": 200 * time.Millisecond},
		"a=1s,b.log=2s,c=0": {"a": time.Second, "b.log": 2 * time.Second, "c": 0},
	} {
		if got, err := parseDeadlines(list); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseDeadlines(%q) = %v, %v; want %v", list, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "a=", "a=1", "1s,", "=1s", "=1s=2s"} {
		if got, err := parseDeadlines(bad); err == nil {
			t.Errorf("parseDeadlines(%q) = %v, want an error", bad, got)
		}
	}
}

// TestBoundsFromTheEnvironment has programs that parse flags themselves, before ours
// are there, take them from the environment.
func TestBoundsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	name := filepath.Base(os.Args[0])
	for variable, want := range map[string]string{
		"PLUGINSERVER_DEADLINES=soon":             `PLUGINSERVER_DEADLINES="soon": "soon": write a duration such as 200ms`,
		"PLUGINSERVER_DEADLINES=" + name + "=1s":  "",
		"PLUGINSERVER_DEADLINES=other=1s":         `deadline of "other": write PLUGIN or PLUGIN.PHASE`,
		"PLUGINSERVER_MAX_FRAME=20 MB":            `PLUGINSERVER_MAX_FRAME="20 MB": write bytes below 2 GiB, such as 67108864 or 64MiB`,
		"PLUGINSERVER_MAX_ABANDONED=-1":           `PLUGINSERVER_MAX_ABANDONED="-1": write a whole number`,
		"PLUGINSERVER_MAX_CONNECTIONS=many":       `PLUGINSERVER_MAX_CONNECTIONS="many": write a whole number`,
		"PLUGINSERVER_MAX_EVENTS=0":               `PLUGINSERVER_MAX_EVENTS="0": write a whole number`,
		"PLUGINSERVER_MAX_MEMORY=1XB":             `PLUGINSERVER_MAX_MEMORY="1XB": write bytes, such as 2147483648 or 2GiB`,
		"PLUGINSERVER_PROFILING=maybe":            `PLUGINSERVER_PROFILING="maybe": write true or false`,
		"PLUGINSERVER_FAIL_OPEN=yes":              `PLUGINSERVER_FAIL_OPEN="yes": write true or false`,
		"PLUGINSERVER_MAX_FRAME=1MiB":             "",
		"PLUGINSERVER_MAX_GOROUTINES=1000":        "",
		"PLUGINSERVER_DEADLINES=*.log=1s,2s":      "",
		"PLUGINSERVER_DEADLINES=" + name + ".x=1": `write a duration such as 200ms`,
	} {
		cmd := mainCommand(t, "noisy", "-dump") // it parses flags itself
		cmd.Env = append(cmd.Env, variable)
		out, err := cmd.CombinedOutput()
		if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s\nwant %q", variable, err, out, want)
		}
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	settings := Settings{Socket: "/default"}
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	env := map[string]string{
		"X_DEADLINES": "a=1s,b=2s", "X_MAX_FRAME": "1KiB", "X_MAX_ABANDONED": "2", "X_MAX_CONNECTIONS": "3",
		"X_MAX_EVENTS": "4", "X_MAX_GOROUTINES": "5", "X_MAX_MEMORY": "3GiB", "X_HTTP": ":1", "X_PROFILING": "true", "X_INSTANCES": "/i",
	}
	if err := settings.Bind(flags, "X_", func(name string) string { return env[name] }); err != nil {
		t.Fatal(err)
	}
	if err := flags.Parse([]string{"-deadline", "b.log=3s", "-deadline", "b=4s", "-max-frame", "2MiB", "-max-events", "6", "-profiling=false", "-http", "127.0.0.1:2"}); err != nil {
		t.Fatal(err)
	}
	want := Settings{Socket: "/default", HTTP: "127.0.0.1:2", Options: pluginserver.Options{
		MaxFrame: 2 << 20, MaxAbandoned: 2, MaxConnections: 3, MaxEvents: 6, MaxGoroutines: 5, MaxMemory: 3 << 30, InstanceDir: "/i",
		Deadlines: map[string]time.Duration{"a": time.Second, "b": 4 * time.Second, "b.log": 3 * time.Second},
	}}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"-max-frame=3GiB", "-max-events=1.5", "-max-memory=-1", "-deadline=a", "-http=9542", "-profiling=maybe"} {
		if err := flags.Parse([]string{bad}); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("%s: %v, want an error that says what to write", bad, err)
		}
	}
}

// TestBindSome has a command know no other settings than it has a use for.
func TestBindSome(t *testing.T) {
	t.Parallel()
	var settings Settings
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	if err := settings.Bind(flags, "X_", func(string) string { return "/s" }, "socket"); err != nil {
		t.Fatal(err)
	}
	n := 0
	flags.VisitAll(func(*flag.Flag) { n++ })
	if n != 1 || settings.Socket != "/s" || settings.Options.InstanceDir != "" {
		t.Errorf("%d flags, %+v; want the socket alone", n, settings)
	}
}

// TestOwnFlags are the program's: ours of the same name have their variable.
func TestOwnFlags(t *testing.T) {
	t.Parallel()
	cmd := mainCommand(t, "own flags", "-info", "second", "-max-frame", "wide", "-dump")
	cmd.Env = append(cmd.Env, "PLUGINSERVER_MAX_FRAME=1MiB")
	if out, err := cmd.Output(); err != nil || !bytes.Contains(out, []byte(`"Name":"first"`)) {
		t.Errorf("%v, %s; want the info of the plugin", err, out)
	}
}
