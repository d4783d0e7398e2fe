package e2e

import (
	"bytes"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// TestConfigIsAccepted posts the running config again: the gateway's own verdict.
func TestConfigIsAccepted(t *testing.T) {
	postConfig(t, gate.config).wantStatus(t, http.StatusCreated)
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// TestConfigAsForm posts it as curl -F config=@kong.yaml does: with a mistake, which is
// refused, and without.
func TestConfigAsForm(t *testing.T) {
	for status, config := range map[int][]byte{
		http.StatusBadRequest: edit(t, gate.config, `name: sunset-headers`, `name: sunset-heders`),
		http.StatusCreated:    gate.config,
	} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		file, err := form.CreateFormFile("config", "kong.yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = file.Write(config) // to memory
		if err := form.Close(); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gate.admin+"/config", &body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", form.FormDataContentType())
		if a := send(t, req); a.status != status || status == http.StatusBadRequest && !strings.Contains(string(a.body), "sunset-heders") {
			t.Errorf("status %d, want %d: %s", a.status, status, a.body)
		}
	}
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// TestBadConfigIsRefused wants a refusal by the gateway itself, from the plugins'
// schemas, that names the field; what runs is left alone.
func TestBadConfigIsRefused(t *testing.T) {
	tests := []struct {
		name, old, bad string
		field, message string
	}{
		{"wrong type", `successor: /partner/v2/orders`, `successor: [1]`, "successor", "expected a string"},
		{"value out of range", `default_plan: pro`, "default_plan: pro\nnodes: 0", "nodes", "value should be between 1 and 10000"},
		{"missing field", `default_plan: pro`, "default_plan: pro\nlimits: [{ scope: [tenant], limit: 1 }]", "name", "required field missing"},
		{"not a choice", `default_plan: pro`, "default_plan: pro\non_redis_error: panic", "on_redis_error", "expected one of: local, allow, deny"},
		{"unknown field", `default_plan: pro`, "default_plan: pro\nlimitz: []", "limitz", "unknown field"},
		{"unknown plugin", `name: sunset-headers`, `name: sunset-heders`, "sunset-heders", "not enabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := postConfig(t, edit(t, gate.config, tt.old, tt.bad)).wantStatus(t, http.StatusBadRequest)
			for _, want := range []string{tt.field, tt.message} {
				if !strings.Contains(string(a.body), want) {
					t.Errorf("the refusal does not say %q: %s", want, a.body)
				}
			}
		})
	}
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// TestRepositoryConfigIsPosted posts kong.yaml as it is in the repository, as who tries
// `make run` does: it gets the certificates, ports and keys that the stack gave its own.
func TestRepositoryConfigIsPosted(t *testing.T) {
	if os.Getenv("E2E_TARGET") != "" && os.Getenv("E2E_TARGET") != "dev" {
		t.Skip("Kong runs what is posted, without an overlay")
	}
	source, err := os.ReadFile("../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }()
	postConfig(t, source).wantStatus(t, http.StatusCreated)
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
	get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
}

// edit replaces the first old in a config. Further lines are indented as its line is.
func edit(t *testing.T, config []byte, old, replacement string) []byte {
	t.Helper()
	before, after, found := strings.Cut(string(config), old)
	if !found {
		t.Fatalf("the config has no %q to replace", old)
	}
	line := before[strings.LastIndex(before, "\n")+1:]
	indent := strings.Repeat(" ", len(line))
	return []byte(before + strings.ReplaceAll(replacement, "\n", "\n"+indent) + after)
}

func postConfig(t *testing.T, config []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gate.admin+"/config?flatten_errors=1", bytes.NewReader(config))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/yaml")
	return send(t, req)
}

// useConfig runs the gateway with a changed copy of its config until restore is called.
func useConfig(t *testing.T, change func(config map[string]any)) (restore func()) {
	t.Helper()
	// Nobody gets past this route's key-auth: it answers 401, and 404 where it is not.
	const marker = "/config-under-test"
	text := changed(t, func(config map[string]any) {
		change(config)
		addOrdersService(t, config, map[string]any{
			"name":    "config-under-test",
			"routes":  []any{map[string]any{"name": "config-under-test", "paths": []string{marker}}},
			"plugins": []any{map[string]any{"name": "key-auth"}},
		})
	})
	postConfig(t, text).wantStatus(t, http.StatusCreated)
	everyWorker(t, marker, http.StatusUnauthorized)
	return func() {
		postConfig(t, gate.config).wantStatus(t, http.StatusCreated)
		everyWorker(t, marker, http.StatusNotFound)
	}
}

// changed is the gateway's config with a change.
func changed(t *testing.T, change func(config map[string]any)) []byte {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(gate.config, &config); err != nil {
		t.Fatal(err)
	}
	change(config)
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// addOrdersService adds a service that calls the orders service as the config's own do.
func addOrdersService(t *testing.T, config, service map[string]any) {
	t.Helper()
	addServiceLike(t, config, "orders-v2", service)
}

// addServiceLike adds a service that is reached as the one named is.
func addServiceLike(t *testing.T, config map[string]any, like string, service map[string]any) {
	t.Helper()
	all := config["services"].([]any)
	at := slices.IndexFunc(all, func(s any) bool { return s.(map[string]any)["name"] == like })
	if at < 0 {
		t.Fatalf("the config has no service %s", like)
	}
	for _, field := range []string{"host", "protocol", "tls_verify", "tls_verify_depth", "ca_certificates", "client_certificate"} {
		service[field] = all[at].(map[string]any)[field]
	}
	config["services"] = append(all, service)
}

// everyWorker waits until path has the status on many connections in a row. Kong has
// its workers take a config up one after the other, and the kernel spreads new
// connections over them.
func everyWorker(t *testing.T, path string, status int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "the config in every worker", func() bool {
		for range 20 {
			if getBy(t, client, path).status != status {
				return false
			}
		}
		return true
	})
}

// TestServiceURL posts a service as most configs have it: a url, and a host with a port,
// without an upstream.
func TestServiceURL(t *testing.T) {
	needHere(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path) // a client that is gone is no matter
	}))
	defer server.Close()
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	restore := useConfig(t, func(config map[string]any) {
		config["services"] = append(config["services"].([]any),
			map[string]any{"name": "by-url", "url": server.URL + "/base", "routes": []any{map[string]any{"name": "by-url", "paths": []string{"/by-url"}, "regex_priority": 1}}},
			map[string]any{"name": "by-host", "host": host, "port": number, "routes": []any{map[string]any{"name": "by-host", "paths": []string{"/by-host"}}}})
	})
	defer restore()
	for path, want := range map[string]string{"/by-url/x": "/base/x", "/by-host/x": "/x"} {
		a := get(t, path).wantStatus(t, http.StatusOK)
		if want := server.Listener.Addr().String() + want; string(a.body) != want {
			t.Errorf("%s: the service saw %s, want %s", path, a.body, want)
		}
	}
}
