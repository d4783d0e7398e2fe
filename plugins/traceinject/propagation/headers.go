package propagation

import (
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const baggageHeader = "baggage"

// Issued reports whether a header of that name, in any case, carries the trace.
func Issued(name string) bool {
	return strings.EqualFold(name, tracecontext.TraceparentHeader) || strings.EqualFold(name, tracecontext.TracestateHeader)
}

// Baggage says what becomes of a client's baggage header.
type Baggage string

// The choices for a client's baggage, which upstream services may believe.
const (
	BaggageRemove Baggage = "remove"
	BaggagePass   Baggage = "pass"
)

// UpstreamHeaders are the changes to the headers of the request to the service. A
// header without values is to be removed.
func (t Trace) UpstreamHeaders(b Baggage) map[string][]string {
	headers := map[string][]string{
		tracecontext.TraceparentHeader: {t.Context.String()},
		tracecontext.TracestateHeader:  {},
	}
	if state := t.State.String(); state != "" {
		headers[tracecontext.TracestateHeader] = []string{state}
	}
	if b == BaggageRemove {
		headers[baggageHeader] = []string{}
	}
	return headers
}

// ResponseHeaders tell the client the trace id in the header of that name; none if
// the name is empty.
func (t Trace) ResponseHeaders(name string) map[string][]string {
	if name == "" {
		return nil
	}
	return map[string][]string{name: {t.Context.TraceID.String()}}
}
