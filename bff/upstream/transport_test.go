package upstream_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// cut answers the first part of a body and drops the connection.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, summary[:20])
	panic(http.ErrAbortHandler)
}

func TestTransport(t *testing.T) {
	t.Parallel()
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)

	server := httptest.NewServer(http.HandlerFunc(cut))
	t.Cleanup(server.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()

	for name, addr := range map[string]string{
		"body breaks off": server.Listener.Addr().String(),
		"nobody listens":  closed.Addr().String(),
	} {
		clients := newClients(t, redirect{transport, addr}, io.Discard)
		_, err := clients.BillingSummary(t.Context(), acme)
		if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Kind != upstream.Unavailable {
			t.Errorf("%s: %v, want the service to be unavailable", name, err)
		}
	}
}

// TestRedirectsAreNotFollowed: a service has no business to send a call, with the headers
// that say who asks, elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	clients := newClients(t, redirect{transport, server.Listener.Addr().String()}, io.Discard)
	_, err := clients.BillingSummary(t.Context(), acme)
	if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Kind != upstream.Malformed {
		t.Errorf("%v, want an answer that breaks the contract", err)
	}
	server.Close() // waits for its handlers
	if len(asked) != 1 {
		t.Errorf("asked %v, want one request", asked)
	}
}

// redirect sends every request to addr.
type redirect struct {
	base http.RoundTripper
	addr string
}

func (d redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = d.addr
	return d.base.RoundTrip(r)
}
