package auditchain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func pemOf(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestReadKeyRefuses: each mistake is one line that names the file and the fix.
func TestReadKeyRefuses(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	good, err := x509.MarshalPKCS8PrivateKey(key.private)
	private := pemOf(t, "PRIVATE KEY", good, err)
	public, err := x509.MarshalPKIXPublicKey(key.private.Public())
	curve, curveErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if curveErr != nil {
		t.Fatal(curveErr)
	}
	other, otherErr := x509.MarshalPKCS8PrivateKey(curve)
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string // empty: good
	}{
		{"good", private, 0o400, ""},
		{"for a group", private, 0o440, ""},
		{"for everybody", private, 0o644, "is open to everybody (mode 0644): chmod 400"},
		{"missing", "", 0, "is not there: make it with: openssl genpkey -algorithm ed25519 -out"},
		{"empty", "", 0o400, "is no PEM"},
		{"DER", string(good), 0o400, "is no PEM"},
		{"public", pemOf(t, "PUBLIC KEY", public, err), 0o400, "holds a PUBLIC KEY: it takes a PRIVATE KEY"},
		{"encrypted", pemOf(t, "ENCRYPTED PRIVATE KEY", good, nil), 0o400, "is encrypted: write it without a passphrase"},
		{"of another kind", pemOf(t, "PRIVATE KEY", other, otherErr), 0o400, "is none of Ed25519: make one with: openssl genpkey"},
		{"of OpenSSH", pemOf(t, "OPENSSH PRIVATE KEY", good, nil), 0o400, "holds a OPENSSH PRIVATE KEY"},
		{"damaged", pemOf(t, "PRIVATE KEY", good[:20], nil), 0o400, "make a key with: openssl genpkey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "chain.pem")
			if tt.mode != 0 {
				if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, tt.mode); err != nil {
					t.Fatal(err)
				}
			}
			got, err := ReadKey(path)
			if tt.want == "" && (err != nil || got.id != key.id) {
				t.Errorf("key %v, %v", got, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("error %v, want one line with %q", err, tt.want)
			}
		})
	}
}

// TestReadPublicKeys reads one key and two, and refuses what is none.
func TestReadPublicKeys(t *testing.T) {
	t.Parallel()
	text := ""
	for seed := range byte(2) {
		der, err := x509.MarshalPKIXPublicKey(testKey(seed).private.Public())
		text += pemOf(t, "PUBLIC KEY", der, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(testKey(1).private)
	for name, tt := range map[string]struct {
		text, want string
		keys       int
	}{
		"two":     {text, "", 2},
		"none":    {"", "holds no public key", 0},
		"private": {pemOf(t, "PRIVATE KEY", private, err), "openssl pkey -in KEY -pubout", 0},
	} {
		path := filepath.Join(t.TempDir(), "public.pem")
		if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		keys, err := ReadPublicKeys(path)
		if len(keys) != tt.keys || (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
}

// TestOthersCanVerify runs what docs/audit-integrity.md tells whoever trusts no program of
// ours: openssl, sed, sha256sum and jq.
func TestOthersCanVerify(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"openssl", "sha256sum", "jq", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on PATH", tool)
		}
	}
	if version, err := exec.Command("openssl", "version").Output(); err != nil || !bytes.HasPrefix(version, []byte("OpenSSL 3")) {
		t.Skipf("openssl is %s, %v: not every one has -rawin", version, err)
	}
	dir := t.TempDir()
	run := func(script string) string {
		t.Helper()
		cmd := exec.Command("sh", "-euc", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run(`umask 077; openssl genpkey -algorithm ed25519 -out chain.pem; openssl pkey -in chain.pem -pubout -out chain.pub.pem`)
	key, err := ReadKey(filepath.Join(dir, "chain.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPublicKeys(filepath.Join(dir, "chain.pub.pem")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(strings.Join(twoChains(t, key), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	manual := manualOf(t)
	out := run(manual)
	if !strings.Contains(out, "Signature Verified Successfully") || !strings.Contains(out, key.id) {
		t.Errorf("%s\n%s", manual, out)
	}
	if hashes := strings.Fields(out); len(hashes) < 2 || hashes[0] != hashes[1] {
		t.Errorf("the hash of a line and what the next one has: %s", out)
	}
}

// manualOf is the commands under "By hand" in the document.
func manualOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/audit-integrity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := bytes.Cut(text, []byte("\n## By hand\n"))
	_, code, _ := bytes.Cut(section, []byte("```sh\n"))
	code, _, ok := bytes.Cut(code, []byte("```"))
	if !ok {
		t.Fatal("no commands under By hand")
	}
	return string(code)
}
