package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// Kind is how a call to a service went wrong.
type Kind string

// The kinds. Timeout and Unavailable count against the service in its circuit breaker,
// Rejected and Malformed for it, as it answers.
const (
	// Timeout: no answer within the time that the call had, or a service that refused it
	// as that was too little. A call that had too little time does not count.
	Timeout Kind = "timeout"
	// Unavailable: no connection, a connection that broke, a 5xx or a 429.
	Unavailable Kind = "unavailable"
	// Rejected: a 4xx; the same call would be rejected again.
	Rejected Kind = "rejected"
	// Malformed: an answer that breaks the contract.
	Malformed Kind = "malformed"
	// CircuitOpen: not called, as the last calls went wrong.
	CircuitOpen Kind = "circuit open"
)

// Error is a call that did not bring what it was to bring.
type Error struct {
	Upstream string // name of the service: "orders"
	Kind     Kind
	Status   int // HTTP status; 0 if there was no answer
	Err      error

	late    bool // no time was left for another attempt
	excused bool // the service had too little time, which says nothing of it
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Upstream, e.Kind, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Problem is how the error looks to a client of a page that needs the service:
// 504 if the service ran out of time, 502 otherwise. It says which service, but
// nothing of the cause.
func (e *Error) Problem() *problem.Details {
	d := problem.New(problem.TypeUpstreamUnavailable, "Upstream unavailable", http.StatusBadGateway,
		fmt.Sprintf("The %s service could not serve its part. Try again.", e.Upstream))
	if e.Kind == Timeout {
		d = problem.New(problem.TypeUpstreamTimeout, "Upstream timed out", http.StatusGatewayTimeout,
			fmt.Sprintf("The %s service did not answer in time. Try again.", e.Upstream))
	}
	d.Upstream = e.Upstream
	return d
}

// HasStatus tells whether err is a service's answer with that HTTP status.
func HasStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

// NilIfNotFound takes a service's 404 for an answer: there is no such thing.
func NilIfNotFound[T any](v *T, err error) (*T, error) {
	if HasStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	return v, err
}

// statusError is an answer that says that the service cannot serve now, or not in the
// time that it was given.
type statusError struct {
	status        int
	tooLittleTime bool
}

func (e *statusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status))
}

// answered is implemented by the generated clients' errors for answers that
// their contracts know as errors.
type answered interface{ GetStatusCode() int }

// classify makes an *Error of what a generated client returned. A context that
// was cancelled is nobody's failure and comes back as it is.
func classify(ctx context.Context, name string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("call %s: %w", name, context.Canceled)
	}
	kind, status := diagnose(ctx, err)
	refusal, ok := errors.AsType[*statusError](err)
	return &Error{Upstream: name, Kind: kind, Status: status, Err: err, late: left(ctx) < retryRoom, excused: ok && refusal.tooLittleTime}
}

func diagnose(ctx context.Context, err error) (Kind, int) {
	if e, ok := errors.AsType[*statusError](err); ok {
		if e.tooLittleTime {
			return Timeout, e.status
		}
		return Unavailable, e.status
	}
	var a answered
	if errors.As(err, &a) {
		return Rejected, a.GetStatusCode()
	}
	var n net.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &n) && n.Timeout():
		return Timeout, 0
	case isTransport(err):
		return Unavailable, 0
	}
	return Malformed, 0
}

// classified is err if it is an *Error, and what classify makes of it if not: of what
// failsafe returned, or of a panic.
func classified(ctx context.Context, name string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return classify(ctx, name, err)
}
