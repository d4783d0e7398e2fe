package propagation

import (
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const baggageHeader = "baggage"

// Baggage says what becomes of a client's baggage header.
type Baggage string

// The choices for a client's baggage, which upstream services may believe.
const (
	BaggageRemove Baggage = "remove"
	BaggagePass   Baggage = "pass"
)

// Preserve stands, among the formats to write, for the one in which the client's trace
// was found.
const Preserve formats.Format = "preserve"

// Headers says what becomes of the headers that carry a trace. First the client's are
// removed, then the gateway's are written.
type Headers struct {
	Baggage Baggage
	// Pass are other formats' headers that the service gets as the client sent them, by
	// lower-case name. All others are removed: they say that the request is in a trace
	// which it is not in.
	Pass []string
	// Clear are more headers to remove, by lower-case name.
	Clear []string
	// Inject are formats to write besides W3C's, which always is; [Preserve] among them
	// is Default where no trace was found.
	Inject  []formats.Format
	Default formats.Format
}

// Issued reports whether a header of that name, in any case, carries the trace to the
// service.
func (h *Headers) Issued(name string) bool {
	carries := func(f formats.Format) bool {
		return slices.ContainsFunc(f.Headers(), func(header string) bool { return strings.EqualFold(header, name) })
	}
	if carries(formats.W3C) || slices.ContainsFunc(h.Inject, carries) {
		return true
	}
	return slices.Contains(h.Inject, Preserve) && slices.ContainsFunc(formats.All(), carries)
}

// Upstream are the changes to the headers of the request to the service. A header
// without values is to be removed.
func (h *Headers) Upstream(t Trace, r Request) map[string][]string {
	headers := map[string][]string{tracecontext.TracestateHeader: {}}
	for name := range r.Foreign {
		if !slices.Contains(h.Pass, name) {
			remove(headers, name, r.Foreign[name] != "")
		}
	}
	for _, name := range h.Clear {
		headers[name] = []string{}
	}
	if h.Baggage == BaggageRemove {
		headers[baggageHeader] = []string{}
	}
	set := func(name, value string) { headers[name] = []string{value} }
	for _, format := range h.Inject {
		if format == Preserve {
			format = h.preserved(t)
		}
		format.Write(t.sent(), set)
	}
	formats.W3C.Write(t.sent(), set)
	if state := t.State.String(); state != "" {
		set(tracecontext.TracestateHeader, state)
	}
	return headers
}

func (h *Headers) preserved(t Trace) formats.Format {
	if t.Format == "" {
		return h.Default
	}
	return t.Format
}

// remove removes a header, and where it is certain that there is one, by all names that a
// service may take for it: nginx knows no difference between a dash and an underscore,
// and neither do CGI and WSGI.
func remove(headers map[string][]string, name string, sent bool) {
	headers[name] = []string{}
	if !sent {
		return
	}
	parts := strings.Split(name, "-")
	for mix := 1; mix < 1<<(len(parts)-1); mix++ {
		spelled := parts[0]
		for i, part := range parts[1:] {
			dash := "-"
			if mix&(1<<i) != 0 {
				dash = "_"
			}
			spelled += dash + part
		}
		headers[spelled] = []string{}
	}
}

// sent is what the service gets as its parent.
func (t Trace) sent() tracecontext.Traceparent {
	sent := t.Context
	if !t.Call.IsZero() {
		sent.SpanID = t.Call
	}
	return sent
}

// Response says how the client is told of its trace.
type Response struct {
	// TraceID is the header with the trace id; none if empty.
	TraceID string
	// Traceresponse adds the header of that name (an editor's draft of W3C's: https://w3c.github.io/trace-context/).
	Traceresponse bool
	// ServerTiming is the metric of Server-Timing that has the gateway's span in its
	// description; none if empty.
	ServerTiming string
}

const (
	traceresponseHeader = "traceresponse"
	serverTimingHeader  = "Server-Timing"
)

// Headers are those of the answer to a request in a trace. The span in them is the
// gateway's own: what the client's request was to it.
func (r Response) Headers(t Trace) map[string][]string {
	headers := map[string][]string{}
	if r.TraceID != "" {
		headers[r.TraceID] = []string{t.Context.TraceID.String()}
	}
	if r.Traceresponse {
		headers[traceresponseHeader] = []string{t.Context.String()}
	}
	if r.ServerTiming != "" {
		headers[serverTimingHeader] = []string{r.ServerTiming + `;desc="` + t.Context.String() + `"`}
	}
	return headers
}
