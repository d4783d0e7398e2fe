package upstream_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// always is a service that does the same with every call.
func always(a answer) func(int) answer { return func(int) answer { return a } }

// retry is how long a retry waits at most.
const retry = 30 * ms

// within asks for one thing within a time, and tells how that ended; "" is well.
func within(t *testing.T, clients *upstream.Clients, wait time.Duration) upstream.Kind {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := clients.BillingSummary(ctx, acme)
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		return e.Kind
	}
	if err != nil {
		t.Error(err)
	}
	return ""
}

// TestCallersWithoutTime: those with little do not open the circuit for those with enough.
func TestCallersWithoutTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer answer
		wait   time.Duration
		opens  bool
	}{
		"a millisecond":                  {answer{after: 40 * ms, status: 200, body: summary}, ms, false},
		"a little less than is needed":   {answer{after: 40 * ms, status: 200, body: summary}, 30 * ms, false},
		"less than half of the budget":   {answer{after: time.Hour}, budget/2 - ms, false},
		"the service ran out of it":      {answer{after: 10 * ms, status: 504}, 20 * ms, false},
		"the service failed in time":     {answer{after: 10 * ms, status: 500}, 20 * ms, true},
		"half of the budget":             {answer{after: time.Hour}, budget / 2, true},
		"what a part has that may lack":  {answer{after: time.Hour}, budget * 2 / 3, true},
		"the service ran out of enough":  {answer{after: 10 * ms, status: 504}, budget, true},
		"the dialer gave up long before": {answer{after: 10 * ms, err: dialTimeout{}}, budget / 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &service{answer: always(tc.answer)}
				clients := newClients(t, transport, io.Discard)
				for range 40 {
					go within(t, clients, tc.wait)
				}
				time.Sleep(min(tc.wait, tc.answer.after+2*retry))
				synctest.Wait()
				transport.set(always(answer{after: 40 * ms, status: 200, body: summary}))
				want := upstream.Kind("")
				if tc.opens {
					want = upstream.CircuitOpen
				}
				if got := within(t, clients, budget); got != want {
					t.Errorf("a caller with all the time: %q, want %q", got, want)
				}
			})
		})
	}
}

// dialTimeout is how a dialer's own timeout looks.
type dialTimeout struct{}

func (dialTimeout) Error() string   { return "i/o timeout" }
func (dialTimeout) Timeout() bool   { return true }
func (dialTimeout) Temporary() bool { return true }

// open opens the circuit, and lets the time pass until one call may try.
func open(t *testing.T, clients *upstream.Clients, transport *service) {
	t.Helper()
	transport.set(always(answer{status: 500}))
	for range 20 {
		within(t, clients, budget)
	}
	if got := within(t, clients, budget); got != upstream.CircuitOpen {
		t.Fatalf("%q, want the circuit open", got)
	}
	time.Sleep(time.Second + ms)
}

// cancelled makes a call that is cancelled after a millisecond.
func cancelled(t *testing.T, clients *upstream.Clients) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(ms, cancel)
	if _, err := clients.BillingSummary(ctx, acme); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it to be cancelled", err)
	}
}

// TestWhatTellsNothingDoesNotTry: a circuit that is half open stays so after calls that
// had too little time or were cancelled, and the next with enough may try.
func TestWhatTellsNothingDoesNotTry(t *testing.T) {
	t.Parallel()
	good := answer{after: 40 * ms, status: 200, body: summary}
	for name, tc := range map[string]struct {
		before func(*testing.T, *upstream.Clients, *service)
		then   answer
		want   upstream.Kind
	}{
		"too little time": {func(t *testing.T, clients *upstream.Clients, _ *service) { within(t, clients, 2*ms) }, good, ""},
		"refused for it": {func(t *testing.T, clients *upstream.Clients, transport *service) {
			transport.set(always(answer{status: 504, body: tooLittle}))
			within(t, clients, budget)
		}, good, ""},
		"cancelled": {func(t *testing.T, clients *upstream.Clients, _ *service) { cancelled(t, clients) }, good, ""},
		"many at once": {func(t *testing.T, clients *upstream.Clients, _ *service) {
			for range 50 {
				go within(t, clients, 30*ms)
			}
			time.Sleep(30 * ms)
			synctest.Wait()
			go within(t, clients, 30*ms) // has no turn before the second is over
			synctest.Wait()
		}, good, ""},
		"the service still fails": {func(t *testing.T, clients *upstream.Clients, _ *service) { within(t, clients, 2*ms) }, answer{status: 500}, upstream.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &service{}
				clients := newClients(t, transport, io.Discard)
				open(t, clients, transport)
				transport.set(always(good))
				tc.before(t, clients, transport)
				transport.set(always(tc.then))
				if got := within(t, clients, budget); got != tc.want {
					t.Errorf("the try ends with %q, want %q", got, tc.want)
				}
				after := upstream.Kind("")
				if tc.want != "" {
					after = upstream.CircuitOpen
				}
				transport.set(always(good))
				if got := within(t, clients, budget); got != after {
					t.Errorf("the call after it ends with %q, want %q", got, after)
				}
			})
		})
	}
}

// TestCancelledTryDoesNotCloseTheCircuit: nor does one that had too little time; the
// service still hangs.
func TestCancelledTryDoesNotCloseTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &service{}
		clients := newClients(t, transport, io.Discard)
		open(t, clients, transport)
		transport.set(always(answer{after: time.Hour}))
		cancelled(t, clients)
		within(t, clients, ms)
		go within(t, clients, budget) // the try
		synctest.Wait()
		if got := within(t, clients, budget); got != upstream.CircuitOpen {
			t.Errorf("%q, want the circuit to let one call try and no more", got)
		}
		time.Sleep(budget + retry)
	})
}

// TestCallersWithLittleTimeCloseTheCircuit: there may be no others.
func TestCallersWithLittleTimeCloseTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &service{}
		clients := newClients(t, transport, io.Discard)
		open(t, clients, transport)
		transport.set(always(answer{after: 5 * ms, status: 200, body: summary}))
		for i := range 3 {
			if got := within(t, clients, 30*ms); got != "" {
				t.Errorf("call %d ends with %q, want an answer", i, got)
			}
		}
	})
}
