package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli/clitest"
	"github.com/gatehousehq/gatehouse/internal/version"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

// gatehouse runs a command line and returns what it wrote and its exit code.
func gatehouse(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), streams{strings.NewReader(in), &stdout, &stderr}, args)
	return stdout.String(), stderr.String(), code
}

// serveWith is gatehouse serve with the files that a parent process passed on.
func serveWith(ctx context.Context, s streams, files inherit.Files, args ...string) error {
	var told serving
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	if err := errors.Join(told.addFlags(s, flags), flags.Parse(args)); err != nil {
		return err
	}
	return told.serve(ctx, s, files)
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"serv"}, `gatehouse: unknown command "serv"; did you mean serve?; see gatehouse --help`},
		{"unknown command before flags", []string{"chekc", "-o", "json", "kong.yaml"}, `unknown command "chekc"; did you mean check?`},
		{"unknown topic", []string{"help", "serv"}, `unknown command "serv"; did you mean serve?`},
		{"unknown command of a group", []string{"keys", "isue", "-config", "kong.yaml"}, `gatehouse keys: unknown command "isue"; did you mean issue?; see gatehouse keys --help`},
		{"two plugins", []string{"info", "gatehouse", "trace-inject"}, "name one PLUGIN"},
		{"check without a file", []string{"check"}, "gatehouse check: name the FILE that is to be checked"},
		{"render without a config", []string{"render"}, "--config"},
		{"publish without a node", []string{"publish", "-config", "kong.yaml"}, "--node"},
		{"publish with an argument", []string{"publish", "kong.yaml"}, `takes no argument "kong.yaml"`},
		{"run without a command", []string{"run"}, "-- COMMAND"},
		{"argument too many", []string{"serve", "now"}, `takes no argument "now"`},
		{"deadline without a duration", []string{"serve", "-deadline", "trace-inject"}, "PLUGIN=DURATION"},
		{"retention without a number", []string{"serve", "-audit-retention-days", "soon"}, "number of days"},
		{"limits without a command", []string{"limits"}, "gatehouse limits: name a command: advise"},
		{"audit without a command", []string{"audit"}, "gatehouse audit: name a command: export, verify"},
		{"unknown flag", []string{"scrub", "-loud"}, "gatehouse scrub: there is no flag --loud"},
		{"a slip in a flag", []string{"check", "--fial-on", "info", "kong.yaml"}, "there is no flag --fial-on; did you mean --fail-on?"},
		{"no number", []string{"limits", "advise", "-top", "many"}, `--top "many": write a whole number`},
		{"no time", []string{"issuers", "sync", "-every", "5"}, `--every "5": write a time such as 30s or 5m`},
		{"no severity", []string{"check", "-fail-on=all", "kong.yaml"}, `--fail-on: "all" is no severity; write error, warning or info`},
		{"no format", []string{"smoke", "-o", "yaml"}, `-o "yaml": write text or json`},
		{"no plugin of that name", []string{"info", "sunset-header"}, `no plugin "sunset-header"; sunset-headers?; see gatehouse info --help`},
		{"no plugin at all", []string{"info", "nonsense"}, `no plugin "nonsense"; it is one of: api-version, `},
		{"no format of lines", []string{"scrub", "--format", "xml"}, "--format: "},
		{"no CDN", []string{"cdn-ranges", "akamai"}, `no CDN is called "akamai": use one of cloudflare, cloudfront, fastly, frontdoor, list`},
		{"no place of a CDN's list", []string{"cdn-ranges", "frontdoor"}, "the list of frontdoor is at no fixed address: name it with --from"},
		{"one place for two CDNs", []string{"cdn-ranges", "--from", "-", "fastly", "cloudflare"}, "--from is where the list of one CDN is: name one"},
		{"no format of ranges", []string{"cdn-ranges", "--format", "yaml", "cloudflare"}, `--format "yaml": write env, conf or json`},
		{"a time too short", []string{"issuers", "sync", "--issuers", "i", "--out", "o", "--every", "5ms"}, "--every 5ms: write a time such as 5m"},
		{"keys of a moment", []string{"keys", "revoke", "--ended", "--unused-for", "1s"}, "--unused-for 1s: "},
		{"no Admin API", []string{"publish", "-config", "testdata/../main.go", "-node", "nowhere"}, `--node: "nowhere" is no address`},
		{"no Redis", []string{"limits", "advise", "--redis", "nonsense"}, "--redis: "},
		{"no address", []string{"health", "--http", "nowhere"}, `--http "nowhere": write an address such as 127.0.0.1:9542`},
		{"no URL of Kong's", []string{"serve", "--kong-status", "nowhere"}, "is no URL"},
		{"flag without its value", []string{"check", "-o"}, "-o needs a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs, code := gatehouse(t, "", tt.args...)
			if code != 2 || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d and %q, want 2 and %q in one line", code, errs, tt.want)
			}
		})
	}
}

// TestHealthSaysWhatIsNotRunning: in words, with the address and what to do.
func TestHealthSaysWhatIsNotRunning(t *testing.T) {
	_, errs, code := gatehouse(t, "", "health", "--http", ":1")
	if want := "gatehouse: the plugin server at 127.0.0.1:1: nothing listens there: it is not running, or is elsewhere; start gatehouse serve, or name its address with --http or GATEHOUSE_HTTP\n"; code != 1 || errs != want {
		t.Errorf("exit code %d and %q, want 1 and %q", code, errs, want)
	}
}

// TestHelp is on standard output, and no failure, however it is asked for.
func TestHelp(t *testing.T) {
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"gatehouse [command]", nil},
		{"gatehouse [command]", []string{"-h"}},
		{"gatehouse [command]", []string{"--help"}},
		{"gatehouse [command]", []string{"help"}},
		{"gatehouse keys [command]", []string{"help", "keys"}},
		{"gatehouse keys [command]", []string{"keys", "-h"}},
		{"gatehouse keys rotate CONSUMER [flags]", []string{"help", "keys", "rotate"}},
		{"gatehouse keys rotate CONSUMER [flags]", []string{"keys", "rotate", "--help"}},
		{"--fail-on severity", []string{"check", "-help"}},
		{"--max-frame bytes", []string{"serve", "-h"}},
	} {
		t.Setenv("GATEHOUSE_HTTP", "nonsense") // what is wrong in the environment hides no help
		out, errs, code := gatehouse(t, "", tt.args...)
		if code != 0 || errs != "" || !strings.Contains(out, tt.want) {
			t.Errorf("%q: exit code %d, %q on standard error and\n%s\nwant %q in it", tt.args, code, errs, out, tt.want)
		}
		if strings.Contains(out, "Value[") || strings.Contains(out, " func ") {
			t.Errorf("%q: it speaks of Go:\n%s", tt.args, out)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"-v"}, {"version"}} {
		if out, errs, code := gatehouse(t, "", args...); code != 0 || errs != "" || out != "gatehouse "+version.String()+"\n" || !strings.HasPrefix(out, "gatehouse 0.1.0") {
			t.Errorf("%q: exit code %d, %q and %q", args, code, out, errs)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out, errs, code := gatehouse(t, "", "completion", shell); code != 0 || errs != "" || !strings.Contains(out, "gatehouse") {
			t.Errorf("%s: exit code %d and %q", shell, code, errs)
		}
	}
	for want, args := range map[string][]string{
		"rotate\t": {"keys", "ro"}, "--fail-on\t": {"check", "--fail"}, "tenant-rate-limit\n": {"info", "ten"}, "cloudflare\n": {"cdn-ranges", "cloudfl"},
	} {
		if out, _, code := gatehouse(t, "", append([]string{cobra.ShellCompRequestCmd}, args...)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%q: exit code %d and %q, want %q in it", args, code, out, want)
		}
	}
}

// TestWhatShellsOffer: what a flag or an argument may be where that is known, files where it is
// one, and else nothing.
func TestWhatShellsOffer(t *testing.T) {
	const files, nothing = ":0", ":4"
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"check", "-o"}, []string{"text", "json", nothing}},
		{[]string{"check", "--fail-on"}, []string{"error", "warning", "info", nothing}},
		{[]string{"info", "-o"}, []string{"json", "table", nothing}},
		{[]string{"smoke", "--output"}, []string{"text", "json", nothing}},
		{[]string{"sunset", "report", "-o"}, []string{"text", "json", "csv", nothing}},
		{[]string{"cdn-ranges", "--format"}, []string{"env", "conf", "json", nothing}},
		{[]string{"scrub", "--format"}, []string{"text", "access", "json", "query", "url", "request", nothing}},
		{[]string{"check"}, []string{files}},
		{[]string{"check", "--lifecycle"}, []string{files}},
		{[]string{"check", "--contract"}, []string{files}},
		{[]string{"publish", "--admin-ca"}, []string{files}},
		{[]string{"serve", "--socket"}, []string{files}},
		{[]string{"release", "status", "--state"}, []string{files}},
		{[]string{"run", "--"}, []string{files}},
		{[]string{"scrub"}, []string{files}},
		{[]string{"limits", "advise", "--redis"}, []string{nothing}},
		{[]string{"limits", "advise", "--top"}, []string{nothing}},
		{[]string{"keys", "list"}, []string{nothing}},
		{[]string{"sunset", "report"}, []string{nothing}},
		{[]string{"serve", "--deadline"}, []string{nothing}},
	} {
		out, _, code := gatehouse(t, "", append(append([]string{cobra.ShellCompRequestCmd}, tt.args...), "")...)
		if got := strings.Fields(out); code != 0 || !slices.Equal(got, tt.want) {
			t.Errorf("%q: exit code %d, offers %q, want %q", tt.args, code, got, tt.want)
		}
	}
}

func TestHelpOfAllCommands(t *testing.T) {
	clitest.Check(t, func() *cobra.Command { return commands(streams{}) })
}

// TestDescriptionsArePlain: no shell shows the quotes by which the help finds the name of a
// value, and no help begins a description with that name and a colon once more.
func TestDescriptionsArePlain(t *testing.T) {
	flags := 0
	var look func(path []string, of *cobra.Command)
	look = func(path []string, of *cobra.Command) {
		shown, _, _ := gatehouse(t, "", append(append([]string{cobra.ShellCompRequestCmd}, path...), "--")...)
		help, _, _ := gatehouse(t, "", append(path, "--help")...)
		if strings.Contains(shown+help, "`") {
			t.Errorf("%q shows quotes:\n%s%s", path, shown, help)
		}
		flags += strings.Count(shown, "\n")
		of.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if name, usage := pflag.UnquoteUsage(f); name != "" && strings.HasPrefix(usage, name+":") {
				t.Errorf("%q --%s shows %s twice", path, f.Name, name)
			}
		})
		for _, sub := range of.Commands() {
			look(append(slices.Clone(path), sub.Name()), sub)
		}
	}
	look(nil, commands(streams{}))
	if flags < 100 {
		t.Errorf("only %d flags were looked at", flags)
	}
}

func TestInfo(t *testing.T) {
	for _, name := range []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "api-version", "gatehouse"} {
		out, errs, code := gatehouse(t, "", "info", name)
		if code != 0 {
			t.Fatalf("info %s: exit code %d: %s", name, code, errs)
		}
		var dump struct {
			Protocol string
			Plugins  []struct{ Name string }
		}
		if err := json.Unmarshal([]byte(out), &dump); err != nil {
			t.Fatalf("info %s: %v", name, err)
		}
		if dump.Protocol != "ProtoBuf:1" || len(dump.Plugins) != 1 || dump.Plugins[0].Name != name {
			t.Errorf("info %s: %+v", name, dump)
		}
	}
	if _, errs, code := gatehouse(t, "", "info", "no-such"); code != 2 || !strings.Contains(errs, "no-such") {
		t.Errorf("info no-such: exit code %d and %q, want 2 and the name", code, errs)
	}
}

func TestCheck(t *testing.T) {
	const limit = "{name: all, scope: [tenant], limit: 1, window_seconds: 1}"
	tests := []struct {
		name, file string
		want       string // empty: good
	}{
		{"ours", "../../../kong.yaml", ""},
		{"missing", "no-such.yaml", "no-such.yaml"},
		{"not YAML", "plugins: [", "the [ in this line is not closed"},
		{"unknown plan", "plugins: [{name: tenant-rate-limit, config: {default_plan: gold, plans: [{name: free, limits: [" + limit + "]}]}}]", "plugins[0].config.default_plan: "},
		{"nested", "services: [{routes: [{plugins: [{name: sunset-headers, config: {sunset_at: soon}}]}]}]", "services[0].routes[0].plugins[0].config.sunset_at: "},
		{"unknown field", "plugins: [{name: trace-inject, config: {ratio: 1}}]", "plugins[0].config.ratio: no such field"},
		{"vault reference", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {limits: [` + limit + `], redis: {url: "{vault://env/redis-url}"}}}]}`, ""},
		{"key in a vault", `{_format_version: "3.0", plugins: [{name: pii-log-scrub, config: {actions: {email: pseudonym}, pseudonym_key: "{vault://env/key}", pseudonym_key_id: k1}}]}`, ""},
		{"unknown kind", "plugins: [{name: pii-log-scrub, config: {actions: {mail: redact}}}]", "plugins[0].config.actions: expected one of: email, phone"},
		{"what Kong reads as another type", "plugins: [{name: pii-log-scrub, config: {audit: off}}]", "plugins[0].config.audit: false: expected a string; put it in quotes"},
		{"other people's plugins", "{_format_version: '3.0', plugins: [{name: trace-inject}, {name: cors, config: {anything: 1}}]}", ""},
		{"none of ours", "{_format_version: '3.0', plugins: [{name: cors}]}", "none of its plugins is Gatehouse's: nothing in it was checked that Kong does not check"},
		{"none of ours, and said why", "{_format_version: '3.0', _ignore: ['plugin-none: the plugins are in another file'], plugins: [{name: cors}]}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file
			if strings.ContainsAny(file, "[") {
				file = filepath.Join(t.TempDir(), "kong.yaml")
				if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, errs, code := gatehouse(t, "", "check", "-development", file)
			if tt.want == "" && code != 0 {
				t.Errorf("exit code %d: %s%s", code, out, errs)
			}
			if tt.want != "" && (code != 1 || !strings.Contains(out+errs, tt.want)) {
				t.Errorf("exit code %d and %q, want 1 and %q", code, out+errs, tt.want)
			}
		})
	}
}

// TestCheckFindsLogPlugins: where there are to be none, one would log what is not
// scrubbed for it.
func TestCheckFindsLogPlugins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(file, []byte("{_format_version: '3.0', services: [{host: h, plugins: [{name: trace-inject}, {name: file-log}]}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"": "", "on": "", "off": "services[0].plugins[1]: GATEHOUSE_LOG_PLUGINS=off", "none": `GATEHOUSE_LOG_PLUGINS="none": write off`,
	} {
		t.Setenv("GATEHOUSE_LOG_PLUGINS", value)
		out, errs, code := gatehouse(t, "", "check", file)
		if (code != 0) != (want != "") || !strings.Contains(out+errs, want) {
			t.Errorf("%q: exit code %d and %q, want %q", value, code, out+errs, want)
		}
	}
}

// TestWithoutLogPlugins has Kong call no phase in which there is nothing to do.
func TestWithoutLogPlugins(t *testing.T) {
	for value, want := range map[string]string{"on": `"Phases":["rewrite","access","log"]`, "off": `"Phases":["log"]`} {
		t.Setenv("GATEHOUSE_LOG_PLUGINS", value)
		if out, _, _ := gatehouse(t, "", "info", "pii-log-scrub"); !strings.Contains(strings.Join(strings.Fields(out), ""), want) {
			t.Errorf("%s: info says %s, want %s in it", value, out, want)
		}
	}
}

// TestInfoForPeople: what Kong reads is what it always was, and people may ask for a table.
func TestInfoForPeople(t *testing.T) {
	byDefault, _, _ := gatehouse(t, "", "info", "sunset-headers")
	if asked, _, code := gatehouse(t, "", "info", "sunset-headers", "-o", "json"); code != 0 || asked != byDefault || !json.Valid([]byte(asked)) {
		t.Errorf("exit code %d, and -o json is not what a pipe gets: %s", code, asked)
	}
	table, _, code := gatehouse(t, "", "info", "-o", "table", "sunset-headers")
	for _, want := range []string{"sunset-headers 0.1.0, priority 850, phases access\n", "\nafter_sunset (string, default \"gone\")\n    ", "\n    Allowed: gone, warn, redirect.\n", "\nbrownouts[].start_at (string, required)\n", "\nRules about several fields:\n- Write "} {
		if code != 0 || !strings.Contains(table, want) {
			t.Errorf("exit code %d, no %q in\n%s", code, want, table)
		}
	}
	for _, name := range []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "api-version", "gatehouse"} {
		table, _, _ := gatehouse(t, "", "info", "-o", "table", name)
		for line := range strings.Lines(table) {
			if len(line) > 81 && strings.Contains(strings.TrimSpace(line), " ") || strings.Contains(line, "`") {
				t.Errorf("info %s does not fit 80 columns, or has Markdown: %q", name, line)
			}
		}
	}
	const all = "api-version\ngatehouse\npii-log-scrub\nsunset-headers\ntenant-rate-limit\ntrace-inject\n"
	if list, _, code := gatehouse(t, "", "info", "-o", "table"); code != 0 || list != all {
		t.Errorf("exit code %d, it lists %q", code, list)
	}
	var names []string
	if list, _, _ := gatehouse(t, "", "info"); json.Unmarshal([]byte(list), &names) != nil || strings.Join(names, "\n")+"\n" != all {
		t.Errorf("it lists %q", list)
	}
}
