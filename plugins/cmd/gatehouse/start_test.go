package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	goodConfig    = `{_format_version: "3.0", plugins: [{name: trace-inject}]}`
	refusedConfig = `{_format_version: "3.0", plugins: [{name: trace-inject, config: {response_header: X Trace}}, {name: sunset-headers, config: {sunset_at: 30.06.2027}}]}`
	wrongConfig   = `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: "2027-02-31"}}]}`
	// disagreeingConfig has two sections name the tenant by two claims.
	disagreeingConfig = `{_format_version: "3.0", plugins: [{name: gatehouse, config: {run: [pii_log_scrub, tenant_rate_limit], pii_log_scrub: {identity: {tenant_claim: team}}, tenant_rate_limit: {limits: [{name: l, scope: [user], limit: 1, window_seconds: 1}]}}}]}`
	aloneConfig       = `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {limits: [{name: l, scope: [user], limit: 1, window_seconds: 1}]}}]}`
)

// TestCheckStart: what Kong would refuse, and an invalid REDIS_URL, end the start;
// all else is said, and starts.
func TestCheckStart(t *testing.T) {
	file := func(t *testing.T, text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "kong.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name   string
		config string // of the file; empty for none
		env    map[string]string
		ends   bool
		want   []string // a line each
	}{
		{"nothing to look at", "", nil, false, nil},
		{"good", goodConfig, nil, false, nil},
		{"refused by Kong", refusedConfig, nil, true, []string{
			`plugins[0].config.response_header: "X Trace": write the name of a header`,
			`plugins[1].config.sunset_at: "30.06.2027": write a date as 2027-06-30`,
		}},
		{"starts degraded", wrongConfig, nil, false, []string{`FILE:1: error: plugins[0].config.sunset_at: "2027-02-31" is not a date; write it as 2027-06-30`}},
		{"no Redis", aloneConfig, nil, false, []string{"FILE:1: warning: plugins[0].config.redis.url: empty, and there is no REDIS_URL"}},
		{"sections that disagree on who is asking", disagreeingConfig, map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}, false, []string{
			`FILE:1: warning: plugins[0].config.pii_log_scrub.identity.tenant_claim: "team" does not count`,
		}},
		{"a Redis", aloneConfig, map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}, false, nil},
		{"a Redis that is none", goodConfig, map[string]string{"REDIS_URL": "localhost:6379"}, true, []string{"REDIS_URL: not the URL of a Redis; write redis://"}},
		{"a port that is none", "", map[string]string{"REDIS_URL": "redis://user:secret@redis:99999"}, true, []string{"REDIS_URL: port 99999 is out of range; write 1 to 65535"}},
		{"a Redis in capitals", "", map[string]string{"REDIS_URL": "REDIS://h:1"}, false, nil},
		{"a Redis that is none, and no config", "", map[string]string{"REDIS_URL": "http://user:secret@redis"}, true, []string{"REDIS_URL: not the URL of a Redis; write redis://"}},
		{"no YAML", "plugins: [", nil, true, []string{"FILE:1: error: the [ in this line is not closed"}},
		{"no config at all", " ", nil, true, []string{"FILE: error: there is nothing in it but comments"}},
		{"as text", "", map[string]string{configText: refusedConfig}, true, []string{
			"KONG_DECLARATIVE_CONFIG_STRING:1: error: plugins[0].config.response_header", "KONG_DECLARATIVE_CONFIG_STRING:1: error: plugins[1].config.sunset_at",
		}},
		{"the file goes first", goodConfig, map[string]string{configText: refusedConfig}, false, nil},
		{"with a database there is none", refusedConfig, map[string]string{"KONG_DATABASE": "postgres"}, false, nil},
		{"DB-less", refusedConfig, map[string]string{"KONG_DATABASE": "off"}, true, []string{"trace-inject", "sunset-headers"}},
		{"not there yet", "", map[string]string{configFile: "/nonexistent/kong.yaml"}, false, []string{"warning: KONG_DECLARATIVE_CONFIG is not checked: open /nonexistent/kong.yaml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("REDIS_URL", "")
			t.Setenv(configFile, "")
			path := "no file"
			if tt.config != "" {
				path = file(t, tt.config)
				t.Setenv(configFile, path)
			}
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			var errs bytes.Buffer
			err := checkStart(streams{err: &errs})
			var code exitCode
			if ends := errors.As(err, &code) && code == 1; ends != tt.ends || err != nil && !ends {
				t.Errorf("error %v, want the start to end: %v", err, tt.ends)
			}
			wantLines(t, strings.ReplaceAll(errs.String(), path, "FILE"), tt.want)
		})
	}
}

func wantLines(t *testing.T, text string, want []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), text)
	}
	for i, part := range want {
		if !strings.HasPrefix(lines[i], "gatehouse: ") || !strings.Contains(lines[i], part) || strings.Contains(lines[i], "secret") {
			t.Errorf("line %q, want %q in it", lines[i], part)
		}
	}
}

// TestCheckWarns of what is no failure.
func TestCheckWarns(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	path := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(path, []byte(aloneConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := gatehouse(t, "", "check", path)
	if want := path + ":1: warning: plugins[0].config.redis.url: empty"; code != 0 || !strings.HasPrefix(out, want) {
		t.Errorf("exit code %d and %q%q, want %q", code, out, errs, want)
	}
}

// TestRunDoesNotStart what Kong would refuse.
func TestRunDoesNotStart(t *testing.T) {
	t.Setenv(configText, refusedConfig)
	started := filepath.Join(t.TempDir(), "started")
	_, errs, code := gatehouse(t, "", "run", "-socket", started+".sock", "-http", "127.0.0.1:0", "--", "touch", started)
	if _, err := os.Stat(started); code != 1 || err == nil || !strings.Contains(errs, "X Trace") {
		t.Errorf("exit code %d, %v and %q", code, err, errs)
	}
}
