package devgateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	next := "_format_version: \"3.0\"\n" + strings.NewReplacer("UPSTREAM", h.upstream.addr(), "[/]", "[/new]").Replace(oneService)
	if status, answer := admin(t, h, "POST", flat, "text/yaml", next); status != 201 {
		t.Fatalf("status %d, answer %v", status, answer)
	} else if _, services := answer["services"].(map[string]any); !services || len(answer["routes"].(map[string]any)) != 1 || len(answer["targets"].(map[string]any)) != 1 {
		t.Errorf("answer %v, want the entities", answer)
	}
	if res, _ := h.get("/old"); res.StatusCode != 404 {
		t.Errorf("the old route answers %d", res.StatusCode)
	}
	if res, _ := h.get("/new"); res.StatusCode != 200 {
		t.Errorf("the new route answers %d", res.StatusCode)
	}
}

// TestPostForm: each form in which Kong takes a configuration changes what runs.
func TestPostForm(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	const parts = "multipart/form-data; boundary=b"
	for i, tt := range []struct{ contentType, before, after string }{
		{"text/yaml", "", ""},
		{"application/x-www-form-urlencoded", "check_hash=1&config=", ""},
		{parts, "--b\r\nContent-Disposition: form-data; name=\"config\"; filename=\"kong.yaml\"\r\nContent-Type: application/octet-stream\r\n\r\n", "\r\n--b--\r\n"},
		{parts, "--b\r\nContent-Disposition: form-data; name=flatten_errors\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=config\r\n\r\n", "\r\n--b--\r\n"},
	} {
		path := "/new-" + strconv.Itoa(i)
		next := "_format_version: \"3.0\"\n" + strings.NewReplacer("UPSTREAM", h.upstream.addr(), "[/]", "["+path+"]").Replace(oneService)
		if strings.HasSuffix(tt.before, "config=") {
			next = url.QueryEscape(next)
		}
		if status, answer := admin(t, h, "POST", "/config", tt.contentType, tt.before+next+tt.after); status != 201 {
			t.Errorf("%s: status %d, answer %v", tt.contentType, status, answer)
		}
		if res, _ := h.get(path); res.StatusCode != 200 {
			t.Errorf("%s: the new route answers %d", tt.contentType, res.StatusCode)
		}
	}
}

// TestErrorTree: without flatten_errors, what is wrong stands where it is in the document.
func TestErrorTree(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	const invalid = `{"_format_version": "3.0", "services": [
		{"name": "a", "host": "h"}, {"name": "b", "retries": "x", "host": "h", "routes": [{"name": "q", "paths": ["/"], "methods": ["GET", "get"]}]}, "c"
	], "consumers": [{}], "nope": 1}`
	status, got := admin(t, h, "POST", "/config", "application/json", invalid)
	want := map[string]any{
		"services": []any{nil, map[string]any{
			"retries": "expected an integer", "routes": []any{map[string]any{"methods": []any{nil, "invalid value: get"}}},
		}, "expected a record"},
		"consumers": []any{map[string]any{"@entity": []any{"at least one of these fields must be non-empty: 'custom_id', 'username'"}}},
		"nope":      "unknown field",
	}
	if diff := cmp.Diff(want, got["fields"]); diff != "" || status != 400 || got["flattened_errors"] != nil {
		t.Errorf("status %d\n%s", status, diff)
	}
}

// TestGetConfig: what is read can be posted again.
func TestGetConfig(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	status, answer := admin(t, h, "GET", "/config", "", "")
	text, _ := answer["config"].(string)
	if status != 200 || text == "" {
		t.Fatalf("status %d, answer %v", status, answer)
	}
	if status, answer := admin(t, h, "POST", flat, "text/yaml", text); status != 201 {
		t.Errorf("status %d, answer %v", status, answer)
	}
}

// TestConfigurationHash: who posts a configuration can ask what runs, and post the same
// again for nothing.
func TestConfigurationHash(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	next := "_format_version: \"3.0\"\n" + strings.NewReplacer("UPSTREAM", h.upstream.addr(), "[/]", "[/new]").Replace(oneService)
	for i, want := range []int{201, 304} {
		if status, answer := admin(t, h, "POST", flat+"&check_hash=1", "text/yaml", next); status != want {
			t.Errorf("post %d: status %d, answer %v, want %d", i+1, status, answer, want)
		}
		if status, answer := admin(t, h, "GET", "/status", "", ""); status != 200 || answer["configuration_hash"] != hash([]byte(next)) {
			t.Errorf("post %d: status %d, answer %v", i+1, status, answer)
		}
	}
	if status, _ := admin(t, h, "POST", flat, "text/yaml", next); status != 201 {
		t.Errorf("status %d without check_hash, want 201", status)
	}
}

const flat = "/config?flatten_errors=1"

func TestPostInvalidConfig(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	const invalid = `{"_format_version": "3.0", "services": [
		{"name": "a", "host": "h"},
		{"name": "b", "retries": "x", "host": "h", "routes": [{"name": "q", "paths": ["/"], "methods": ["GET", "get"]}]},
		"c"
	], "consumers": [{"username": "u", "acls": [{}]}, {}], "nope": 1}`
	status, got := admin(t, h, "POST", flat, "application/json", invalid)
	want := map[string]any{
		"code": 14.0, "name": "invalid declarative configuration",
		"message": `declarative config is invalid: {"nope":"unknown field","services[2]":"expected a record"}`,
		"fields":  map[string]any{"nope": "unknown field", "services[2]": "expected a record"},
		"flattened_errors": []any{
			map[string]any{"entity_type": "service", "entity_name": "b", "entity": map[string]any{"name": "b", "retries": "x", "host": "h"},
				"errors": []any{map[string]any{"type": "field", "field": "retries", "message": "expected an integer"}}},
			map[string]any{"entity_type": "route", "entity_name": "q",
				"entity": map[string]any{"name": "q", "paths": []any{"/"}, "methods": []any{"GET", "get"}},
				"errors": []any{map[string]any{"type": "field", "field": "methods.2", "message": "invalid value: get"}}},
			map[string]any{"entity_type": "acl", "entity": map[string]any{},
				"errors": []any{map[string]any{"type": "field", "field": "group", "message": "required field missing"}}},
			map[string]any{"entity_type": "consumer", "entity": map[string]any{},
				"errors": []any{map[string]any{"type": "entity", "message": "at least one of these fields must be non-empty: 'custom_id', 'username'"}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || status != 400 {
		t.Errorf("status %d\n%s", status, diff)
	}
	if res, _ := h.get("/"); res.StatusCode != 200 {
		t.Errorf("the old configuration answers %d", res.StatusCode)
	}
}

func TestPostRubbish(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	tests := []struct {
		method, target, contentType, body string
		status                            int
		message                           string
	}{
		{"POST", flat, "text/yaml", "a: [", 400, `declarative config is invalid: {"error":"failed parsing declarative configuration: `},
		{"POST", flat, "text/yaml", "", 400, "expected a declarative configuration"},
		{"POST", flat, "application/json", "[]", 400, `declarative config is invalid: {"error":"failed parsing declarative configuration: expected an object"}`},
		{"POST", flat, "image/png", "x", 415, "Unsupported media type"},
		{"POST", flat, "", "x", 415, "Unsupported media type"},
		{"POST", "/config?flatten_errors=1&flat=1", "text/yaml", "x", 400, "the dev gateway supports config, flatten_errors and check_hash only, not flat"},
		{"POST", "/config", "multipart/form-data", "x", 400, "read form: its Content-Type has no boundary"},
		{"POST", "/config", "multipart/form-data; boundary=b", "--b\r\nContent", 400, "read form: "},
		{"POST", "/config", "multipart/form-data; boundary=b", "--b--\r\n", 400, "expected a declarative configuration"},
		{"POST", "/config", "application/x-www-form-urlencoded", "config=%zz", 400, "read form: "},
		{"DELETE", "/config", "", "", 405, "Method not allowed"},
		{"GET", "/nope", "", "", 404, "Not found"},
	}
	for _, tt := range tests {
		status, answer := admin(t, h, tt.method, tt.target, tt.contentType, tt.body)
		message, _ := answer["message"].(string)
		if status != tt.status || !strings.HasPrefix(message, tt.message) {
			t.Errorf("%s %q: status %d, message %q", tt.contentType, tt.body, status, message)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(file, []byte("_format_version: \"3.0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{ConfigFile: file, StatusAddr: "127.0.0.1:0"}
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
	if err := os.WriteFile(file, []byte("_format_version: \"3.0\"\nupstreams: [{name: u, targets: [{target: \"127.0.0.1:1\"}]}]\nservices: [{name: s, host: u, snis: [x]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 a\nnonsense b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty, include := filepath.Join(dir, "empty.yaml"), filepath.Join(dir, "include.conf")
	if err := os.WriteFile(empty, []byte("_format_version: \"3.0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(include, []byte("log_format odd escape=none '$upstream_bytes_sent';"), 0o600); err != nil {
		t.Fatal(err)
	}
	const syslog = "syslog:server=unix:/s,nohostname"
	for _, tt := range []struct {
		opts Options
		want string
	}{
		{Options{ConfigFile: dir + "/none"}, "read declarative config: open "},
		{Options{ConfigFile: file}, file + `: services[0].snis (service "s"): unknown field`},
		{Options{ConfigFile: file, HostsFile: hosts}, `line 2: "nonsense" is not an IP address`},
		{Options{ConfigFile: empty, AccessLog: "/dev/stdout"}, `KONG_PROXY_ACCESS_LOG: open log "/dev/stdout"`},
		{Options{ConfigFile: empty, ErrorLog: "/dev/stdout"}, `KONG_PROXY_ERROR_LOG: open log "/dev/stdout"`},
		{Options{ConfigFile: empty, AccessLog: syslog + " json", NginxInclude: include}, `KONG_PROXY_ACCESS_LOG: no log_format "json"`},
		{Options{ConfigFile: empty, AccessLog: syslog + " odd", NginxInclude: include}, `the dev gateway has no nginx variable $upstream_bytes_sent`},
		{Options{ConfigFile: empty, AccessLog: syslog + " odd"}, `read log format "odd" from KONG_NGINX_HTTP_INCLUDE`},
	} {
		_, err := New(tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q", tt.opts, err, tt.want)
		}
	}
}

func TestListenError(t *testing.T) {
	t.Parallel()
	if err := listenError("x:1", &net.OpError{Err: errors.New("odd")}); !strings.HasPrefix(err.Error(), "listen on x:1: ") {
		t.Error(err)
	}
}
