package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// secureClient believes the development CA, and shows the certificate of that name.
func secureClient(t *testing.T, config *tls.Config, name string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(gate.certs.CA())
	if err != nil {
		t.Fatal(err)
	}
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AppendCertsFromPEM(pem)
	if name != "" {
		cert, err := tls.LoadX509KeyPair(gate.certs.Cert(name), gate.certs.Key(name))
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestClientsOverTLS: TLS 1.2 and later, HTTP/2 and HTTP/1.1, with a certificate that
// names the server, also to clients that name none.
func TestClientsOverTLS(t *testing.T) {
	token := bearer(t, devtoken.Web, "acme", "u1")
	named := strings.Replace(gate.secure, "127.0.0.1", "localhost", 1)
	tests := []struct {
		name, base string
		config     *tls.Config
		proto      string // "": no connection
	}{
		{"TLS 1.3 and HTTP/2", named, &tls.Config{MinVersion: tls.VersionTLS13}, "HTTP/2.0"},
		{"TLS 1.2 and HTTP/2", named, &tls.Config{MaxVersion: tls.VersionTLS12}, "HTTP/2.0"},
		{"HTTP/1.1", named, &tls.Config{NextProtos: []string{"http/1.1"}}, "HTTP/1.1"},
		{"by address", gate.secure, &tls.Config{}, "HTTP/2.0"},
		{"TLS 1.1", named, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := secureClient(t, tt.config, "")
			if tt.proto == "HTTP/1.1" {
				client.Transport.(*http.Transport).ForceAttemptHTTP2 = false
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.base+"/web/v1/dashboard", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", strings.TrimPrefix(token, "Authorization: "))
			resp, err := client.Do(req)
			if tt.proto == "" {
				if err == nil {
					resp.Body.Close()
					t.Fatal("it is served")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || resp.Proto != tt.proto {
				t.Fatalf("%s %d %s, %v; want %s 200", resp.Proto, resp.StatusCode, body, err, tt.proto)
			}
			a := answer{status: resp.StatusCode, header: resp.Header, body: body}
			wantHeader(t, receivedOnce(t, "orders", a.traceID(t)).Header, "X-Tenant-Id", "acme")
		})
	}
}

// TestOnlyTheGatewayIsBelieved asks BFFs and services past the gateway: who has no
// certificate is not even heard, and a service's certificate makes nobody the gateway.
func TestOnlyTheGatewayIsBelieved(t *testing.T) {
	p := gate.ports
	forged := []string{"X-Tenant-Id: globex", "X-User-Id: u2"}
	tests := []struct {
		server string
		port   stack.Port
		path   string
		peer   string
		status int // 0: no connection
	}{
		{"web-bff", p.WebBFF, "/web/v1/dashboard", "", 0},
		{"web-bff", p.WebBFF, "/web/v1/dashboard", "orders", http.StatusForbidden},
		{"web-bff", p.WebBFF, "/web/v1/dashboard", "mobile-bff", http.StatusForbidden},
		{"web-bff", p.WebBFF, "/web/v1/dashboard", devcerts.Gateway, http.StatusOK},
		{"mobile-bff", p.MobileBFF, "/mobile/v1/home", "", 0},
		{"mobile-bff", p.MobileBFF, "/mobile/v1/home", "users", http.StatusForbidden},
		{"orders", p.Orders, "/v2/orders", "", 0},
		{"orders", p.Orders, "/v2/orders", "billing", http.StatusForbidden},
		{"orders", p.Orders, "/v2/orders", devcerts.Gateway, http.StatusOK},
		{"orders", p.Orders, "/v2/orders", "web-bff", http.StatusOK},
		{"web-bff", p.WebBFF2, "/web/v1/dashboard", "users", http.StatusForbidden},
		{"mobile-bff", p.MobileBFF2, "/mobile/v1/home", "notifications", http.StatusForbidden},
		{"orders", p.Orders2, "/v2/orders", "users", http.StatusForbidden},
		{"orders", p.Orders2, "/v2/orders", "mobile-bff", http.StatusOK},
		{"users", p.Users, "/v1/users/u2", "orders", http.StatusForbidden},
		{"billing", p.Billing, "/v1/summary", "", 0},
		{"notifications", p.Notifications, "/v1/notifications", devcerts.Gateway, http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.server+" by "+tt.peer, func(t *testing.T) {
			client := secureClient(t, &tls.Config{ServerName: tt.server}, tt.peer)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.port.TLS()+tt.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range forged {
				name, value, _ := strings.Cut(line, ": ")
				req.Header.Set(name, value)
			}
			resp, err := client.Do(req)
			status := 0
			if err == nil {
				defer resp.Body.Close()
				status = resp.StatusCode
			}
			if status != tt.status {
				t.Errorf("status %d (%v), want %d", status, err, tt.status)
			}
			if status == http.StatusForbidden && resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("a refusal of type %q", resp.Header.Get("Content-Type"))
			}
		})
	}
	t.Run("plain HTTP", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.WebBFF.URL()+"/web/v1/dashboard", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Tenant-Id", "globex")
		req.Header.Set("X-User-Id", "u2")
		send(t, req).wantStatus(t, http.StatusBadRequest)
	})
}

// TestCertificatesAreRenewed makes all certificates anew under load: BFFs and services
// take them up by themselves, the gateway with its next config, and no request fails.
func TestCertificatesAreRenewed(t *testing.T) {
	shown := func(port stack.Port, server string) string {
		dialer := tls.Dialer{Config: secureClient(t, &tls.Config{ServerName: server}, devcerts.Gateway).Transport.(*http.Transport).TLSClientConfig}
		conn, err := dialer.DialContext(t.Context(), "tcp", port.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	toOrders := func() string {
		a := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
		return receivedOnce(t, "orders", a.traceID(t)).Peer.Serial
	}
	p := gate.ports
	servers := []struct {
		port stack.Port
		name string
	}{{p.WebBFF, "web-bff"}, {p.MobileBFF, "mobile-bff"}, {p.Orders, "orders"}, {p.Users, "users"}, {p.Billing, "billing"}, {p.Notifications, "notifications"}, {p.ProxyTLS, "localhost"}}
	before, client := map[string]string{}, toOrders()
	for _, s := range servers {
		before[s.name] = shown(s.port, s.name)
	}
	l := startLoad(t, 4)
	l.waitPassed(t, 50)
	config, err := gate.renew()
	if err != nil {
		t.Fatal(err)
	}
	postConfig(t, config).wantStatus(t, http.StatusCreated)
	for _, s := range servers {
		eventually(t, "a new certificate of "+s.name, func() bool { return shown(s.port, s.name) != before[s.name] })
	}
	// A new id is a new pool of connections: once each worker has the config, none of
	// before is used.
	eventually(t, "the gateway's new certificate at the orders service", func() bool {
		for range 10 {
			if toOrders() == client {
				return false
			}
		}
		return true
	})
	l.waitPassed(t, 50)
	l.stop()
	for _, f := range l.failed() {
		t.Errorf("a request failed: %s", f.why)
	}
	gate.config = config
}

// TestCertificateThatIsNone: an id that leads to no client certificate is refused.
func TestCertificateThatIsNone(t *testing.T) {
	config := changed(t, func(config map[string]any) {
		service := config["services"].([]any)[0].(map[string]any)
		service["client_certificate"] = map[string]any{"id": "00000000-0000-4000-8000-000000000000"}
	})
	postConfig(t, config).wantStatus(t, http.StatusBadRequest)
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// TestCAThatIsNone: the gateway takes an id that leads to no CA, and then believes no
// server by it. `gatehouse check` tells of it.
func TestCAThatIsNone(t *testing.T) {
	// Kept connections are the client certificate's, by its id, whatever the CAs are: with
	// a new one there are none.
	config, err := gate.renew()
	if err != nil {
		t.Fatal(err)
	}
	gate.config = config
	restore := useConfig(t, func(config map[string]any) {
		for _, s := range config["services"].([]any) {
			if service := s.(map[string]any); service["name"] == "orders-v1" {
				service["ca_certificates"] = []string{"00000000-0000-4000-8000-000000000000"}
			}
		}
	})
	defer restore()
	get(t, "/partner/v1/orders", partnerKey).wantStatus(t, http.StatusBadGateway)
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}
