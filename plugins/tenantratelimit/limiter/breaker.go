package limiter

import (
	"errors"
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

// Do runs call unless the breaker is open. Each failed call counts as one,
// however many requests waited for it.
func (b *Breaker) Do(call func() error) error {
	if !b.begin() {
		return ErrOpen
	}
	err := call()
	b.end(err)
	return err
}

// begin says whether a call may be made. Where it may, end is told how it went.
func (b *Breaker) begin() bool { return b.circuit.TryAcquirePermit() }

// end counts no [Word] as a failure. But a Redis that was given up on is not back before
// it decides something.
func (b *Breaker) end(err error) {
	switch {
	case err == nil:
		b.circuit.RecordSuccess()
	case wordOf(err) == "" || !b.circuit.IsClosed():
		b.last.Store(&err)
		b.circuit.RecordFailure()
	}
}

// Refuses is true while Do would not run a call.
func (b *Breaker) Refuses() bool {
	return !b.circuit.IsClosed() && b.circuit.RemainingDelay() > 0
}
