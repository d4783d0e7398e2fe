package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gatehouse runs a command line and returns what it wrote and its exit code.
func gatehouse(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), streams{strings.NewReader(in), &stdout, &stderr}, args)
	return stdout.String(), stderr.String(), code
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "serve"},
		{"unknown command", []string{"serv"}, `no command "serv"`},
		{"info without a plugin", []string{"info"}, "gatehouse info PLUGIN"},
		{"check without a file", []string{"check"}, "gatehouse check [flags] FILE [OVERLAY...]"},
		{"render without a config", []string{"render"}, "-config"},
		{"publish without a node", []string{"publish", "-config", "kong.yaml"}, "-node"},
		{"publish with an argument", []string{"publish", "kong.yaml"}, `takes no argument "kong.yaml"`},
		{"run without a command", []string{"run"}, "-- COMMAND"},
		{"argument too many", []string{"serve", "now"}, `takes no argument "now"`},
		{"deadline without a duration", []string{"serve", "-deadline", "trace-inject"}, "PLUGIN=DURATION"},
		{"retention without a number", []string{"serve", "-audit-retention-days", "soon"}, "number of days"},
		{"limits without a command", []string{"limits"}, "gatehouse limits advise"},
		{"audit without a command", []string{"audit"}, "gatehouse audit verify|export"},
		{"unknown flag", []string{"scrub", "-loud"}, "-loud"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs, code := gatehouse(t, "", tt.args...)
			if code != 2 || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d and %q, want 2 and %q", code, errs, tt.want)
			}
		})
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
	if _, errs, code := gatehouse(t, "", "info", "no-such"); code != 1 || !strings.Contains(errs, "no-such") {
		t.Errorf("info no-such: exit code %d and %q, want 1 and the name", code, errs)
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
		{"not YAML", "plugins: [", "did not find expected"},
		{"unknown plan", "plugins: [{name: tenant-rate-limit, config: {default_plan: gold, plans: [{name: free, limits: [" + limit + "]}]}}]", "plugins[0].config.default_plan: "},
		{"nested", "services: [{routes: [{plugins: [{name: sunset-headers, config: {sunset_at: soon}}]}]}]", "services[0].routes[0].plugins[0].config.sunset_at: "},
		{"unknown field", "plugins: [{name: trace-inject, config: {ratio: 1}}]", "plugins[0].config.ratio: no such field"},
		{"vault reference", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {limits: [` + limit + `], redis: {url: "{vault://env/redis-url}"}}}]}`, ""},
		{"key in a vault", `{_format_version: "3.0", plugins: [{name: pii-log-scrub, config: {actions: {email: pseudonym}, pseudonym_key: "{vault://env/key}", pseudonym_key_id: k1}}]}`, ""},
		{"unknown kind", "plugins: [{name: pii-log-scrub, config: {actions: {mail: redact}}}]", "plugins[0].config.actions: expected one of: email, phone"},
		{"what Kong reads as another type", "plugins: [{name: pii-log-scrub, config: {audit: off}}]", "plugins[0].config.audit: false: expected a string; put it in quotes"},
		{"other people's plugins", "{_format_version: '3.0', plugins: [{name: cors, config: {anything: 1}}]}", ""},
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
	if err := os.WriteFile(file, []byte("{_format_version: '3.0', services: [{plugins: [{name: cors}, {name: file-log}]}]}"), 0o600); err != nil {
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

func TestScrub(t *testing.T) {
	const line = "paid with 4111 1111 1111 1111 today\n"
	out, _, code := gatehouse(t, line, "scrub")
	if code != 0 || out != "paid with [card:1111] today\n" {
		t.Errorf("scrub: exit code %d and %q", code, out)
	}
	out, _, code = gatehouse(t, line, "scrub", "--findings")
	if want := `{"findings":[{"kind":"card","start":10,"end":29}]}` + "\n"; code != 0 || out != want {
		t.Errorf("scrub --findings: exit code %d and %q, want %q", code, out, want)
	}
}
