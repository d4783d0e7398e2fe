package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

var acme = upstream.Identity{Tenant: "acme", User: "u1"}

const summary = `{"balance":{"amount_minor":1200,"currency":"EUR"},"open_invoices":1,"overdue_invoices":0}`

// answer is what a service does with one call.
type answer struct {
	after  time.Duration
	status int
	body   string
	err    error
}

// script is a transport whose calls get the answers in turn, and the last one
// again and again.
type script struct {
	answers []answer
	calls   int
	seen    *http.Request
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := s.answers[min(s.calls, len(s.answers)-1)]
	s.calls++
	s.seen = r
	select {
	case <-time.After(a.after):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	media := "application/json"
	if a.status >= 400 {
		media = "application/problem+json"
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {media}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// budget is what a page has at most.
const budget = 1500 * time.Millisecond

func newClients(t *testing.T, transport http.RoundTripper, logs io.Writer) *upstream.Clients {
	t.Helper()
	clients, err := upstream.New(upstream.Options{
		Orders: "http://orders", Users: "http://users", Billing: "http://billing", Notifications: "http://notifications",
		Transport: transport, Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.NewJSONHandler(logs, nil)),
		Budget: budget,
	})
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

func TestCall(t *testing.T) {
	t.Parallel()
	good := answer{status: 200, body: summary}
	rejected := answer{status: 404, body: `{"type":"urn:test","title":"Test","status":404,"detail":"No."}`}
	for name, tc := range map[string]struct {
		answers []answer
		calls   int
		kind    upstream.Kind // "" is no error
		status  int
	}{
		"good":                             {[]answer{good}, 1, "", 0},
		"unavailable once":                 {[]answer{{status: 503, body: "<html>"}, good}, 2, "", 0},
		"connection broke once":            {[]answer{{err: syscall.ECONNRESET}, good}, 2, "", 0},
		"unavailable":                      {[]answer{{status: 503}}, 2, upstream.Unavailable, 503},
		"bad gateway":                      {[]answer{{status: 502, body: "<html>"}}, 2, upstream.Unavailable, 502},
		"connection refused":               {[]answer{{err: syscall.ECONNREFUSED}}, 2, upstream.Unavailable, 0},
		"its own fault is not tried again": {[]answer{{status: 500}}, 1, upstream.Unavailable, 500},
		"too many requests is not either":  {[]answer{{status: 429}}, 1, upstream.Unavailable, 429},
		"rejected":                         {[]answer{rejected}, 1, upstream.Rejected, 404},
		"rejected without details":         {[]answer{{status: 404, body: "<html>"}}, 1, upstream.Malformed, 0},
		"not JSON":                         {[]answer{{status: 200, body: "<html>"}}, 1, upstream.Malformed, 0},
		"breaks the contract":              {[]answer{{status: 200, body: strings.Replace(summary, "EUR", "euro", 1)}}, 1, upstream.Malformed, 0},
		"lacks a field":                    {[]answer{{status: 200, body: `{}`}}, 1, upstream.Malformed, 0},
		"too much":                         {[]answer{{status: 200, body: summary + strings.Repeat(" ", 1<<20)}}, 1, upstream.Malformed, 0},
		"a redirect is not followed":       {[]answer{{status: 302}}, 1, upstream.Malformed, 0},
		"late":                             {[]answer{{after: time.Hour}}, 1, upstream.Timeout, 0},
		"no time for a second attempt":     {[]answer{{after: 950 * time.Millisecond, status: 503}}, 1, upstream.Unavailable, 503},
		"second attempt is late":           {[]answer{{status: 503}, {after: time.Hour}}, 2, upstream.Timeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &script{answers: tc.answers}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				got, err := newClients(t, transport, io.Discard).BillingSummary(ctx, acme)
				if transport.calls != tc.calls {
					t.Errorf("%d calls, want %d", transport.calls, tc.calls)
				}
				if tc.kind == "" {
					if err != nil || got.Balance.AmountMinor != 1200 {
						t.Errorf("got %+v, %v", got, err)
					}
					return
				}
				e, ok := errors.AsType[*upstream.Error](err)
				if !ok || e.Kind != tc.kind || e.Status != tc.status || e.Upstream != "billing" {
					t.Errorf("error %v (%+v), want kind %q and status %d of billing", err, e, tc.kind, tc.status)
				}
			})
		})
	}
}

// TestNoRetryIsToBeHad: of many failures at once few are tried again, and all say why.
func TestNoRetryIsToBeHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: always(answer{after: 100 * ms, status: 503})}
		clients := newClients(t, s, io.Discard)
		const calls = 19 // not enough to open the circuit
		var group sync.WaitGroup
		for range calls {
			group.Go(func() {
				_, err := clients.BillingSummary(t.Context(), acme)
				if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Status != 503 {
					t.Errorf("%v, want the service's answer", err)
				}
			})
		}
		group.Wait()
		if requests, _ := s.counts(); requests >= 2*calls {
			t.Errorf("%d requests of %d calls, want few tried again", requests, calls)
		}
	})
}

func TestCallCarriesIdentity(t *testing.T) {
	t.Parallel()
	transport := &script{answers: []answer{{status: 200, body: summary}}}
	if _, err := newClients(t, transport, io.Discard).BillingSummary(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	if h := transport.seen.Header; h.Get("X-Tenant-Id") != "acme" || h.Get("X-User-Id") != "u1" {
		t.Errorf("sent %v, want the identity in it", h)
	}
}

func TestCancelledCallIsNobodysFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clients := newClients(t, &script{answers: []answer{{after: time.Hour}}}, io.Discard)
		for range 50 { // enough to open the circuit, if they counted
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if _, err := clients.BillingSummary(ctx, acme); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v, want context.Canceled", err)
			}
		}
	})
}

func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		transport := &script{answers: []answer{{status: 500}}}
		clients := newClients(t, transport, &logs)
		kind := func() upstream.Kind {
			_, err := clients.BillingSummary(t.Context(), acme)
			if e, ok := errors.AsType[*upstream.Error](err); ok {
				return e.Kind
			}
			return ""
		}
		for i := range 20 {
			if k := kind(); k != upstream.Unavailable {
				t.Fatalf("call %d: %q, want the service to be asked", i, k)
			}
		}
		if k := kind(); k != upstream.CircuitOpen || transport.calls != 20 {
			t.Errorf("after 20 failures: %q and %d calls, want the circuit open and no call", k, transport.calls)
		}
		if _, err := clients.Orders(t.Context(), acme, upstream.Page{Limit: 1}); transport.calls != 21 {
			t.Errorf("orders: %v; want its circuit to be its own", err)
		}
		transport.answers = []answer{{status: 200, body: summary}}
		time.Sleep(time.Second + time.Millisecond) // the bubble's time
		if k := kind(); k != "" {
			t.Errorf("a second later: %q, want an answer", k)
		}
		if !strings.Contains(logs.String(), `"upstream":"billing","from":"closed","to":"open"`) {
			t.Errorf("log %s, want the change in it", logs.String())
		}
	})
}

func TestRejectedCallsKeepTheCircuitClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &script{answers: []answer{{status: 404, body: `{"type":"urn:test","title":"Test","status":404,"detail":"No."}`}}}
		clients := newClients(t, transport, io.Discard)
		for range 50 {
			if _, err := clients.User(t.Context(), acme); !upstream.HasStatus(err, http.StatusNotFound) {
				t.Fatalf("error %v, want a 404", err)
			}
		}
	})
}

func TestNilIfNotFound(t *testing.T) {
	t.Parallel()
	one := 1
	if got, err := upstream.NilIfNotFound(&one, nil); got != &one || err != nil {
		t.Errorf("found: %v, %v", got, err)
	}
	if got, err := upstream.NilIfNotFound(&one, error(&upstream.Error{Status: 404})); got != nil || err != nil {
		t.Errorf("not found: %v, %v", got, err)
	}
	if _, err := upstream.NilIfNotFound(&one, error(&upstream.Error{Status: 403})); err == nil {
		t.Error("forbidden: no error")
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	for kind, status := range map[upstream.Kind]int{
		upstream.Timeout: 504, upstream.Unavailable: 502, upstream.Rejected: 502, upstream.Malformed: 502, upstream.CircuitOpen: 502,
	} {
		d := (&upstream.Error{Upstream: "orders", Kind: kind, Err: errors.New("dial tcp 10.0.0.7")}).Problem()
		if d.Status != status || d.Upstream != "orders" || strings.Contains(d.Detail, "10.0.0.7") {
			t.Errorf("%s: %+v, want status %d, the service's name and not the cause", kind, d, status)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for base, fine := range map[string]bool{
		"http://127.0.0.1:9101": true, "https://orders.internal/api": true,
		"": false, "orders:9101": false, "/orders": false, "ftp://orders": false, "http://": false,
		"http://o?x=1": false, "http://u:p@o": false, "http://[": false,
		"https://orders": true, "http://[::1]:1": true, "http://orders:65535": true,
		"http://:80": false, "http://orders:": false, "http://orders:0": false, "http://orders:99999": false,
	} {
		if err := upstream.CheckURL(base); (err == nil) != fine {
			t.Errorf("CheckURL(%q) = %v", base, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"http://127.0.0.1:9101", "orders:9101", "http://[", "http://u:secret@o", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, base string) {
		if upstream.CheckURL(base) != nil {
			return
		}
		if _, err := http.NewRequest(http.MethodGet, base, nil); err != nil {
			t.Errorf("CheckURL(%q) is fine, but a request is not: %v", base, err)
		}
	})
}
