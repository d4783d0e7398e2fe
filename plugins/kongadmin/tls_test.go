package kongadmin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// pair writes a certificate that signs itself, and its key.
func pair(t *testing.T) kongadmin.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"operator"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return kongadmin.TLS{Cert: file(t, "CERTIFICATE", der), Key: file(t, "PRIVATE KEY", keyDER)}
}

func file(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTLS: a node that wants a certificate takes that of the files, and none else; and a
// node that the CA does not know gets no config.
func TestTLS(t *testing.T) {
	t.Parallel()
	mine := pair(t)
	known := x509.NewCertPool()
	text, err := os.ReadFile(mine.Cert)
	if err != nil {
		t.Fatal(err)
	}
	known.AppendCertsFromPEM(text)
	a := &admin{}
	server := httptest.NewUnstartedServer(a)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known}
	server.StartTLS()
	defer server.Close()
	ca := file(t, "CERTIFICATE", server.Certificate().Raw)
	for _, tt := range []struct {
		name  string
		files kongadmin.TLS
		want  string // empty: it takes the config
	}{
		{"known to each other", kongadmin.TLS{CA: ca, Cert: mine.Cert, Key: mine.Key}, ""},
		{"without a certificate", kongadmin.TLS{CA: ca}, "certificate required"},
		{"a node that nobody knows", kongadmin.TLS{Cert: mine.Cert, Key: mine.Key}, "certificate signed by unknown authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, err := tt.files.Client(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			n, err := kongadmin.NewNode(server.URL, client)
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.Post(t.Context(), config("a: "+secret))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if a.hash != kongadmin.Hash([]byte("a: "+secret)) || len(a.asked) != 2 {
		t.Errorf("asked %q", a.asked)
	}
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	mine := pair(t)
	for name, tt := range map[string]struct {
		files kongadmin.TLS
		want  string
	}{
		"no CA":         {kongadmin.TLS{CA: "no-such.pem"}, "no-such.pem"},
		"a key as CA":   {kongadmin.TLS{CA: mine.Key}, "no certificate in it"},
		"no key":        {kongadmin.TLS{Cert: mine.Cert}, "read certificate for the Admin APIs"},
		"no cert":       {kongadmin.TLS{Key: mine.Key}, "read certificate for the Admin APIs"},
		"another's key": {kongadmin.TLS{Cert: mine.Cert, Key: pair(t).Key}, "private key does not match public key"},
	} {
		if _, err := tt.files.Client(time.Second); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}
