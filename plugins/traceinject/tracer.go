package traceinject

import (
	"fmt"
	"net/netip"

	pdk "github.com/Kong/go-pdk"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// SharedKey is where an event leaves the trace in kong.ctx.shared, as the text
// of [propagation.Trace.Encode].
const SharedKey = "gatehouse.trace"

// Tracer is what a config does: it puts requests in traces and exports their spans. The
// plugin's own handlers use it, and so does the plugin that runs all in one hop. It is
// safe for concurrent use.
type Tracer struct {
	runtime *Runtime
	policy  propagation.Policy
	// baggage and responseHeader are the config's fields of those names.
	baggage        propagation.Baggage
	responseHeader string
	degraded       bool
}

// newTracer returns a tracer beside an error, too: one that goes by what is right.
func (c *Config) newTracer() (*Tracer, error) {
	trusted, err := c.check()
	return &Tracer{
		runtime: c.runtime,
		policy: propagation.Policy{
			Incoming: c.Incoming, Trusted: trusted,
			SampleRatio: c.SampleRatio, IgnoreParentSampled: c.IgnoreParentSampled,
		},
		baggage: c.Baggage, responseHeader: c.ResponseHeader,
		degraded: err != nil,
	}, err
}

// Degraded reports whether the config has a mistake in it.
func (t *Tracer) Degraded() bool { return t.degraded }

// Read asks Kong for what [Tracer.Inject] needs. Header values are nginx's
// variables: they hold all lines of a header, joined with commas, where
// kong.request.get_header has only the first.
func (t *Tracer) Read(e *kongrequest.Event) (propagation.Request, error) {
	var r propagation.Request
	var err error
	if r.Traceparent, err = e.Var(kongrequest.Traceparent); err != nil {
		return r, fmt.Errorf("read traceparent: %w", err)
	}
	if r.Traceparent == "" || !t.policy.MayContinue() {
		return r, nil
	}
	if r.Tracestate, err = e.Var(kongrequest.Tracestate); err != nil {
		return r, fmt.Errorf("read tracestate: %w", err)
	}
	if len(t.policy.Trusted) == 0 {
		return r, nil
	}
	address, err := e.Var(kongrequest.RemoteAddr)
	if err != nil {
		return r, fmt.Errorf("read client address: %w", err)
	}
	r.Client, _ = netip.ParseAddr(address) // what is no address is in no trusted network
	return r, nil
}

// Injection is all that is written for one request.
type Injection struct {
	// Trace is what the headers say, and what the log phase needs.
	Trace propagation.Trace
	// Response are headers for the client.
	Response map[string][]string
	// Upstream are headers for the service. An empty list removes a header:
	// kong.service.request.set_headers takes it so, which saves calls.
	Upstream map[string][]string
}

// begin decides which trace a request is in, without counting it.
func (t *Tracer) begin(r propagation.Request) propagation.Trace {
	return t.policy.Start(r, t.runtime.random)
}

// Inject decides which trace a request is in, and counts it. It does no I/O.
func (t *Tracer) Inject(r propagation.Request) Injection {
	trace := t.begin(r)
	t.runtime.metrics.traces.WithLabelValues(string(trace.Origin)).Inc()
	return Injection{
		Trace:    trace,
		Response: trace.ResponseHeaders(t.responseHeader),
		Upstream: trace.UpstreamHeaders(t.baggage),
	}
}

// Share leaves the trace to the log phase and to log plugins, which write trace_id and
// span_id. The headers, which others may have some of as well, are the caller's to set.
func (i Injection) Share(kong *pdk.PDK) error {
	text, err := i.Trace.Encode()
	if err == nil {
		err = kong.Ctx.SetShared(SharedKey, text)
	}
	if err != nil {
		return fmt.Errorf("share trace: %w", err)
	}
	span := i.Trace.Context
	return kongwrite.SetLogFields(kong,
		kongwrite.LogField{Key: "trace_id", Value: structpb.NewStringValue(span.TraceID.String())},
		kongwrite.LogField{Key: "span_id", Value: structpb.NewStringValue(span.SpanID.String())})
}

// Note is a log field that leaves the trace to the log phase, in place of
// [Injection.Share] where there are no log plugins.
func (i Injection) Note() (kongwrite.LogField, error) {
	text, err := i.Trace.Encode()
	return kongwrite.Traced(i.Trace.Context.TraceID.String(), text), err
}
