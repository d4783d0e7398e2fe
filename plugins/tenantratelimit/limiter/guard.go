package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// ErrOpen says that the breaker is open: the store was not asked.
var ErrOpen = errors.New("circuit breaker is open")

// Breaker opens after failures in a row and lets one call try again after a
// pause. It belongs to one Redis, and is shared by everybody who calls it.
type Breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
	last    atomic.Pointer[error]
}

// How soon a Redis is given up on, and how long it is left alone.
const (
	breakerFailures = 5
	breakerPause    = time.Second
)

// NewBreaker calls tripped once, with the last error, when a healthy Redis is
// given up on, and recovered once when it is healthy again, however many tries
// lie between.
func NewBreaker(tripped func(error), recovered func()) *Breaker {
	b := &Breaker{}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(breakerFailures).
		WithSuccessThreshold(1). // one call alone tries again
		WithDelay(breakerPause).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			switch {
			case e.OldState == circuitbreaker.ClosedState && e.NewState == circuitbreaker.OpenState:
				tripped(*b.last.Load())
			case e.NewState == circuitbreaker.ClosedState:
				recovered()
			}
		}).Build()
	return b
}

// Do runs call unless the breaker is open, and gives it until timeout.
func (b *Breaker) Do(ctx context.Context, timeout time.Duration, call func(context.Context) error) error {
	if !b.circuit.TryAcquirePermit() {
		return ErrOpen
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := call(ctx); err != nil {
		err = fmt.Errorf("ask redis within %v: %w", timeout, err)
		b.last.Store(&err)
		b.circuit.RecordFailure()
		return err
	}
	b.circuit.RecordSuccess()
	return nil
}
