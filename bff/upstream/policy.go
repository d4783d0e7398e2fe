package upstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	// retryDelay is waited before the one retry, with jitter, so that a service
	// that restarts is not met by all its callers at once.
	retryDelay = 20 * time.Millisecond
	// retryRoom is the time that must be left for a retry to be worth it.
	retryRoom = 3 * retryDelay

	// The circuit opens when half of the calls of the last ten seconds failed,
	// if there were enough to tell, and one call tries again every second.
	breakerRate   = 0.5
	breakerCalls  = 20
	breakerWindow = 10 * time.Second
	breakerDelay  = time.Second
)

// guard holds the policies of one service: one retry (every call is a GET,
// hence idempotent), at most a fifth of the calls in flight being retries, and
// inside it a circuit breaker, which counts each attempt.
type guard struct {
	name     string
	executor failsafe.Executor[any]
	hedges   *hedges // nil: none
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
	breaker := circuitbreaker.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return unhealthy(err) }).
		WithFailureRateThreshold(breakerRate, breakerCalls, breakerWindow).
		WithDelay(breakerDelay).
		WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			observer.Circuit(name, stateLabel(e.NewState))
			o.Logger.Warn("circuit breaker changed", "upstream", name, "from", e.OldState.String(), "to", e.NewState.String())
		}).
		Build()
	g := &guard{name: name, executor: failsafe.With(retry, breaker), observer: observer}
	if slices.Contains(o.Hedged, name) {
		g.hedges = newHedges(name, observer)
	}
	return g
}

// call runs fn under g's policies. Its errors are *Error, or wrap
// context.Canceled if ctx was cancelled.
func call[T any](ctx context.Context, g *guard, fn func(context.Context) (T, error)) (T, error) {
	var result T
	began := time.Now()
	err := g.executor.WithContext(ctx).Run(func() error {
		v, err := attempt(ctx, g, fn)
		if err != nil {
			return err
		}
		result = v
		return nil
	})
	err = refusedByPolicy(ctx, g.name, err)
	g.observer.Called(g.name, outcome(err), time.Since(began))
	return result, err
}

// attempt runs fn once, or twice where it is hedged.
func attempt[T any](ctx context.Context, g *guard, fn func(context.Context) (T, error)) (T, error) {
	if g.hedges == nil {
		v, err := fn(ctx)
		return v, classify(ctx, g.name, err)
	}
	v, err := g.hedges.do(ctx, func(ctx context.Context) (any, error) {
		v, err := fn(ctx)
		return v, classify(ctx, g.name, err)
	})
	if err != nil {
		var none T
		return none, refusedByPolicy(ctx, g.name, err)
	}
	return v.(T), nil
}

// late tells whether the time that ctx has left is too short for another attempt.
func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < retryRoom
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

// unhealthy tells whether err counts against the service. Cancelled calls and
// answers that the caller dislikes do not.
func unhealthy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.refused && (e.Kind == Timeout || e.Kind == Unavailable)
}
