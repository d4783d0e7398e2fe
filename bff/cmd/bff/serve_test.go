package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lineBuffer takes JSON log lines and hands them out as they come.
type lineBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lineBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// wait gives the first line with that message once it is there.
func (b *lineBuffer) wait(t *testing.T, msg string) map[string]any {
	t.Helper()
	var found map[string]any
	eventually(t, "log line "+msg, func() bool {
		for line := range strings.Lines(b.String()) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == msg {
				found = fields
				return true
			}
		}
		return false
	})
	return found
}

// eventually waits for what happens in another goroutine or behind a socket.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

func statusOf(t *testing.T, target string, header ...string) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		return 0, err
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestReadyzWhileDraining(t *testing.T) {
	t.Parallel()
	var draining atomic.Bool
	h := withHealth(http.NotFoundHandler(), &draining)
	status := func(target string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w.Code
	}
	if status("/readyz") != 200 || status("/healthz") != 200 {
		t.Error("before: not ready or not healthy")
	}
	draining.Store(true)
	if status("/readyz") != 503 || status("/healthz") != 200 {
		t.Error("draining: still ready, or not healthy")
	}
}

// TestMutualTLS asks with and without a certificate of the gateway's CA.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, other := newCA(t, "gateway CA"), newCA(t, "another CA")
	write(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", ca.cert.Raw)
	server := ca.issue(t, "web-bff")
	write(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", server.Certificate[0])
	key, err := x509.MarshalECPrivateKey(server.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", key)

	files := tlsFiles{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), clientCA: filepath.Join(dir, "ca.pem")}
	cfg, err := tlsConfig(files)
	if err != nil {
		t.Fatal(err)
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	listening := httptest.NewUnstartedServer(withHealth(onlyPeer(pages, "kong"), new(atomic.Bool)))
	listening.TLS = cfg
	listening.Config.ErrorLog = nil
	listening.StartTLS()
	t.Cleanup(listening.Close)

	kong, intruder, forged := ca.issue(t, "kong"), ca.issue(t, "intruder"), other.issue(t, "kong")
	for name, tc := range map[string]struct {
		cert   *tls.Certificate
		target string
		status int // 0: no connection
	}{
		"the gateway":             {&kong, "/page", 200},
		"nobody":                  {nil, "/page", 403},
		"nobody asks for health":  {nil, "/healthz", 200},
		"another peer of the CA":  {&intruder, "/page", 403},
		"the name of another CA":  {&forged, "/page", 0},
		"the gateway, for health": {&kong, "/healthz", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tlsStatus(t, listening.Listener.Addr().String(), tc.target, ca.pool(), tc.cert); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
}

func tlsStatus(t *testing.T, addr, target string, roots *x509.CertPool, cert *tls.Certificate) int {
	t.Helper()
	config := &tls.Config{RootCAs: roots, ServerName: "web-bff"}
	if cert != nil { // sent even if the server says that it would not like it
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// authority is a certificate authority for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t *testing.T, name string) authority {
	t.Helper()
	template := certificate(name)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key := newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

func (a authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, certificate(name), a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, file, kind string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waitForCall waits until the service at base has received a request.
func waitForCall(t *testing.T, base string) {
	t.Helper()
	eventually(t, "a call of the service", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/__requests", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		var body struct{ Requests []any }
		return json.NewDecoder(resp.Body).Decode(&body) == nil && len(body.Requests) > 0
	})
}
