package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
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

// TestMutualTLS: pages are for the gateway, health is for who has a certificate of the
// CA, and on the port for status for everybody.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	certs, others := devcerts.Dir(t.TempDir()), devcerts.Dir(t.TempDir())
	for _, dir := range []devcerts.Dir{certs, others} {
		if err := dir.Write(time.Now(), false, func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	lines := &lineBuffer{}
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"web"}, env(
			"BFF_ADDR=127.0.0.1:0", "BFF_STATUS_ADDR=127.0.0.1:0",
			"BFF_TLS_CERT_FILE="+certs.Cert("web-bff"), "BFF_TLS_KEY_FILE="+certs.Key("web-bff"),
			"BFF_TLS_CLIENT_CA_FILE="+certs.CA(), "BFF_TLS_CLIENT_NAME="+devcerts.SPIFFEID(devcerts.Gateway),
		), io.Discard, lines)
	}()
	addr := lines.wait(t, "listening")["addr"].(string)
	status := "http://" + lines.wait(t, "listening for health and metrics")["addr"].(string)

	for name, tc := range map[string]struct {
		dir    devcerts.Dir
		peer   string // "" shows no certificate
		target string
		status int // 0: no connection
	}{
		"the gateway":             {certs, devcerts.Gateway, "/web/v1/dashboard", 401}, // it names no tenant
		"nobody":                  {certs, "", "/web/v1/dashboard", 0},
		"nobody asks for health":  {certs, "", "/healthz", 0},
		"another peer of the CA":  {certs, "orders", "/web/v1/dashboard", 403},
		"its health":              {certs, "orders", "/readyz", 200},
		"the name of another CA":  {others, devcerts.Gateway, "/web/v1/dashboard", 0},
		"the contract, past it":   {certs, "orders", "/openapi.yaml", 403},
		"the contract, through":   {certs, devcerts.Gateway, "/openapi.yaml", 200},
		"its page, through":       {certs, devcerts.Gateway, "/docs", 200},
		"the gateway, for health": {certs, devcerts.Gateway, "/readyz", 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tlsStatus(t, addr, tc.target, certs, tc.dir, tc.peer); got != tc.status {
				t.Errorf("status %d, want %d", got, tc.status)
			}
		})
	}
	for target, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/openapi.yaml": 200, "/docs": 200, "/web/v1/dashboard": 404} {
		if got, err := statusOf(t, status+target); err != nil || got != want {
			t.Errorf("status port: GET %s: %d, %v, want %d", target, got, err, want)
		}
	}
	if got, err := statusOf(t, "http://"+addr+"/web/v1/dashboard", "X-Tenant-Id: globex", "X-User-Id: u2"); err != nil || got != 400 {
		t.Errorf("plain HTTP: %d, %v, want 400", got, err)
	}
	stop()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d, want 0: %s", got, lines)
	}
}

// tlsStatus asks with a peer's certificate of dir.
func tlsStatus(t *testing.T, addr, target string, server, dir devcerts.Dir, peer string) int {
	t.Helper()
	pem, err := os.ReadFile(server.CA())
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "web-bff"}
	config.RootCAs.AppendCertsFromPEM(pem)
	if peer != "" { // sent even if the server says that it would not like it
		cert, err := tls.LoadX509KeyPair(dir.Cert(peer), dir.Key(peer))
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
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
