package traceinject

import (
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const baggageHeader = "baggage"

// Injection is all that the access phase writes for one request.
type Injection struct {
	// Trace is what the headers say, and what the log phase needs.
	Trace Trace
	// Response are headers for the client.
	Response map[string][]string
	// Upstream are headers for the service. An empty list removes a header:
	// kong.service.request.set_headers takes it so, which saves calls.
	Upstream map[string][]string
}

// Inject decides what a request gets and counts it. It does no I/O.
func (c *Config) Inject(r Request) Injection {
	t := c.policy.Start(r, c.runtime.random)
	c.runtime.metrics.traces.WithLabelValues(string(t.Origin)).Inc()
	i := Injection{Trace: t, Upstream: c.upstreamHeaders(t)}
	if c.ResponseHeader != "" {
		i.Response = map[string][]string{c.ResponseHeader: {t.Context.TraceID.String()}}
	}
	return i
}

func (c *Config) upstreamHeaders(t Trace) map[string][]string {
	headers := map[string][]string{
		tracecontext.TraceparentHeader: {t.Context.String()},
		tracecontext.TracestateHeader:  {},
	}
	if state := t.State.String(); state != "" {
		headers[tracecontext.TracestateHeader] = []string{state}
	}
	if c.Baggage == BaggageRemove {
		headers[baggageHeader] = []string{}
	}
	return headers
}

// Recall is the trace that the access phase left as the text of [Trace.Encode].
// Anything but that, nil above all, means that Kong refused the request before its
// access phase; the request then gets a trace of its own.
func (c *Config) Recall(left any) (Trace, error) {
	text, ok := left.(string)
	if !ok {
		return c.policy.Start(Request{}, c.runtime.random), nil
	}
	return decodeTrace(text)
}

// Wanted reports whether a span of t would be exported: t is sampled, and the
// runtime has an exporter. If not, there is no need to ask Kong for its record.
func (c *Config) Wanted(t Trace) bool {
	return c.runtime.exports() && t.Context.Flags.Sampled()
}

// Exports reports whether there is an exporter: without one no span is wanted.
func (c *Config) Exports() bool { return c.runtime.exports() }

// Export hands the server span of a request to the exporter's queue, if the
// trace is wanted. It does not block.
func (c *Config) Export(t Trace, record *kongrecord.Record) error {
	if !c.Wanted(t) {
		return nil
	}
	s := served{record}
	if !s.plausible() {
		c.runtime.metrics.spans.WithLabelValues(spanUnreadable).Inc()
		return errRecordTime
	}
	recordSpan(c.runtime.tracer, t, s)
	return nil
}
