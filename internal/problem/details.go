package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gatehousehq/gatehouse/internal/httpjson"
)

// Kinds of problems, the `type` member. A client may rely on them.
const (
	TypeInvalidParameter    = "urn:gatehouse:problem:invalid-parameter"
	TypeMalformedRequest    = "urn:gatehouse:problem:malformed-request"
	TypeIdentityMissing     = "urn:gatehouse:problem:identity-missing"
	TypeInvalidToken        = "urn:gatehouse:problem:invalid-token"
	TypeForbiddenPeer       = "urn:gatehouse:problem:forbidden-peer"
	TypeConnectionOption    = "urn:gatehouse:problem:connection-option"
	TypeTooManyHeaders      = "urn:gatehouse:problem:too-many-headers"
	TypeNotFound            = "urn:gatehouse:problem:not-found"
	TypeMethodNotAllowed    = "urn:gatehouse:problem:method-not-allowed"
	TypeClientClosed        = "urn:gatehouse:problem:client-closed-request"
	TypeInternal            = "urn:gatehouse:problem:internal"
	TypeUpstreamUnavailable = "urn:gatehouse:problem:upstream-unavailable"
	TypeUpstreamTimeout     = "urn:gatehouse:problem:upstream-timeout"
	TypeTooLittleTime       = "urn:gatehouse:problem:too-little-time"
	TypeOverloaded          = "urn:gatehouse:problem:overloaded"
	TypeInjectedFault       = "urn:gatehouse:problem:injected-fault"
)

// statusClientClosedRequest is nginx's status for a client that went away: for
// the log and the span, as nobody is left to read it.
const statusClientClosedRequest = 499

// Details are the members of a problem. Parameter and Upstream are extension
// members and left out when empty.
type Details struct {
	Document
	Parameter string `json:"parameter,omitempty"`
	Upstream  string `json:"upstream,omitempty"`
}

// New makes details without extension members.
func New(kind, title string, status int, detail string) *Details {
	return &Details{Document: Document{Type: kind, Title: title, Status: status, Detail: detail}}
}

// Error makes details usable as an error that From gives back unchanged.
func (d *Details) Error() string { return fmt.Sprintf("%s: %s", d.Title, d.Detail) }

// Problem is implemented by errors that know how they look to a client.
type Problem interface {
	Problem() *Details
}

// From turns any error into details. An error that is neither Details nor a Problem
// nor the end of a context becomes a 500 whose text says nothing of err.
func From(err error) *Details {
	if d, ok := errors.AsType[*Details](err); ok {
		return d
	}
	var p Problem
	if errors.As(err, &p) {
		return p.Problem()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return New(TypeUpstreamTimeout, "Upstream timed out", http.StatusGatewayTimeout,
			"The time for this page ran out. Try again.")
	case errors.Is(err, context.Canceled):
		return New(TypeClientClosed, "Client closed request", statusClientClosedRequest,
			"The client went away before the answer was ready.")
	}
	return Internal()
}

// Internal is the answer to a fault of our own.
func Internal() *Details {
	return New(TypeInternal, "Internal error", http.StatusInternalServerError,
		"The request could not be served. Try again; if it stays, report the trace id.")
}

// NotFound says that what is missing. The text names no tenant, so that it is the same
// whether a thing does not exist or belongs to somebody else.
func NotFound(what string) *Details {
	return New(TypeNotFound, "Not found", http.StatusNotFound, "There is no "+what+".")
}

// InvalidParameter says which parameter is wrong, and why.
func InvalidParameter(name, detail string) *Details {
	d := New(TypeInvalidParameter, "Invalid parameter", http.StatusBadRequest, detail)
	d.Parameter = name
	return d
}

// Malformed says what is wrong with a request as a whole.
func Malformed(detail string) *Details {
	return New(TypeMalformedRequest, "Malformed request", http.StatusBadRequest, detail)
}

// WriteRetry answers with d, and says after how many seconds another try is worth it.
func WriteRetry(w http.ResponseWriter, d *Details, seconds int) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	Write(w, d)
}

// Write answers with d.
func Write(w http.ResponseWriter, d *Details) { httpjson.Write(w, d.Status, ContentType, d) }
