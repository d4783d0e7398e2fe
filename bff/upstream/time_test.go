package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

const tooLittle = `{"type":"` + problem.TypeTooLittleTime + `","title":"Too little time","status":504,"detail":"No."}`

// noting is a transport that notes how long each call said that its caller waits.
type noting struct {
	script
	waits []string
}

func (n *noting) RoundTrip(r *http.Request) (*http.Response, error) {
	n.waits = append(n.waits, r.Header.Get("Request-Timeout"))
	return n.script.RoundTrip(r)
}

// TestCallSaysWhatIsLeft: each attempt has what the one before left it.
func TestCallSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &noting{script: script{answers: []answer{{after: 400 * time.Millisecond, status: 503}, {status: 200, body: summary}}}}
		clients := newClients(t, transport, io.Discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := clients.BillingSummary(ctx, acme); err != nil {
			t.Fatal(err)
		}
		if len(transport.waits) != 2 || transport.waits[0] != "1000" || transport.waits[1] < "569" || transport.waits[1] > "590" {
			t.Errorf("waits %v, want 1000 and then 400 and the delay of a retry (10 to 30) less", transport.waits)
		}
		if _, err := clients.BillingSummary(t.Context(), acme); err != nil || transport.waits[2] != "" {
			t.Errorf("without a deadline: %v, %v, want no header", transport.waits, err)
		}
	})
}

// TestRefusedForWantOfTime: it is not tried again, and does not open the circuit.
func TestRefusedForWantOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{answers: []answer{{status: 504, body: tooLittle}}}
		clients := newClients(t, transport, io.Discard)
		for i := range 50 {
			_, err := clients.BillingSummary(t.Context(), acme)
			e, ok := errors.AsType[*upstream.Error](err)
			if !ok || e.Kind != upstream.Timeout || e.Status != 504 || transport.calls != i+1 {
				t.Fatalf("call %d: %v and %d requests, want a timeout and one request each", i, err, transport.calls)
			}
		}
		transport.answers = []answer{{status: 503, body: tooLittle}}
		if _, err := clients.BillingSummary(t.Context(), acme); !upstream.HasStatus(err, 503) || transport.calls != 52 {
			t.Errorf("a 503: %v after %d requests: it is one like any other", err, transport.calls)
		}
	})
}

// TestCancellationReachesTheService: over real connections, half of the time within 20 ms.
func TestCancellationReachesTheService(t *testing.T) {
	t.Parallel()
	const rounds, bound = 21, 20 * time.Millisecond
	arrived, left := make(chan struct{}), make(chan time.Time)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- time.Now()
	}))
	t.Cleanup(server.Close)
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	clients := newClients(t, redirect{transport, server.Listener.Addr().String()}, io.Discard)
	var took []time.Duration
	for range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := clients.BillingSummary(ctx, acme)
			done <- err
		}()
		<-arrived
		began := time.Now()
		cancel()
		took = append(took, (<-left).Sub(began))
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	slices.Sort(took)
	if took[rounds/2] > bound {
		t.Errorf("half of the calls ended after more than %v: %v", bound, took)
	}
}
