package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	// The circuit opens when half of the calls of the last ten seconds failed,
	// if there were enough to tell, and one call tries again every second.
	breakerShare  = 2 // one in two
	breakerCalls  = 20
	breakerWindow = 10 * time.Second
	breakerDelay  = time.Second

	// fairShare is the part of a page's budget that a call must have had for the end of
	// its time to count against the service: a half, less than the two thirds that a part
	// has which the page can do without. Otherwise callers with little time would open the
	// circuit for those with enough.
	fairShare = 2
)

func newBreaker(name string, observer Observer, logger *slog.Logger) *gobreaker.CircuitBreaker[any] {
	return gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		MaxRequests:  1,
		Interval:     breakerWindow,
		BucketPeriod: breakerWindow / 10,
		Timeout:      breakerDelay,
		ReadyToTrip:  unfit,
		IsSuccessful: func(err error) bool { return !unhealthy(err) },
		IsExcluded:   tellsNothing,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			observer.Circuit(name, stateLabel(to))
			logger.Warn("circuit breaker changed", "upstream", name, "from", from.String(), "to", to.String())
		},
	})
}

// unfit tells whether the circuit is to open.
func unfit(c gobreaker.Counts) bool {
	told := c.TotalSuccesses + c.TotalFailures
	return told >= breakerCalls && c.TotalFailures*breakerShare >= told
}

// unhealthy tells whether err counts against the service. Answers that the caller
// dislikes count for it.
func unhealthy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Kind == Timeout || e.Kind == Unavailable)
}

// tellsNothing tells whether err counts neither way, and leaves the turn to try to another
// call: what was cancelled, or had too little time.
func tellsNothing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err != nil && (!ok || e.excused)
}

// excuse marks the error of an attempt that had little time, and for want of it failed:
// its time ended, or the service said that its own did (504).
func excuse(ctx context.Context, short bool, err error) error {
	e, ok := errors.AsType[*Error](err)
	if ok && short && (left(ctx) <= 0 || e.Status == http.StatusGatewayTimeout) {
		e.excused = true
	}
	return err
}

// admitsShort tells whether a call with little time may be made. It would take the turn of
// the one call that tries whether a service is back, and might not tell: it has that turn
// once a second, for there may be no calls with more time.
func (g *guard) admitsShort() bool {
	if g.breaker.State() != gobreaker.StateHalfOpen {
		return true
	}
	_, ok := g.tries.Allow(time.Now())
	return ok
}
