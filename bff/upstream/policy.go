package upstream

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/sony/gobreaker/v2"

	"github.com/gatehousehq/gatehouse/internal/throttle"
)

const (
	// retryDelay is waited before the one retry, with jitter, so that a service
	// that restarts is not met by all its callers at once.
	retryDelay = 20 * time.Millisecond
	// retryRoom is the time that must be left for a retry to be worth it.
	retryRoom = 3 * retryDelay
)

// guard holds the policies of one service: one retry (every call is a GET,
// hence idempotent), at most a fifth of the calls in flight being retries, and
// inside it a circuit breaker, which counts each attempt.
type guard struct {
	name     string
	retry    failsafe.Executor[any]
	breaker  *gobreaker.CircuitBreaker[any]
	fair     time.Duration     // what an attempt has at least that tells of the service by running out
	tries    throttle.Throttle // of calls with less, while the circuit is half open
	hedges   *hedges           // nil: none
	observer Observer
}

func newGuard(name string, o Options) *guard {
	observer := o.Observer
	if observer == nil {
		observer = nobody{}
	}
	retry := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return retryable(err) }).
		WithMaxRetries(1).
		WithDelay(retryDelay).
		WithJitterFactor(0.5).
		WithBudget(budget.New()).
		ReturnLastFailure().
		OnRetry(func(failsafe.ExecutionEvent[any]) { observer.Retried(name) }).
		Build()
	g := &guard{name: name, retry: failsafe.With(retry), breaker: newBreaker(name, observer, o.Logger), fair: o.Budget / fairShare, observer: observer}
	if slices.Contains(o.Hedged, name) {
		g.hedges = newHedges(name, observer)
	}
	return g
}

// call runs fn under g's policies. Its errors are *Error, or wrap
// context.Canceled if ctx was cancelled.
func call[T any](ctx context.Context, g *guard, fn func(context.Context) (T, error)) (T, error) {
	var last struct { // what the last attempt brought
		v   any
		err error
	}
	began := time.Now()
	err := g.retry.WithContext(ctx).Run(func() error {
		last.v, last.err = attempt(ctx, g, fn)
		return last.err
	})
	if errors.Is(err, budget.ErrExceeded) { // no other attempt was to be had
		err = last.err
	}
	err = classified(ctx, g.name, err)
	g.observer.Called(ctx, g.name, outcome(err), time.Since(began))
	result, _ := last.v.(T)
	return result, err
}

// attempt runs fn, unless the circuit is open. Its value is a T, or nil.
func attempt[T any](ctx context.Context, g *guard, fn func(context.Context) (T, error)) (any, error) {
	short := left(ctx) < g.fair
	if short && !g.admitsShort() {
		return nil, &Error{Upstream: g.name, Kind: CircuitOpen, Err: gobreaker.ErrTooManyRequests}
	}
	v, err := g.breaker.Execute(func() (any, error) {
		v, err := request(ctx, g, fn)
		if err != nil {
			return nil, excuse(ctx, short, err)
		}
		return v, nil
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return nil, &Error{Upstream: g.name, Kind: CircuitOpen, Err: err}
	}
	return v, err
}

// request runs fn once, or twice where it is hedged.
func request[T any](ctx context.Context, g *guard, fn func(context.Context) (T, error)) (T, error) {
	if g.hedges == nil {
		v, err := fn(ctx)
		return v, classify(ctx, g.name, err)
	}
	v, err := hedged(ctx, g.hedges, func(ctx context.Context) (T, error) {
		v, err := fn(ctx)
		return v, classify(ctx, g.name, err)
	})
	return v, classified(ctx, g.name, err)
}

// left is the time that ctx has left, a long one if it has no deadline.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return time.Until(deadline)
}

// retryable tells whether another attempt may succeed where this one failed. A
// 500 or a 429 would come again; what ran out of time has none left.
func retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Unavailable || e.late {
		return false
	}
	switch e.Status {
	case 0, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
