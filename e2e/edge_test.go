package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/services"
)

// cdn is the only peer that the gateway under test believes.
const cdn = "127.0.0.2"

// behindCDN are the gateway's settings for that.
var behindCDN = []string{"KONG_TRUSTED_IPS=" + cdn + "/32", "KONG_REAL_IP_HEADER=X-Forwarded-For", "KONG_REAL_IP_RECURSIVE=on"}

const (
	// edgeQuota is what the edge's route admits of one address.
	edgeQuota = 20
	// office is a network whose traces are continued, and a client in it.
	office, inOffice = "203.0.113.0/24", "203.0.113.7"
	strangersTrace   = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// forgeries are what clients send to be at another address, or to have come another way.
// %d is another number each time.
var forgeries = []string{
	"X-Forwarded-For: 203.0.113.%d", "X-Real-IP: 203.0.113.%d", "Forwarded: for=203.0.113.%d;host=forged-host-%[1]d",
	"CF-Connecting-IP: 203.0.113.%d", "True-Client-IP: 203.0.113.%d", "Fastly-Client-IP: 203.0.113.%d",
	"X-Client-IP: 203.0.113.%d", "X-Cluster-Client-IP: 203.0.113.%d", "X_Forwarded_For: 203.0.113.%d",
	"X-Forwarded-Proto: forged-proto-%d", "X-Forwarded-Host: forged-host-%d", "X-Forwarded-Port: %d",
	"X-Forwarded-Path: /forged-path-%d", "X-Forwarded-Prefix: /forged-prefix-%d",
}

// TestForgedHeader: what a client says of its address changes no limit's key, no log and
// no trace decision, and what the service is told is the gateway's own.
func TestForgedHeader(t *testing.T) {
	notShort(t)
	needHere(t)
	defer useConfig(t, func(config map[string]any) { addEdge(t, config) })()
	for i, forged := range forgeries {
		name, _, _ := strings.Cut(forged, ":")
		t.Run(name, func(t *testing.T) {
			peer := fmt.Sprintf("127.0.1.%d", i+1) // whose limit nobody else spends
			admitted := admittedFrom(t, peer, func(n int) []string { return []string{fmt.Sprintf(forged, n+7)} })
			wantOneClient(t, admitted, peer, "127.0.1.0")
			for _, a := range admitted {
				if a.traceID(t) == strangersTrace {
					t.Errorf("the trace of a stranger with %s was continued", forged)
				}
			}
		})
	}
}

// TestBehindCDN: with a trusted peer the client is the rightmost address that is not
// trusted itself, and nothing that it sent before that counts.
func TestBehindCDN(t *testing.T) {
	needHere(t)
	defer useConfig(t, func(config map[string]any) { addEdge(t, config) })()
	admitted := admittedFrom(t, cdn, func(n int) []string {
		return []string{
			fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, %s, %s", n+7, inOffice, cdn),
			fmt.Sprintf("X-Real-IP: 198.51.100.%d", n+7), fmt.Sprintf("CF-Connecting-IP: 198.51.100.%d", n+7),
			"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example.com", "X-Forwarded-Port: 443",
		}
	})
	h := wantOneClient(t, admitted, inOffice, "203.0.113.0")
	wantHeader(t, h, "X-Forwarded-Proto", "https")
	wantHeader(t, h, "X-Forwarded-Host", "shop.example.com")
	wantHeader(t, h, "X-Forwarded-Port", "443")
	for _, a := range admitted {
		if a.traceID(t) != strangersTrace {
			t.Errorf("the trace of a client in %s was not continued", office)
		}
	}
}

// admittedFrom sends requests from a peer's address, each with other headers, until the
// limit refuses one, and returns those that passed.
func admittedFrom(t *testing.T, peer string, headers func(n int) []string) []answer {
	t.Helper()
	client := clientFrom(t, peer)
	var admitted []answer
	for n := range 3 * edgeQuota {
		a := getBy(t, client, "/edge", append(headers(n), "traceparent: 00-"+strangersTrace+"-00f067aa0ba902b7-01")...)
		if a.status == http.StatusTooManyRequests {
			break
		}
		// The service refuses who has no tenant, which on an open route nobody has.
		admitted = append(admitted, a.wantStatus(t, http.StatusUnauthorized))
	}
	if len(admitted) > edgeQuota || len(admitted) < edgeQuota/2 {
		t.Fatalf("%d requests passed, want up to %d: they are one client's", len(admitted), edgeQuota)
	}
	return admitted
}

// wantOneClient wants the service to know the client's address, and the span and the logs
// its network, and returns the headers that the service got with the last request.
func wantOneClient(t *testing.T, admitted []answer, client, network string) http.Header {
	t.Helper()
	last := admitted[len(admitted)-1]
	got := received(t, services.Orders, last.traceID(t))
	id := last.header.Get("X-Kong-Request-Id")
	at := slices.IndexFunc(got, func(r services.Request) bool { return r.Header.Get("X-Kong-Request-Id") == id })
	if at < 0 {
		t.Fatalf("no service received request %s: %+v", id, got)
	}
	wantHeader(t, got[at].Header, "X-Real-Ip", client)
	if span := spanWith(t, last.traceID(t), network); strings.Contains(span, "forged-") {
		t.Errorf("the span holds what was forged: %s", span)
	}
	wantLogged(t, id, network)
	return got[at].Header
}

// spanWith waits for the gateway's span of a trace that names a client's network.
func spanWith(t *testing.T, traceID, network string) (text string) {
	t.Helper()
	eventually(t, "a span with client "+network, func() bool {
		text = gatewaySpan(t, traceID)
		return strings.Contains(text, network)
	})
	return text
}

// wantLogged wants an access line and an audit record of the request, and each line about
// it to name the client's network, which is what redaction leaves, and nothing forged.
func wantLogged(t *testing.T, requestID, network string) {
	t.Helper()
	var about []string
	eventually(t, "an access line and an audit record of request "+requestID, func() bool {
		about = slices.DeleteFunc(strings.Split(logs(t), "\n"), func(line string) bool { return !strings.Contains(line, requestID) })
		text := strings.Join(about, "\n")
		return strings.Contains(text, `"log":"access"`) && strings.Contains(text, `"log":"audit"`)
	})
	for _, line := range about {
		if !strings.Contains(line, `"client_ip":"`+network+`"`) {
			t.Errorf("the line does not say that the client is in %s: %s", network, line)
		}
		if strings.Contains(line, "forged-") {
			t.Errorf("what was forged is in the log: %s", line)
		}
	}
}

// clientFrom is a client at an address of this machine, without connections that it kept.
func clientFrom(t *testing.T, addr string) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	if l, err := net.Listen("tcp", net.JoinHostPort(addr, "0")); err != nil {
		t.Skipf("this machine has no address %s: %v", addr, err)
	} else {
		l.Close()
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// addEdge adds an open route with a limit by address, the only one, and a network whose
// traces are continued.
func addEdge(t *testing.T, config map[string]any) {
	t.Helper()
	globalSection(t, config, "trace-inject")["trusted_cidrs"] = []string{office}
	limiter := globalSection(t, config, "tenant-rate-limit")
	clear(limiter)
	limiter["limits"] = []any{map[string]any{
		// A name of its own, so that runs do not spend each other's budget.
		"name": fmt.Sprintf("ip-%d", time.Now().UnixNano()), "scope": []string{"ip"},
		"algorithm": "fixed_window", "limit": edgeQuota, "window_seconds": 31_536_000,
	}}
	addOrdersService(t, config, map[string]any{
		"name": "edge", "path": "/v2/orders",
		"routes": []any{map[string]any{"name": "edge", "paths": []string{"/edge"}}},
	})
}
