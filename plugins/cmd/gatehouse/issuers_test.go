package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runIssuers runs the command and returns its code and what it wrote.
func runIssuers(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), streams{strings.NewReader(""), &stdout, &stderr}, append([]string{"issuers"}, args...))
	return code, stdout.String(), stderr.String()
}

// issuersFile is a file with one issuer, whose JWKS is that of a recorded one.
func issuersFile(t *testing.T, iss, jwks string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "issuers.yaml")
	text := fmt.Sprintf("issuers: [{ consumer: web-app, iss: %q, jwks: %q }]", iss, jwks)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const recordedIssuers = "../../issuers/testdata/"

func TestIssuersSync(t *testing.T) {
	t.Parallel()
	file := issuersFile(t, "https://shop.eu.auth0.com/", recordedIssuers+"auth0-jwks.json")
	out := filepath.Join(t.TempDir(), "issuers-overlay.yaml")
	for range 2 { // the second time, nothing is to be written
		if code, printed, errs := runIssuers(t, "sync", "-issuers", file, "-out", out); code != 0 || printed != "" || errs != "" {
			t.Fatalf("code %d, printed %q and %q", code, printed, errs)
		}
	}
	info, err := os.Stat(out)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("overlay %v, %v; want it its owner's alone", info, err)
	}
	text, err := os.ReadFile(out)
	if err != nil || strings.Count(string(text), "algorithm: RS256") != 2 {
		t.Errorf("overlay %s, %v", text, err)
	}
	if err := os.Chmod(out, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runIssuers(t, "sync", "-issuers", file, "-out", out); code != 1 || !strings.Contains(errs, "chmod 600") {
		t.Errorf("code %d, %q, want what to do about a file that others can read", code, errs)
	}
}

// TestIssuersSyncBesideAConfig: a key that another credential has is not taken, and its
// own are not another's.
func TestIssuersSyncBesideAConfig(t *testing.T) {
	t.Parallel()
	file := issuersFile(t, "https://shop.eu.auth0.com/", recordedIssuers+"auth0-jwks.json")
	out := filepath.Join(t.TempDir(), "issuers-overlay.yaml")
	config := filepath.Join(t.TempDir(), "kong.yaml")
	if code, _, errs := runIssuers(t, "sync", "-issuers", file, "-out", out); code != 0 {
		t.Fatal(errs)
	}
	overlay, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	_, kid, _ := strings.Cut(string(overlay), "key: ")
	kid, _, _ = strings.Cut(kid, "\n")
	text := "_format_version: '3.0'\nconsumers:\n  - username: web-app\n  - username: batch\n    jwt_secrets: [{ key: " + kid + ", secret: 0123456789abcdef0123456789abcdef }]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("gatehouse: issuer https://shop.eu.auth0.com/: key %q is not taken: consumer batch of the config has a key of that kid, and Kong finds one by it; have one of them name it otherwise\n", kid)
	for range 2 {
		if code, _, errs := runIssuers(t, "sync", "-issuers", file, "-out", out, "-config", config, "-overlay", out); code != 0 || errs != want {
			t.Errorf("code %d, %q, want %q", code, errs, want)
		}
	}
}

func TestIssuersSyncFails(t *testing.T) {
	t.Parallel()
	good := issuersFile(t, "https://id.example.com", recordedIssuers+"auth0-jwks.json")
	out := filepath.Join(t.TempDir(), "overlay.yaml")
	other, config := filepath.Join(t.TempDir(), "other.yaml"), filepath.Join(t.TempDir(), "kong.yaml")
	put(t, other, "services: []", 0o600)
	put(t, config, "consumers: [{username: Web-App}]", 0o644)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no command", nil, 2, "gatehouse issuers: name a command: sync"},
		{"another command", []string{"list"}, 2, `unknown command "list"; it is one of: sync`},
		{"no file", []string{"sync", "-out", out}, 2, "--issuers FILE"},
		{"an argument", []string{"sync", "-issuers", good, "-out", out, "x"}, 2, `takes no argument "x"`},
		{"no such file", []string{"sync", "-issuers", "none.yaml", "-out", out}, 1, "read issuers: open none.yaml"},
		{"a mistake", []string{"sync", "-issuers", issuersFile(t, "", "x"), "-out", out}, 1, "issuers[0].iss: absent; write it"},
		{"too often", []string{"sync", "-issuers", good, "-out", out, "-every", "1ms"}, 2, "-every 1ms: write a time such as 5m"},
		{"a node without a config", []string{"sync", "-issuers", good, "-out", out, "-node", "http://127.0.0.1:1"}, 2, "name the declarative config with --config"},
		{"an issuer that is gone", []string{"sync", "-issuers", issuersFile(t, "https://id.example.com", "none.json"), "-out", out}, 1, "issuer https://id.example.com: none.json cannot be read"},
		{"no overlay of its own", []string{"sync", "-issuers", good, "-out", other}, 1, "read " + other + ": it is no overlay of issuers"},
		{"a consumer that the config lacks", []string{"sync", "-issuers", good, "-out", out, "-config", config}, 1, `issuer https://id.example.com: there is no consumer "web-app" in ` + config + `, and "Web-App" is another: write one`},
		{"a config that is gone", []string{"sync", "-issuers", good, "-out", out, "-config", "none.yaml"}, 1, "none.yaml"},
		{"a folder that is gone", []string{"sync", "-issuers", good, "-out", filepath.Join(t.TempDir(), "none", "o.yaml")}, 1, "none/o.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, printed, errs := runIssuers(t, tt.args...); code != tt.code || printed != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("code %d, printed %q and %q, want %d and %q", code, printed, errs, tt.code, tt.want)
			}
		})
	}
}

// TestIssuersSyncOnNodes: the nodes get the config with the keys, what is said of them is
// said once, and one that refuses makes the command fail with the keys written.
func TestIssuersSyncOnNodes(t *testing.T) {
	config, _ := layerFiles(t)
	put(t, config, "_format_version: '3.0'\nconsumers: [{username: web-app}]\nplugins: [{name: trace-inject}]", 0o644)
	file := issuersFile(t, "https://shop.eu.auth0.com/", recordedIssuers+"auth0-jwks.json")
	out := filepath.Join(t.TempDir(), "issuers-overlay.yaml")
	node := &kongNode{}
	at := node.start(t)
	code, printed, errs := runIssuers(t, "sync", "-issuers", file, "-out", out, "-config", config, "-node", at)
	if code != 0 || !strings.HasPrefix(printed, at+": runs ") || strings.Count(string(node.text), "algorithm: RS256") != 2 {
		t.Errorf("code %d, %s%s; the node has %s", code, printed, errs, node.text)
	}
	refusing := (&kongNode{refuses: true}).start(t)
	code, printed, errs = runIssuers(t, "sync", "-issuers", file, "-out", out, "-config", config, "-node", refusing)
	if code != 1 || printed != "" || !strings.HasSuffix(errs, "gatehouse: the keys are in "+out+", and not on every node\n") {
		t.Errorf("code %d, %s%s", code, printed, errs)
	}
	var stdout, stderr bytes.Buffer
	development := false
	p := publishing{layers: layers{config: config, overlays: []string{out}}, nodes: []string{at}, timeout: time.Minute, development: &development}
	publish := p.keysPublisher(streams{nil, &stdout, &stderr}, out)
	for range 3 {
		if err := publish(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if strings.Count(stdout.String(), "\n") != 1 || stderr.Len() > 0 {
		t.Errorf("in three rounds that change nothing it says %s%s", &stdout, &stderr)
	}
}
