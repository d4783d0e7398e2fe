package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// TestProxyProtocol: behind a load balancer that passes TCP on, the client's address is
// the one in the connection's PROXY header, of a trusted peer only, whatever the request
// says. The setting is for all of Kong, so that this one has a stack of its own.
func TestProxyProtocol(t *testing.T) {
	if gate.fileLog == "" {
		t.Skip("this gateway does not support PROXY protocol")
	}
	s := startBehindBalancer(t)
	const client = "203.0.113.50"
	version1 := []byte("PROXY TCP4 " + client + " 192.0.2.1 4711 8000\r\n")
	tests := []struct {
		name, peer string
		header     []byte
		want       string // X-Real-IP as the service gets it; empty: no answer
	}{
		{"version 1", cdn, version1, client},
		{"version 2", cdn, proxyVersion2(client, "192.0.2.1"), client},
		{"nobody's address", cdn, []byte("PROXY UNKNOWN\r\n"), cdn},
		{"a stranger", "127.0.1.99", version1, "127.0.1.99"},
		{"no header", cdn, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := sendAfter(t, s.Ports.Proxy.Addr(), tt.peer, tt.header)
			if tt.want == "" {
				if err == nil {
					t.Errorf("status %d, want no answer to a request without a PROXY header", a.StatusCode)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id := a.Header.Get("X-Trace-Id")
			if got := receivedBy(t, serviceURLs(s.Ports)[services.Orders], id); len(got) != 1 || got[0].Header.Get("X-Real-Ip") != tt.want {
				t.Errorf("the service received %+v of trace %s, want X-Real-IP %s", got, id, tt.want)
			}
		})
	}
}

// startBehindBalancer starts another stack, whose Kong wants PROXY protocol.
func startBehindBalancer(t *testing.T) *stack.Stack {
	t.Helper()
	dir := t.TempDir()
	kongConfig, err := arrange(dir)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Config{
		Bin: gate.bin, Dir: dir, KongConfig: kongConfig, Ports: ports, Kong: true, RedisURL: os.Getenv("REDIS_URL"),
		GatewayEnv: []string{
			"KONG_PROXY_LISTEN=" + ports.Proxy.Addr() + " proxy_protocol",
			"KONG_TRUSTED_IPS=" + cdn + "/32", "KONG_REAL_IP_HEADER=proxy_protocol",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sendAfter sends a request with forged headers over a connection that begins with a
// PROXY header.
func sendAfter(t *testing.T, addr, peer string, header []byte) (*http.Response, error) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(peer)}, Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Skipf("this machine has no address %s: %v", peer, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	request := fmt.Sprintf("GET /partner/v2/orders HTTP/1.1\r\nHost: gateway\r\n%s\r\nX-Forwarded-For: 198.51.100.9\r\nX-Real-IP: 198.51.100.9\r\n\r\n", partnerKey)
	if _, err := conn.Write(append(header, request...)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// proxyVersion2 is the binary PROXY header of a TCP connection over IPv4.
func proxyVersion2(from, to string) []byte {
	var header bytes.Buffer
	header.WriteString("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c") // signature, version 2 PROXY, TCP over IPv4, 12 bytes
	for _, addr := range []string{from, to} {
		header.Write(netip.MustParseAddr(addr).AsSlice())
	}
	header.WriteString("\x12\x67\x1f\x40") // ports 4711 and 8000
	return header.Bytes()
}
