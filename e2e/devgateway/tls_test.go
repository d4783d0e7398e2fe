package devgateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
)

func made(t *testing.T) devcerts.Dir {
	t.Helper()
	dir := devcerts.Dir(t.TempDir())
	if err := dir.Write(time.Now(), false, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func pool(t *testing.T, dir devcerts.Dir) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(dir.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}

func pair(t *testing.T, dir devcerts.Dir, name string) tls.Certificate {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(dir.Cert(name), dir.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// secureUpstream is an orders service that wants certificates of dir's CA.
func secureUpstream(t *testing.T, dir devcerts.Dir, answer http.HandlerFunc) string {
	t.Helper()
	u := httptest.NewUnstartedServer(answer)
	u.TLS = &tls.Config{Certificates: []tls.Certificate{pair(t, dir, "orders")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(t, dir)}
	u.Config.ErrorLog = nil
	u.StartTLS()
	t.Cleanup(u.Close)
	return u.Listener.Addr().String()
}

var caIDs = regexp.MustCompile(`ca_certificates: \[[0-9a-f-]+\]`)

// TestMutualTLSUpstream: the service learns who asks and by which name, and a service that
// is not what the config says is a 502 with nginx's words.
func TestMutualTLSUpstream(t *testing.T) {
	t.Parallel()
	certs, others := made(t), made(t)
	addr := secureUpstream(t, certs, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s asked %s, %s", r.TLS.PeerCertificates[0].URIs[0], r.Host, r.Header.Get("X-Forwarded-Proto"))
	})
	base := fmt.Sprintf(`_format_version: "3.0"
upstreams: [{ name: u, host_header: HOST, targets: [{ target: "%s" }] }]
services: [{ name: s, host: u, protocol: https, tls_verify: true, retries: 0, routes: [{ name: r, paths: [/] }] }]
`, addr)
	for name, tc := range map[string]struct {
		host    string
		overlay devcerts.Dir
		edit    func(string) string
		status  int
		body    string
		logged  string
	}{
		"good":         {"orders", certs, nil, 200, "spiffe://gatehouse.test/gateway asked orders, http", ""},
		"another name": {"users", certs, nil, 502, "", "upstream SSL certificate verify error: ("},
		"another CA":   {"orders", others, nil, 502, "", "upstream SSL certificate verify error: ("},
		"not verified": {"users", certs, func(s string) string { return strings.Replace(s, "tls_verify: true", "tls_verify: false", 1) }, 200, "asked users", ""},
		"a CA that is none": {"orders", certs, func(s string) string {
			return caIDs.ReplaceAllString(s, "ca_certificates: [00000000-0000-4000-8000-000000000000]")
		}, 502, "", "verify error"},
		"no intermediate CAs": {"orders", certs, func(s string) string {
			return strings.Replace(s, "tls_verify: true", "tls_verify: true, tls_verify_depth: 0", 1)
		}, 200, "asked orders", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := tc.overlay.Config([]byte(strings.Replace(base, "HOST", tc.host, 1)))
			if err != nil {
				t.Fatal(err)
			}
			text := string(config)
			if tc.edit != nil {
				text = tc.edit(text)
			}
			h := start(t, strings.TrimPrefix(text, "_format_version: \"3.0\"\n"), nil, nil)
			res, err := http.Get(h.url + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != tc.status || !strings.Contains(string(body), tc.body) {
				t.Errorf("%d %s, %v; want %d %s", res.StatusCode, body, err, tc.status, tc.body)
			}
			if !strings.Contains(h.errors.String(), tc.logged) {
				t.Errorf("the error log has no %q: %s", tc.logged, h.errors)
			}
		})
	}
}

// TestSecureChecks: a check of type https shows the upstream's certificate and asks for
// the name in host_header; one that the service does not take puts the target out.
func TestSecureChecks(t *testing.T) {
	t.Parallel()
	const document = `upstreams:
  - name: u
    host_header: orders
    targets: [{ target: "%s" }]
    healthchecks:
      active:
        type: https
        https_verify_certificate: false
        http_path: /healthz
        healthy: { interval: 0.02 }
        unhealthy: { tcp_failures: 1, http_failures: 1, http_statuses: [400, 404] }
services: [{ name: s, host: u, protocol: https, tls_verify: true, retries: 0, routes: [{ name: r, paths: [/] }] }]
`
	for name, tc := range map[string]struct {
		old, edit string
		status    int
	}{
		"good":                 {"^", "", http.StatusOK},
		"no certificate":       {`client_certificate:\n +id: \S+`, "", http.StatusServiceUnavailable},
		"over plain HTTP":      {"type: https", "type: http", http.StatusServiceUnavailable},
		"another name":         {"type: https", "type: https\n        https_sni: users", http.StatusServiceUnavailable},
		"by the system's list": {"https_verify_certificate: false", "", http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certs := made(t)
			var checks atomic.Int64
			addr := secureUpstream(t, certs, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" {
					if r.TLS.ServerName != "orders" || r.Host != "orders" {
						w.WriteHeader(http.StatusNotFound)
					}
					checks.Add(1)
				}
			})
			config, err := certs.Config([]byte("_format_version: \"3.0\"\n" + fmt.Sprintf(document, addr)))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.TrimPrefix(string(config), "_format_version: \"3.0\"\n")
			h := start(t, regexp.MustCompile(tc.old).ReplaceAllString(text, tc.edit), nil, nil)
			deadline := time.Now().Add(20 * time.Second)
			for {
				res, _ := h.get("/")
				if res.StatusCode == tc.status && (tc.status != http.StatusOK || checks.Load() > 2) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("status %d after %d checks, want %d", res.StatusCode, checks.Load(), tc.status)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}
