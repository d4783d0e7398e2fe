package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// ownContracts are those of kong.yaml's services.
var ownContracts = []string{
	"-contract", "web-bff=../../../bff/openapi/web.yaml", "-contract", "mobile-bff=../../../bff/openapi/mobile.yaml",
	"-contract", "orders-v1,orders-v2=../../../bff/openapi/orders.yaml", "-contract", "orders-v1,orders-v2=../../../bff/openapi/partner.yaml",
}

// TestCheckOwnConfig: in our own config there is nothing to warn of, with the plugins apart
// and in one hop.
func TestCheckOwnConfig(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	for name, config := range map[string]string{"apart": "../../../kong.yaml", "one hop": oneHopConfig(t)} {
		args := append([]string{"check", "-development", "-fail-on", "info"}, ownContracts...)
		if out, errs, code := gatehouse(t, "", append(args, config)...); code != 0 {
			t.Errorf("%s: exit code %d: %s%s", name, code, out, errs)
		}
	}
}

// oneHopConfig writes kong.yaml with the plugins for all in one.
func oneHopConfig(t *testing.T) (path string) {
	t.Helper()
	text, err := os.ReadFile("../../../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	config, run := map[string]any{}, []string{}
	for _, item := range root["plugins"].([]any) {
		plugin := item.(map[string]any)
		section := strings.ReplaceAll(plugin["name"].(string), "-", "_")
		run = append(run, section)
		config[section] = map[string]any{}
		if plugin["config"] != nil {
			config[section] = plugin["config"]
		}
	}
	config["run"] = run
	root["plugins"] = []any{map[string]any{"name": "gatehouse", "config": config}}
	if text, err = yaml.Marshal(root); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "onehop.yaml")
	put(t, path, string(text), 0o600)
	return path
}

// TestCheckExitCode is about what is a failure.
func TestCheckExitCode(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	const (
		fails = "{_format_version: '3.0', plugins: [{name: trace-inject, config: {ratio: 1}}]}"
		warns = "{_format_version: '3.0', plugins: [{name: key-auth}, {name: trace-inject}]}"
		tells = "{_format_version: '3.0', services: [{name: s, host: h, routes: [{name: r, paths: [/r], plugins: [{name: key-auth, config: {key_in_query: false, key_names: [a]}}]}]}], plugins: [{name: key-auth, config: {key_in_query: false, key_names: [b]}}, {name: trace-inject}]}"
		good  = "{_format_version: '3.0', plugins: [{name: trace-inject}]}"
	)
	for _, tt := range []struct {
		config string
		args   []string
		code   int
	}{
		{fails, nil, 1}, {warns, nil, 0}, {tells, nil, 0}, {good, nil, 0},
		{warns, []string{"-fail-on", "warning"}, 1}, {tells, []string{"-fail-on", "warning"}, 0}, {tells, []string{"-fail-on", "info"}, 1},
		{good, []string{"-fail-on", "info"}, 0},
		{good, []string{"-fail-on", "all"}, 2}, {good, []string{"-o", "yaml"}, 2}, {good, []string{"-contract", "web.yaml"}, 2}, {good, []string{"-contract", "web=no-such.yaml"}, 1},
	} {
		args := append(append([]string{"check"}, tt.args...), "-")
		if out, errs, code := gatehouse(t, tt.config, args...); code != tt.code {
			t.Errorf("%q of %s: exit code %d, want %d: %s%s", args, tt.config, code, tt.code, out, errs)
		}
	}
}

// TestCheckSaysWhatItLookedAt and what it did not.
func TestCheckSaysWhatItLookedAt(t *testing.T) {
	out, _, code := gatehouse(t, "{_format_version: '3.0', services: [{name: s, host: h, plugins: [{name: cors}, {name: my-own}]}], plugins: [{name: trace-inject}]}", "check", "-")
	want := `<stdin>: good
looked at: plugins 3, services 1
good plugin configs: trace-inject 1
life-cycle policy: the default, since no file was given or found
skipped: the configs of other plugins, which Kong checks when the config is posted: cors, my-own
skipped: contracts against routes: none was named
`
	if code != 0 || out != want {
		t.Errorf("exit code %d, said\n%s\nwant\n%s", code, out, want)
	}
}

// TestCheckJSON: what programs get has the file and line of the overlay that brought a value,
// what is waived and why, and no secret.
func TestCheckJSON(t *testing.T) {
	dir := t.TempDir()
	base, overlay := filepath.Join(dir, "kong.yaml"), filepath.Join(dir, "keys.yaml")
	put(t, base, `_format_version: "3.0"
plugins: [{name: trace-inject}]
services:
  - name: s
    host: h
    _ignore: ["route-without-auth: in our own network"]
    routes: [{name: r, paths: [/r]}]
`, 0o644)
	put(t, overlay, "\n\nconsumers:\n  - username: erp\n    keyauth_credentials:\n      - key: '{vault://env/hunter2}'\n", 0o600)
	out, errs, code := gatehouse(t, "", "check", "-o", "json", base, overlay)
	var report configcheck.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || errs != "" {
		t.Fatalf("exit code %d, %v, %s%s", code, err, out, errs)
	}
	if len(report.Findings) != 1 || len(report.Waived) != 1 {
		t.Fatalf("findings %v, waived %v", report.Findings, report.Waived)
	}
	f, w := report.Findings[0], report.Waived[0]
	if f.Rule != "credential-reference" || f.Severity != configcheck.Error || f.File != overlay || f.Line != 6 ||
		f.Path != "consumers[0].keyauth_credentials[0].key" || f.Entity != "of erp" || f.What == "" || f.Fix == "" {
		t.Errorf("finding %+v", f)
	}
	if w.Rule != "route-without-auth" || w.File != base || w.Line != 7 || w.Waived != "in our own network" {
		t.Errorf("waived %+v", w)
	}
	if strings.Contains(out, "hunter2") || report.Checked["services"] != 1 || report.Good["trace-inject"] != 1 {
		t.Errorf("said %s", out)
	}
	if out, _, code := gatehouse(t, "{_format_version: '3.0', plugins: [{name: trace-inject}]}", "check", "-o", "json", "-"); code != 0 || !strings.Contains(out, `"findings": []`) || !strings.Contains(out, `"waived": []`) {
		t.Errorf("exit code %d, of a good config it says %s", code, out)
	}
}

// TestCheckJSONOfNoFile: programs are told of a file that cannot be read as of all else.
func TestCheckJSONOfNoFile(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "kong.yaml")
	put(t, base, "_format_version: '3.0'\n", 0o644)
	missing := filepath.Join(dir, "missing.yaml")
	for _, args := range [][]string{{missing}, {base, missing}, {"-contract", "web=" + missing, base}, {dir}} {
		out, errs, code := gatehouse(t, "", append([]string{"check", "-o", "json"}, args...)...)
		var report configcheck.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || errs != "" || len(report.Findings) != 1 {
			t.Fatalf("%q: exit code %d, %v, %s%s", args, code, err, out, errs)
		}
		if f := report.Findings[0]; f.Rule != "unreadable" || !strings.HasPrefix(f.File, dir) || f.What == "" || f.Fix == "" {
			t.Errorf("%q: finding %+v", args, f)
		}
	}
}

// TestCheckContract: what is wrong in a contract is told with its own file and line.
func TestCheckContract(t *testing.T) {
	contract := filepath.Join(t.TempDir(), "web.yaml")
	put(t, contract, "openapi: 3.0.3\npaths:\n  /web/v1/dashboard:\n    get: {}\n  /web/v1/gone:\n    get: {}\n", 0o644)
	out, errs, code := gatehouse(t, "", "check", "-development", "-contract", "web-bff="+contract, "../../../kong.yaml")
	if want := contract + ":6: error: paths./web/v1/gone.get: no route of service web-bff leads to GET /web/v1/gone"; code != 1 || !strings.HasPrefix(out, want) && !strings.Contains(out, "\n"+want) {
		t.Errorf("exit code %d, %s%s, want %s", code, out, errs, want)
	}
}

// TestCheckLifecycle: versions are held to the policy beside the config, to another that is
// named, to the default one, or to none.
func TestCheckLifecycle(t *testing.T) {
	const config = `_format_version: "3.0"
services:
  - name: s
    host: h
    routes:
      - { name: old, paths: [/partner/v1], plugins: [{ name: sunset-headers, config: { deprecated_at: "2098-01-01", sunset_at: "2098-03-01", successor: /partner/v2 } }] }
      - { name: new, paths: [/partner/v2] }
    plugins: [{ name: key-auth, config: { key_in_query: false } }]
`
	dir, other := t.TempDir(), t.TempDir()
	base, beside := filepath.Join(dir, "kong.yaml"), filepath.Join(dir, "lifecycle.yaml")
	alone, named, empty := filepath.Join(other, "kong.yaml"), filepath.Join(other, "agreed.yaml"), filepath.Join(other, "empty.yaml")
	for path, text := range map[string]string{base: config, alone: config, empty: "",
		beside: "notice:\n  - { audience: all, days: 30 }\n", named: "notice:\n  - { audience: all, days: 90 }\n  - { audience: all, tagz: [a] }\n"} {
		put(t, path, text, 0o644)
	}
	for name, tt := range map[string]struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		"beside it":                {"", []string{base}, 0, "life-cycle policy: " + beside + "\n"},
		"none beside it":           {"", []string{alone}, 1, alone + `:6: error: services[0].routes[0].plugins[0].config.sunset_at: 2098-03-01T00:00:00Z is 59 days after deprecated_at, and the policy has 180 for partners, who call route old; write sunset_at: "2098-06-30" or later`},
		"beside an overlay":        {"", []string{alone, base}, 1, "life-cycle policy: the default, since no file was given or found\n"},
		"named":                    {"", []string{"--lifecycle", beside, alone}, 0, "life-cycle policy: " + beside + "\n"},
		"named, with mistakes":     {"", []string{"--lifecycle", named, alone}, 1, named + ":3: error: notice[1].tagz: no such field; tags? [lifecycle-policy]\n"},
		"named, and what it skips": {"", []string{"--lifecycle", named, alone}, 1, "skipped: versions against their policy: it has mistakes\n"},
		"an empty one":             {"", []string{"--lifecycle", empty, alone}, 1, empty + ": error: it is empty; write stages, notice or freezes"},
		"none":                     {"", []string{"--lifecycle", "none", base}, 0, "good plugin configs: sunset-headers 1\nskipped: "},
		"of standard input":        {config, []string{"-"}, 1, "life-cycle policy: the default, since no file was given or found\n"},
		"named, of standard input": {config, []string{"--lifecycle", beside, "-"}, 0, "life-cycle policy: " + beside + "\n"},
		"not there":                {"", []string{"--lifecycle", filepath.Join(dir, "no.yaml"), base}, 1, "read life-cycle policy: open "},
		"for programs":             {"", []string{"-o", "json", base}, 0, `"lifecycle": "` + beside + `"`},
		"not there, for programs":  {"", []string{"-o", "json", "--lifecycle", filepath.Join(dir, "no.yaml"), base}, 1, `"file": "` + filepath.Join(dir, "no.yaml") + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := gatehouse(t, tt.stdin, append([]string{"check"}, tt.args...)...)
			if code != tt.code || !strings.Contains(out+errs, tt.want) {
				t.Errorf("exit code %d, want %d, said\n%s%s\nwant\n%s", code, tt.code, out, errs, tt.want)
			}
		})
	}
}

// TestCheckIsInterrupted: a pipe that nobody writes to is waited for until Ctrl-C.
func TestCheckIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, hold := io.Pipe()
	defer hold.Close()
	var errs bytes.Buffer
	time.AfterFunc(50*time.Millisecond, cancel)
	if code := run(ctx, streams{in, &errs, &errs}, []string{"check", "-"}); code != 1 || errs.String() != "gatehouse: interrupted\n" {
		t.Errorf("exit code %d and %q", code, errs.String())
	}
}
