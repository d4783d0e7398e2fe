package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// kongNode is an Admin API that takes each config, or refuses all.
type kongNode struct {
	refuses bool
	text    []byte
}

func (n *kongNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch body, _ := io.ReadAll(r.Body); {
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"configuration_hash":"`+kongadmin.Hash(n.text)+`"}`)
	case n.refuses:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"fields":{"keyauth_credentials":["key set to 'hunter2'"]}}`)
	default:
		n.text = body
		w.WriteHeader(http.StatusCreated)
	}
}

func (n *kongNode) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return server.URL
}

// layerFiles are a config and an overlay of it with secrets.
func layerFiles(t *testing.T) (config, overlay string) {
	t.Helper()
	dir := t.TempDir()
	config, overlay = filepath.Join(dir, "kong.yaml"), filepath.Join(dir, "keys.yaml")
	put(t, config, "_format_version: \"3.0\" # of ours\nservices: [{name: s, host: h}]\nconsumers: [{username: erp}]\nplugins: [{name: trace-inject}]\n", 0o644)
	put(t, overlay, "consumers: [{username: erp, keyauth_credentials: [{key: hunter2}]}]\n", 0o600)
	return config, overlay
}

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestRender(t *testing.T) {
	config, overlay := layerFiles(t)
	out, errs, code := gatehouse(t, "", "render", "-config", config, "-overlay", overlay)
	want := "_format_version: \"3.0\"\nservices: [{name: s, host: h}]\nconsumers: [{username: erp, keyauth_credentials: [{key: \"(hidden)\"}]}]\nplugins: [{name: trace-inject}]\n"
	if code != 0 || out != want {
		t.Errorf("exit code %d, %s%s\nwant %s", code, errs, out, want)
	}
	if out, errs, code = gatehouse(t, "", "render", "-secrets", "-config", config, "-overlay", overlay); code != 0 || !strings.Contains(out, "# of ours") || !strings.Contains(out, "key: hunter2") {
		t.Errorf("with secrets: exit code %d, %s%s", code, errs, out)
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no config":    {[]string{"-config", "no-such.yaml"}, "no-such.yaml"},
		"no overlay":   {[]string{"-config", config, "-overlay", "no-such.yaml"}, "no-such.yaml"},
		"not a config": {[]string{"-config", "main.go"}, "parse main.go: "},
	} {
		if _, errs, code := gatehouse(t, "", append([]string{"render"}, tt.args...)...); code != 1 || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
	}
}

// TestOverlayThatOthersRead: one with secrets is refused, one without is an environment's.
func TestOverlayThatOthersRead(t *testing.T) {
	config, overlay := layerFiles(t)
	if err := os.Chmod(overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := gatehouse(t, "", "check", config, overlay); code != 1 || !strings.Contains(errs, "chmod 600 "+overlay) {
		t.Errorf("exit code %d, %s", code, errs)
	}
	put(t, overlay, "services: [{name: s, retries: 1}]", 0o644)
	if out, errs, code := gatehouse(t, "", "check", config, overlay); code != 0 {
		t.Errorf("exit code %d, %s%s", code, errs, out)
	}
}

func TestCheckOverlays(t *testing.T) {
	config, overlay := layerFiles(t)
	if _, errs, code := gatehouse(t, "", "check", config, overlay, overlay); code != 0 {
		t.Errorf("good, and given twice: exit code %d, %s", code, errs)
	}
	put(t, overlay, "consumers: [{username: erp, keyauth_credentials: [{key: dev-only-x}]}]", 0o600)
	for _, tt := range []struct {
		env  string
		args []string
		code int
	}{{"", nil, 1}, {"staging", nil, 1}, {"development", nil, 0}, {"", []string{"-development"}, 0}, {"development", []string{"-development=false"}, 1}} {
		t.Setenv("GATEHOUSE_ENV", tt.env)
		args := append(append([]string{"check"}, tt.args...), config, overlay)
		if out, _, code := gatehouse(t, "", args...); code != tt.code || code == 1 && !strings.Contains(out, ".key: a key for development") {
			t.Errorf("GATEHOUSE_ENV=%q %q: exit code %d, want %d; %s", tt.env, args, code, tt.code, out)
		}
	}
}

// TestStartWithDevelopmentKeys: Kong starts with them, and the start says so.
func TestStartWithDevelopmentKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kong.yaml")
	put(t, file, "{_format_version: '3.0', consumers: [{username: c}], keyauth_credentials: [{consumer: c, key: dev-only-x}]}", 0o600)
	t.Setenv("KONG_DECLARATIVE_CONFIG", file)
	_, errs, code := gatehouse(t, "", "run", "-socket", "/no-such/socket", "--", "true")
	if want := file + ":1: error: keyauth_credentials[0].key: a key for development"; code != 1 || !strings.Contains(errs, want) || !strings.Contains(errs, "/no-such") {
		t.Errorf("exit code %d, %s, want %s and that the start goes on", code, errs, want)
	}
}

// TestPublish: one line for each node, no secret, and an exit code that says whether all
// run it.
func TestPublish(t *testing.T) {
	config, overlay := layerFiles(t)
	first, second := &kongNode{}, &kongNode{}
	at := first.start(t)
	out, errs, code := gatehouse(t, "", "publish", "-config", config, "-overlay", overlay, "-node", at, "-node", second.start(t))
	if lines := strings.Split(out, "\n"); code != 0 || len(lines) != 3 || lines[0] != at+": runs "+kongadmin.Hash(first.text) {
		t.Errorf("exit code %d, %s%s", code, errs, out)
	}
	if text := string(first.text); !strings.Contains(text, "hunter2") || text != string(second.text) {
		t.Errorf("posted %q and %q", text, second.text)
	}
	refusing := (&kongNode{refuses: true}).start(t)
	out, errs, code = gatehouse(t, "", "publish", "-config", config, "-overlay", overlay, "-node", at, "-node", refusing)
	if code != 1 || !strings.HasPrefix(out, at+": runs ") || strings.Contains(out+errs, "hunter2") ||
		!strings.Contains(errs, "gatehouse: "+refusing+": Kong refuses the config: keyauth_credentials[0]: key set to '(hidden)'; it runs ") {
		t.Errorf("exit code %d, %s%s", code, errs, out)
	}
}

// TestPublishRefuses: where something is wrong that can be known before, no node is asked.
func TestPublishRefuses(t *testing.T) {
	config, overlay := layerFiles(t)
	node := &kongNode{}
	at := node.start(t)
	put(t, overlay, "consumers: [{username: erp, keyauth_credentials: [{key: '{vault://env/key}'}]}]", 0o600)
	for name, tt := range map[string]struct {
		args []string
		want string
		code int
	}{
		"a mistake":    {[]string{"-config", config, "-overlay", overlay, "-node", at}, ".key: a vault reference, which Kong does not follow here", 1},
		"no such node": {[]string{"-config", config, "-node", at, "-node", "kong"}, `-node: "kong" is no address of an Admin API`, 2},
		"no CA":        {[]string{"-config", config, "-node", at, "-admin-ca", "no-such.pem"}, "no-such.pem", 1},
		"no config":    {[]string{"-node", at}, "-config", 2},
		"no such file": {[]string{"-node", at, "-config", "no-such.yaml"}, "no-such.yaml", 1},
	} {
		if _, errs, code := gatehouse(t, "", append([]string{"publish"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
	}
	if node.text != nil {
		t.Errorf("a node got %q", node.text)
	}
}
