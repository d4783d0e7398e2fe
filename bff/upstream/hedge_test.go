package upstream_test

import (
	"context"
	"errors"
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

// service is a transport that answers as it is told, by the number of the request, and
// counts.
type service struct {
	mu        sync.Mutex
	requests  int
	cancelled int
	answer    func(n int) answer
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests++
	one := &script{answers: []answer{s.answer(s.requests)}}
	s.mu.Unlock()
	resp, err := one.RoundTrip(r)
	if err != nil && r.Context().Err() != nil {
		s.mu.Lock()
		s.cancelled++
		s.mu.Unlock()
	}
	return resp, err
}

// set has the service answer otherwise from now on, and counts from 0.
func (s *service) set(answer func(n int) answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.requests, s.cancelled = answer, 0, 0
}

func (s *service) counts() (requests, cancelled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.cancelled
}

func newHedged(t testing.TB, transport http.RoundTripper, hedged ...string) *upstream.Clients {
	t.Helper()
	clients, err := upstream.New(upstream.Options{
		Orders: "http://orders", Users: "http://users", Billing: "http://billing", Notifications: "http://notifications",
		Transport: transport, Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.DiscardHandler),
		Budget: budget, Hedged: hedged,
	})
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

const ms = time.Millisecond

// good takes 10 ms, and every thirtieth time 20.
func good(n int) answer {
	if n%30 == 0 {
		return answer{after: 20 * ms, status: 200, body: summary}
	}
	return answer{after: 10 * ms, status: 200, body: summary}
}

// ask makes calls with a second each, a number of them at a time.
func ask(t *testing.T, clients *upstream.Clients, calls, together int) {
	t.Helper()
	for done := 0; done < calls; done += together {
		var group sync.WaitGroup
		for range together {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = clients.BillingSummary(ctx, acme)
			})
		}
		group.Wait()
	}
}

func TestLateCallIsHedged(t *testing.T) {
	t.Parallel()
	hangs := answer{after: time.Hour}
	for name, tc := range map[string]struct {
		hedged   []string
		warm     int
		answers  []answer // the last again and again
		requests int
		within   time.Duration
		err      bool
	}{
		"in time":                   {[]string{"billing"}, 500, []answer{{after: 5 * ms, status: 200, body: summary}}, 1, 5 * ms, false},
		"late":                      {[]string{"billing"}, 500, []answer{hangs, {after: 10 * ms, status: 200, body: summary}}, 2, 40 * ms, false},
		"the first comes after all": {[]string{"billing"}, 500, []answer{{after: 100 * ms, status: 200, body: summary}, hangs}, 2, 100 * ms, false},
		"the hedge fails":           {[]string{"billing"}, 500, []answer{{after: 100 * ms, status: 200, body: summary}, {status: 500}}, 2, 100 * ms, false},
		"a failure is not late":     {[]string{"billing"}, 500, []answer{{after: ms, status: 500}, {status: 200, body: summary}}, 1, ms, true},
		"both hang":                 {[]string{"billing"}, 500, []answer{hangs}, 2, time.Second, true},
		"an answer that the caller dislikes ends it": {[]string{"billing"}, 500, []answer{hangs, {status: 404, body: `{"type":"urn:t","title":"T","status":404,"detail":"No."}`}}, 2, 40 * ms, true},
		"off":                          {nil, 500, []answer{hangs}, 1, time.Second, true},
		"another service is":           {[]string{"orders"}, 500, []answer{hangs}, 1, time.Second, true},
		"too few to tell what is late": {[]string{"billing"}, 50, []answer{hangs}, 1, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: good}
				clients := newHedged(t, s, tc.hedged...)
				ask(t, clients, tc.warm, 1)
				s.set(func(n int) answer { return tc.answers[min(n, len(tc.answers))-1] })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				_, err := clients.BillingSummary(ctx, acme)
				took := time.Since(began)
				synctest.Wait()
				if requests, _ := s.counts(); requests != tc.requests || took > tc.within || (err != nil) != tc.err {
					t.Errorf("%d requests, %v, error %v; want %d within %v and an error: %t", requests, took, err, tc.requests, tc.within, tc.err)
				}
				if _, cancelled := s.counts(); tc.requests == 2 && !tc.err && name != "the hedge fails" && cancelled != 1 {
					t.Errorf("%d requests were cancelled, want the loser", cancelled)
				}
			})
		})
	}
}

// TestHedgesDoNotAmplifyAnOutage compares the requests that a failing service gets with
// and without hedges.
func TestHedgesDoNotAmplifyAnOutage(t *testing.T) {
	t.Parallel()
	const calls = 400
	every := func(k int, bad answer) func(int) answer {
		return func(n int) answer {
			if n%k == 0 {
				return bad
			}
			return good(n)
		}
	}
	const saved = 5
	// A quarter of the window: the circuit stays closed. Without hedges these are as many
	// requests, and as many retries at most where a failure is tried again.
	const quick = 100
	// Of 50 failures at once, how many are tried again is a matter of chance.
	const retries = 25
	for name, tc := range map[string]struct {
		bad   func(int) answer
		calls int // few where the circuit is to stay closed
		most  int // requests more than without hedges
	}{
		// No call is good, and none pays for a hedge. None is tried again either, which would
		// make the counts a matter of chance.
		"all hang":      {every(1, answer{after: time.Hour}), calls, saved},
		"all fail late": {every(1, answer{after: 300 * ms, status: 500}), calls, saved},
		// The circuit stays closed.
		"a third hangs":      {every(3, answer{after: time.Hour}), calls, calls / 20},
		"a third fails late": {every(3, answer{after: 300 * ms, status: 500}), calls, calls / 20},
		// No call is late, and none may have a hedge for having failed.
		"all answer 500 at once": {every(1, answer{after: ms, status: 500}), quick, 0},
		"all answer 429 at once": {every(1, answer{after: ms, status: 429}), quick, 0},
		"all are malformed":      {every(1, answer{after: ms, status: 200, body: "<html>"}), quick, 0},
		"all are reset at once":  {every(1, answer{after: ms, err: syscall.ECONNRESET}), quick, retries},
		"a tenth answers 500":    {every(10, answer{after: ms, status: 500}), calls, calls / 20},
		"a tenth is reset":       {every(10, answer{after: ms, err: syscall.ECONNRESET}), calls, calls / 20},
		// No failure at all.
		"all are slow": {func(int) answer { return answer{after: 900 * ms, status: 200, body: summary} }, calls, calls/20 + saved},
	} {
		for _, together := range []int{1, 50} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				count := func(hedged ...string) (requests int) {
					synctest.Test(t, func(t *testing.T) {
						s := &service{answer: good}
						clients := newHedged(t, s, hedged...)
						ask(t, clients, calls, together)
						s.set(tc.bad)
						ask(t, clients, tc.calls, together)
						synctest.Wait()
						requests, _ = s.counts()
					})
					return requests
				}
				without, with := count(), count("billing")
				t.Logf("%s, %d at once: %d requests, %d with hedges", name, together, without, with)
				if with > without+tc.most {
					t.Errorf("%d requests with hedges, %d without: want at most %d more", with, without, tc.most)
				}
			})
		}
	}
}

// TestWhatIsLateFollowsTheService: of its last 1,000 good calls.
func TestWhatIsLateFollowsTheService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: good}
		clients := newHedged(t, s, "billing")
		ask(t, clients, 1000, 1)
		s.set(always(answer{after: 100 * ms, status: 200, body: summary}))
		ask(t, clients, 1000, 1)
		s.set(func(n int) answer {
			return []answer{{after: time.Hour}, {after: 10 * ms, status: 200, body: summary}}[n-1]
		})
		began := time.Now()
		_, err := clients.BillingSummary(t.Context(), acme)
		if took := time.Since(began).Round(ms); err != nil || took != 110*ms {
			t.Errorf("%v after %v, want the answer of a hedge that began after 100 ms", err, took)
		}
		synctest.Wait()
	})
}

// TestHedgeThatIsNotPaid: the call waits for its first request, and that is the result.
func TestHedgeThatIsNotPaid(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]answer{
		"it fails":     {after: 100 * ms, status: 500},
		"it is broken": {after: 100 * ms, status: 200, body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: good}
				clients := newHedged(t, s, "billing")
				ask(t, clients, 500, 1)
				s.set(always(bad))
				ask(t, clients, 10, 1) // they pay with all that is saved
				if requests, _ := s.counts(); requests <= 10 || requests > 15 {
					t.Fatalf("%d requests of 10 calls, want hedges, five at most", requests)
				}
				s.set(always(bad))
				began := time.Now()
				_, err := clients.BillingSummary(t.Context(), acme)
				e, ok := errors.AsType[*upstream.Error](err)
				if requests, _ := s.counts(); !ok || e.Err == nil || (e.Status != 500 && e.Kind != upstream.Malformed) || requests != 1 || time.Since(began) != 100*ms {
					t.Errorf("%v and %d requests after %v, want what the one request brought", err, requests, time.Since(began))
				}
			})
		})
	}
}

// TestHedgedCallEndsInTime: with its deadline or its client, however long a call usually
// takes, and whether or not the transport heeds the context.
func TestHedgedCallEndsInTime(t *testing.T) {
	t.Parallel()
	const usual = 800 * ms
	for name, tc := range map[string]struct {
		warm, deadline, cancel time.Duration
	}{
		"a deadline before the call is late": {usual, 150 * ms, 0},
		"a deadline after that":              {10 * ms, 150 * ms, 0},
		"a client that leaves":               {usual, time.Second, 100 * ms},
		"a client that leaves the hedge":     {10 * ms, time.Second, 100 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: func(int) answer { return answer{after: tc.warm, status: 200, body: summary} }}
				clients := newHedged(t, heedless{s}, "billing")
				ask(t, clients, 200, 1)
				s.set(func(int) answer { return answer{after: usual, status: 200, body: summary} })
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				want := tc.deadline
				if tc.cancel > 0 {
					want = tc.cancel
					time.AfterFunc(tc.cancel, cancel)
				}
				began := time.Now()
				_, err := clients.BillingSummary(ctx, acme)
				if took := time.Since(began); took != want || errors.Is(err, context.Canceled) != (tc.cancel > 0) {
					t.Errorf("%v after %v, want the end of the context at %v", err, took, want)
				}
				time.Sleep(usual) // until the transport is done
			})
		})
	}
}

// heedless is a transport that does not heed its context.
type heedless struct{ http.RoundTripper }

func (h heedless) RoundTrip(r *http.Request) (*http.Response, error) {
	return h.RoundTripper.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
}

// TestHedgeIsNotShared: the request that it could share is the one that is late.
func TestHedgeIsNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: good}
		clients := newHedged(t, upstream.Coalesce(s, nil), "billing")
		ask(t, clients, 500, 1)
		s.set(func(n int) answer {
			if n == 1 {
				return answer{after: time.Hour}
			}
			return good(n)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := clients.BillingSummary(ctx, acme); err != nil || time.Since(began) > 40*ms {
			t.Errorf("%v after %v, want the hedge's answer", err, time.Since(began))
		}
		synctest.Wait()
		if requests, cancelled := s.counts(); requests != 2 || cancelled != 1 {
			t.Errorf("%d requests, %d cancelled, want 2 and the late one", requests, cancelled)
		}
	})
}

// TestHedgePanics: in a goroutine that is not the page's.
func TestHedgePanics(t *testing.T) {
	t.Parallel()
	clients := newHedged(t, panics{}, "billing")
	_, err := clients.BillingSummary(t.Context(), acme)
	if err == nil || !strings.Contains(err.Error(), "panic: boom") {
		t.Errorf("error %v, want the panic in it", err)
	}
}

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("boom") }
