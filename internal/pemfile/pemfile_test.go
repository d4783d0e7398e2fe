package pemfile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

// made is a certificate and its key, in PEM.
func made(t testing.TB) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	cert, key := made(t)
	other, _ := made(t)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	text := func(s string) []byte { return []byte(s) }
	typed := func(kind string) []byte { return bytes.ReplaceAll(cert, text("CERTIFICATE"), text(kind)) }
	for name, tc := range map[string]struct {
		text []byte
		want int    // certificates
		says string // of the error
	}{
		"one":                             {cert, 1, ""},
		"two, with words":                 {join(text("# the old one\n"), cert, text("\nThe new one:\n----\n"), other, text("\n")), 2, ""},
		"beside its key":                  {join(cert, key), 1, ""},
		"without a last line break":       {bytes.TrimSpace(cert), 1, ""},
		"DOS line breaks":                 {bytes.ReplaceAll(join(cert, other), text("\n"), text("\r\n")), 2, ""},
		"nothing":                         {nil, 0, "no certificate in it"},
		"a key alone":                     {key, 0, "no certificate in it"},
		"binary":                          {text("0\x82\x01"), 0, "no certificate in it"},
		"the last cut in its body":        {join(cert, other[:len(other)/2]), 0, "not whole"},
		"the last cut in its end":         {join(cert, other[:len(other)-4]), 0, "not whole"},
		"the last cut in its first line":  {join(cert, other[:8]), 0, "not whole"},
		"the first without its beginning": {join(cert[40:], other), 0, "not whole"},
		"the first without its end":       {join(cert[:len(cert)-30], other), 0, "not whole"},
		"the first broken":                {join(bytes.Replace(cert, text("M"), text("*"), 1), other), 0, "not whole"},
		"indented":                        {join(text("  "), cert, other), 0, "not whole"},
		"garbage":                         {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text("x")}), 0, "certificate 1 in it cannot be read"},
		"OpenSSL's trusted":               {join(cert, typed("TRUSTED CERTIFICATE")), 0, `block 2 in it is "TRUSTED CERTIFICATE"`},
		"PKCS #7":                         {join(cert, typed("PKCS7")), 0, `"PKCS7", which is not read`},
		"a revocation list":               {join(cert, typed("X509 CRL")), 0, `"X509 CRL", which is not read`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := pemfile.Certificates(tc.text)
			if len(list) != tc.want || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%d certificates, %v, want %d, %q", len(list), err, tc.want, tc.says)
			}
		})
	}
}

// FuzzCertificates: what a text begins or ends with is never a part of its certificates.
func FuzzCertificates(f *testing.F) {
	cert, _ := made(f)
	f.Add(3, []byte("a\n"))
	f.Add(len(cert), []byte("-----BEGIN "))
	f.Fuzz(func(t *testing.T, cut int, after []byte) {
		cut = max(0, min(cut, len(cert)))
		list, err := pemfile.Certificates(append(append(bytes.Clone(cert), cert[:cut]...), after...))
		if err == nil && cut > 0 && len(bytes.TrimSpace(cert[cut:])) > 0 && len(list) < 2 {
			t.Errorf("%d of %d bytes of the second are passed over", cut, len(cert))
		}
	})
}

// TestFiles wants the file's name in every error.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, keyText := made(t)
	_, otherText := made(t)
	cert, key, other, half := put("cert", text), put("key", keyText), put("other", otherText), put("half", append(text, text[:99]...))
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pemfile.Pool(cert); err != nil {
		t.Error(err)
	}
	if _, err := pemfile.Pair(cert, key); err != nil {
		t.Error(err)
	}
	for _, path := range []string{key, half, pipe, filepath.Join(dir, "none")} {
		if _, err := pemfile.Pool(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("pool of %s: %v", path, err)
		}
	}
	for named, pair := range map[string][2]string{half: {half, key}, pipe: {cert, pipe}, other: {cert, other}, key: {key, key}} {
		if _, err := pemfile.Pair(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("pair %v: %v", pair, err)
		}
	}
}
