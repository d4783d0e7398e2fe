package upstream

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Observer is told what becomes of calls, for metrics. Its methods are called by many
// goroutines at once.
type Observer interface {
	// Called is told of a call of a page's, retries and hedges included, once it is over.
	// ctx is the page's, with its span; outcome is one of Outcomes.
	Called(ctx context.Context, upstream, outcome string, took time.Duration)
	// Retried and Hedged are told of each request beyond the first of a call.
	Retried(upstream string)
	Hedged(upstream string)
	// Circuit is told of each change of a circuit breaker; state is one of CircuitStates.
	// The breaker waits for it.
	Circuit(upstream, state string)
}

// Outcomes returns how a call can end: ok, cancelled, and the kinds of errors with an
// underscore for each space.
func Outcomes() []string {
	list := []string{outcomeOK, outcomeCancelled}
	for _, kind := range []Kind{Timeout, Unavailable, Rejected, Malformed, CircuitOpen} {
		list = append(list, label(kind))
	}
	return list
}

// CircuitStates returns the states of a circuit breaker; the first is that of a new one.
func CircuitStates() []string {
	return []string{stateLabel(gobreaker.StateClosed), stateLabel(gobreaker.StateHalfOpen), stateLabel(gobreaker.StateOpen)}
}

const (
	outcomeOK        = "ok"
	outcomeCancelled = "cancelled"
)

func stateLabel(s gobreaker.State) string { return strings.ReplaceAll(s.String(), "-", "_") }

func label(k Kind) string { return strings.ReplaceAll(string(k), " ", "_") }

func outcome(err error) string {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return outcomeOK
	case ok:
		return label(e.Kind)
	case errors.Is(err, context.Canceled):
		return outcomeCancelled
	}
	return label(Unavailable)
}

// nobody is the observer where there is none.
type nobody struct{}

func (nobody) Called(context.Context, string, string, time.Duration) {}
func (nobody) Retried(string)                                        {}
func (nobody) Hedged(string)                                         {}
func (nobody) Circuit(string, string)                                {}
