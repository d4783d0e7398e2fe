package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/internal/gobuild"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// pod is what base/kong-config.sh finds and writes in a pod.
type pod struct {
	given, out, bin string
	certs           devcerts.Dir
}

func newPod(t *testing.T) pod {
	t.Helper()
	for _, tool := range []string{"sh", "awk", "sed", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the script needs %s", tool)
		}
	}
	dir := t.TempDir()
	p := pod{given: filepath.Join(dir, "given"), out: filepath.Join(dir, "out"), bin: filepath.Join(dir, "bin"), certs: devcerts.Dir(filepath.Join(dir, "certs"))}
	if err := gobuild.Build(t.Context(), p.bin, nil, "plugins/cmd/gatehouse"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{p.out, p.given + "/config", p.given + "/overlays", p.given + "/client-tls", p.given + "/edge-tls"} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"kong.yaml", "mutual-tls.yaml"} {
		p.write(t, "config/"+name, readFile(t, "../base/"+name))
	}
	p.write(t, "config/issuers.yaml", fmt.Sprintf("issuers: [{ consumer: web-app, iss: x, jwks: %s/config/jwks.json }]", p.given))
	p.write(t, "config/jwks.json", jwks(t))
	p.renew(t)
	return p
}

func (p pod) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.given, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// renew puts new certificates where their Secrets are mounted.
func (p pod) renew(t *testing.T) {
	t.Helper()
	if err := p.certs.Write(time.Now(), true, func(string) {}); err != nil {
		t.Fatal(err)
	}
	for folder, name := range map[string]string{"client-tls": devcerts.Gateway, "edge-tls": devcerts.Edge} {
		p.write(t, folder+"/tls.crt", readFile(t, p.certs.Cert(name)))
		p.write(t, folder+"/tls.key", readFile(t, p.certs.Key(name)))
	}
	p.write(t, "client-tls/ca.crt", readFile(t, p.certs.CA()))
}

// once runs the script, and returns the config that Kong would start with.
func (p pod) once(t *testing.T) (map[string]any, error) {
	t.Helper()
	cmd := exec.Command("sh", "../base/kong-config.sh", "once")
	cmd.Env = append(os.Environ(), "GIVEN="+p.given, "OUT="+p.out, "PATH="+p.bin+":"+os.Getenv("PATH"))
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said)
	}
	text, readErr := os.ReadFile(filepath.Join(p.out, "kong.yaml"))
	if readErr != nil {
		return nil, errors.Join(err, readErr)
	}
	config, decodeErr := kongyaml.Decode(text)
	document, _ := config.(map[string]any)
	return document, errors.Join(err, decodeErr)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func jwks(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"key-1","e":"AQAB","n":"%s"}]}`,
		base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
}

// TestScriptSaysWhy: a config that is not used is explained where people look, in the log.
func TestScriptSaysWhy(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds gatehouse")
	}
	p := newPod(t)
	p.write(t, "edge-tls/tls.key", readFile(t, p.certs.Key(devcerts.Gateway))) // another certificate's
	if _, err := p.once(t); err == nil || !strings.Contains(err.Error(), "[certificate-pair]") {
		t.Errorf("%v, want what is wrong with the certificate", err)
	}
}

func ids(config map[string]any, kind string) (found []string) {
	list, _ := config[kind].([]any)
	for _, one := range list {
		entity, _ := one.(map[string]any)
		found = append(found, fmt.Sprint(entity["id"]))
	}
	return found
}

func TestScript(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds gatehouse, and runs it some twenty times")
	}
	p := newPod(t)
	first, err := p.once(t)
	if err != nil {
		t.Fatal(err)
	}
	if text := readFile(t, p.out+"/kong.yaml"); !strings.Contains(text, "key-1") || strings.Contains(text, "CERTIFICATE }") {
		t.Error("the config lacks the issuer's key, or has a place for an id")
	}
	p.write(t, "overlays/partners.yaml", "_format_version: \"3.0\"\nconsumers: [{ username: hooli }]\n")
	p.renew(t)
	p.write(t, "client-tls/ca.crt", readFile(t, p.certs.CA())+otherCA(t))
	second, err := p.once(t)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids(second, "certificates") {
		if id == ids(first, "certificates")[i] {
			t.Errorf("a renewed certificate has the id of the old one, %s", id)
		}
	}
	if cas := ids(second, "ca_certificates"); len(cas) != 2 || cas[0] != ids(first, "ca_certificates")[0] {
		t.Errorf("CAs %v, not that of %v and another", cas, ids(first, "ca_certificates"))
	}
	if !strings.Contains(readFile(t, p.out+"/kong.yaml"), "hooli") {
		t.Error("the config lacks what the overlay has")
	}
	before := readFile(t, p.out+"/kong.yaml")
	for name, file := range map[string]string{
		"no certificate": "edge-tls/tls.crt", "another's key": "client-tls/tls.key", "no CA": "client-tls/ca.crt", "a broken overlay": "overlays/partners.yaml",
	} {
		good := readFile(t, filepath.Join(p.given, file))
		bad := "garbage: ["
		if name == "another's key" {
			bad = readFile(t, p.certs.Key(devcerts.Edge))
		}
		p.write(t, file, bad)
		if _, err := p.once(t); err == nil {
			t.Errorf("%s: the script is content", name)
		}
		if readFile(t, p.out+"/kong.yaml") != before {
			t.Errorf("%s: what Kong starts with has changed", name)
		}
		p.write(t, file, good)
	}
}

func otherCA(t *testing.T) string {
	t.Helper()
	other := devcerts.Dir(t.TempDir())
	if err := other.Write(time.Now(), false, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return readFile(t, other.CA())
}
