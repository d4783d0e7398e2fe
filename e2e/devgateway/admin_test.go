package devgateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

func admin(t *testing.T, h *harness, method, target, contentType, body string) (int, map[string]any) {
	t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.gateway.adminHandler().ServeHTTP(w, req)
	var answer map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
	}
	return w.Code, answer
}

func TestPostConfig(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	next := "_format_version: \"3.0\"\nservices: [{name: s, url: \"http://" + h.upstream.addr() + "\", routes: [{name: r, paths: [/new]}]}]"
	status, answer := admin(t, h, "POST", "/config", "text/yaml", next)
	if _, created := answer["routes"].(map[string]any); status != 201 || !created {
		t.Fatalf("status %d, answer %v", status, answer)
	}
	if res, _ := h.get("/old"); res.StatusCode != 404 {
		t.Errorf("the old route answers %d", res.StatusCode)
	}
	if res, _ := h.get("/new"); res.StatusCode != 200 {
		t.Errorf("the new route answers %d", res.StatusCode)
	}
	if _, status := admin(t, h, "GET", "/status", "", ""); status["configuration_hash"] != config.Hash([]byte(next)) {
		t.Errorf("status %v", status)
	}
	if status, _ := admin(t, h, "POST", "/config?check_hash=1", "text/yaml", next); status != 304 {
		t.Errorf("the same configuration: %d", status)
	}
	if _, answer := admin(t, h, "GET", "/config", "", ""); answer["config"] != next {
		t.Errorf("config %v", answer)
	}
	text, err := json.Marshal(map[string]string{"config": next})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := admin(t, h, "POST", "/config", "application/json", string(text)); status != 201 {
		t.Errorf("in a field: %d %v", status, answer)
	}
}

func TestPostInvalidConfig(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	const invalid = `{"_format_version": "3.0", "services": [
		{"name": "a", "host": "h"},
		{"name": "b", "port": "x", "host": "h", "routes": [{"name": "q", "paths": ["x"], "plugins": [{"name": "acl"}]}]}
	], "nope": 1}`
	status, got := admin(t, h, "POST", "/config", "application/json", invalid)
	const oneOf = "exactly one of these fields must be non-empty: 'config.allow', 'config.deny'"
	const atLeast = "at least one of these fields must be non-empty: 'config.allow', 'config.deny'"
	const path = "should start with: / (fixed path) or ~/ (regex path)"
	want := map[string]any{
		"code": 14.0, "name": "invalid declarative configuration",
		"message": `declarative config is invalid: {nope="unknown field",services={[2]={port="expected an integer",routes={{paths={"` + path +
			`"},plugins={{["@entity"]={"` + oneOf + `","` + atLeast + `"}}}}}}}}`,
		"fields": map[string]any{
			"nope": "unknown field",
			"services": []any{nil, map[string]any{
				"port": "expected an integer",
				"routes": []any{map[string]any{
					"paths":   []any{path},
					"plugins": []any{map[string]any{"@entity": []any{oneOf, atLeast}}},
				}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || status != 400 {
		t.Errorf("status %d\n%s", status, diff)
	}
	status, got = admin(t, h, "POST", "/config?flatten_errors=1", "application/json", invalid)
	wantFlat := []any{
		map[string]any{"entity_type": "service", "entity_name": "b", "entity": map[string]any{"name": "b", "port": "x", "host": "h"},
			"errors": []any{map[string]any{"type": "field", "field": "port", "message": "expected an integer"}}},
		map[string]any{"entity_type": "route", "entity_name": "q", "entity": map[string]any{"name": "q", "paths": []any{"x"}},
			"errors": []any{map[string]any{"type": "field", "field": "paths.1", "message": path}}},
		map[string]any{"entity_type": "plugin", "entity_name": "acl", "entity": map[string]any{"name": "acl"},
			"errors": []any{map[string]any{"type": "entity", "message": oneOf}, map[string]any{"type": "entity", "message": atLeast}}},
	}
	if diff := cmp.Diff(wantFlat, got["flattened_errors"]); diff != "" || status != 400 {
		t.Errorf("status %d\n%s", status, diff)
	}
	if diff := cmp.Diff(map[string]any{"nope": "unknown field"}, got["fields"]); diff != "" {
		t.Error(diff)
	}
	if res, _ := h.get("/"); res.StatusCode != 200 {
		t.Errorf("the old configuration answers %d", res.StatusCode)
	}
}

func TestPostRubbish(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	tests := []struct {
		contentType, body string
		status            int
		message           string
	}{
		{"text/yaml", "a: [", 400, `declarative config is invalid: {error="failed parsing declarative configuration: `},
		{"text/yaml", "", 400, "expected a declarative configuration"},
		{"application/json", "{", 400, "Cannot parse JSON body"},
		{"image/png", "x", 415, "Unsupported media type"},
		{"", "x", 415, "Unsupported media type"},
	}
	for _, tt := range tests {
		status, answer := admin(t, h, "POST", "/config", tt.contentType, tt.body)
		message, _ := answer["message"].(string)
		if status != tt.status || !strings.HasPrefix(message, tt.message) {
			t.Errorf("%s %q: status %d, message %q", tt.contentType, tt.body, status, message)
		}
	}
	if status, answer := admin(t, h, "DELETE", "/config", "", ""); status != 405 || answer["message"] != "Method not allowed" {
		t.Errorf("%d %v", status, answer)
	}
	if status, answer := admin(t, h, "GET", "/nope", "", ""); status != 404 || answer["message"] != "Not found" {
		t.Errorf("%d %v", status, answer)
	}
	if status, answer := admin(t, h, "GET", "/", "", ""); status != 200 || answer["version"] != "3.9.1" || answer["tagline"] != "Welcome to kong" {
		t.Errorf("%d %v", status, answer)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(file, []byte("_format_version: \"3.0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{ConfigFile: file, StatusAddr: "127.0.0.1:0", ErrorLog: filepath.Join(t.TempDir(), "error.log")}
	g, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	servers, err := g.listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.serve(ctx, servers) }()
	addr := servers[len(servers)-1].listener.Addr().String()
	res, err := http.Get("http://" + addr + "/status/ready")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("ready: %v, %v", res, err)
	}
	_ = res.Body.Close()
	opts.StatusAddr = addr
	second, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(ctx); err == nil || err.Error() != "listen on "+addr+": address already in use" {
		t.Errorf("second gateway: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "kong.yaml")
	if err := os.WriteFile(file, []byte("_format_version: \"3.0\"\nservices: [{host: h, snis: [x]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 a\nnonsense b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	level := func(name string) (string, bool) { return "loud", name == "KONG_LOG_LEVEL" }
	for _, tt := range []struct {
		opts Options
		want string
	}{
		{Options{ConfigFile: dir + "/none"}, "read declarative config: open "},
		{Options{ConfigFile: file}, file + ": services[0].snis: unknown field"},
		{Options{ConfigFile: file, HostsFile: hosts}, `line 2: "nonsense" is not an IP address`},
		{Options{ConfigFile: file, AccessLog: "syslog:"}, `open log "syslog:"`},
		{Options{ConfigFile: file, AccessLog: "/dev/null json"}, `access log: unknown log format "json"`},
		{Options{ConfigFile: file, Env: level}, `KONG_LOG_LEVEL: log level "loud"`},
	} {
		_, err := New(tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q", tt.opts, err, tt.want)
		}
	}
}

func TestHostsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("# comment\n::1 both\n127.0.0.9 both Orders # here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := newResolver(file)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"both": "127.0.0.9", "orders": "127.0.0.9", "10.1.2.3": "10.1.2.3"} {
		if got, err := r.lookup(t.Context(), host); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", host, got, err, want)
		}
	}
}

func TestWheel(t *testing.T) {
	t.Parallel()
	w := newWheel(&config.Upstream{Targets: []*config.Target{{Target: "a", Weight: 300}, {Target: "b", Weight: 100}, {Target: "c"}}})
	got := map[string]int{}
	for range 40 {
		got[w.turn().Target]++
	}
	if diff := cmp.Diff(map[string]int{"a": 30, "b": 10}, got); diff != "" {
		t.Error(diff)
	}
}

func TestListenError(t *testing.T) {
	t.Parallel()
	if err := listenError("x:1", &net.OpError{Err: errors.New("odd")}); !strings.HasPrefix(err.Error(), "listen on x:1: ") {
		t.Error(err)
	}
}

func FuzzHostsLine(f *testing.F) {
	f.Add("127.0.0.1 orders # local")
	f.Fuzz(func(t *testing.T, line string) {
		r := &resolver{hosts: map[string]string{}}
		if err := r.addLine(line); err != nil && len(r.hosts) > 0 {
			t.Errorf("%q: error %v, and hosts %v", line, err, r.hosts)
		}
	})
}
