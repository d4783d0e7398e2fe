package auditlog

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
)

// chainKey is a key, and what verifies it.
func chainKey(t *testing.T) (*auditchain.Key, auditchain.PublicKeys) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	secret, secretErr := x509.MarshalPKCS8PrivateKey(private)
	public, publicErr := x509.MarshalPKIXPublicKey(private.Public())
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"PRIVATE KEY": {Bytes: secret}, "PUBLIC KEY": {Bytes: public}} {
		block.Type = name
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	key, keyErr := auditchain.ReadKey(filepath.Join(dir, "PRIVATE KEY"))
	keys, keysErr := auditchain.ReadPublicKeys(filepath.Join(dir, "PUBLIC KEY"))
	for _, err := range []error{secretErr, publicErr, keyErr, keysErr} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return key, keys
}

// wantWhole checks that nothing is wrong with the chains of a log, not even a notice.
func wantWhole(t *testing.T, keys auditchain.PublicKeys, log string, chains, lines int) {
	t.Helper()
	v := auditchain.NewVerifier(keys, func(f auditchain.Finding) { t.Error(f) })
	for line := range strings.Lines(log) {
		v.Line(auditchain.Place{}, []byte(strings.TrimSuffix(line, "\n")))
	}
	if r := v.Finish(); r.Chains != chains || r.Chained != lines || r.Covered != lines {
		t.Errorf("sums %+v, want %d chains and %d lines in\n%s", r, chains, lines, log)
	}
}

func TestChainOnStdout(t *testing.T) {
	t.Parallel()
	key, keys := chainKey(t)
	var out bytes.Buffer
	l, err := Open(Options{Stdout: &out, ChainKey: key})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 2)
	wantWhole(t, keys, out.String(), 1, 4)
}

// TestChainInFile has each process name the chain of the one before: at the end of the
// file, and of a rotated one where the file is empty.
func TestChainInFile(t *testing.T) {
	t.Parallel()
	key, keys := chainKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	process := func() {
		t.Helper()
		l, err := Open(Options{Target: path, ChainKey: key})
		if err != nil {
			t.Fatal(err)
		}
		writeAndClose(t, l, 2)
	}
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	process()
	process()
	first := read()
	wantWhole(t, keys, first, 2, 8)

	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(first))
	_ = w.Close()
	rotated := strings.TrimSuffix(path, ".jsonl") + "-2999-11-24T00-00-00.000-time.jsonl.gz"
	if err := os.WriteFile(rotated, zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	process()
	last := read()
	wantWhole(t, keys, first+last, 3, 12)
	if !strings.Contains(last, `"before":[{`) {
		t.Errorf("the chain after a rotation names none: %s", last)
	}
}

func TestNoChainOverOTLP(t *testing.T) {
	t.Parallel()
	key, _ := chainKey(t)
	if _, err := Open(Options{Target: OTLP, ChainKey: key}); err == nil || !strings.Contains(err.Error(), "use stdout or a file") {
		t.Errorf("error %v", err)
	}
}
