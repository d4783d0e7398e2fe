package traceinject

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	pdk "github.com/Kong/go-pdk"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/internal/hopbyhop"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
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
	runtime  *Runtime
	policy   propagation.Policy
	headers  propagation.Headers
	response propagation.Response
	// told are headers that spans tell of.
	told     []string
	degraded bool
	// announcing is for the first request of a rewrite phase.
	announcing sync.Once
}

// newTracer returns a tracer beside an error, too: one that goes by what is right.
func (c *Config) newTracer() (*Tracer, error) {
	trusted, err := c.check()
	most := c.MaxParentSampled
	return &Tracer{
		runtime: c.runtime,
		policy: propagation.Policy{
			Incoming: c.Incoming, Trusted: trusted, Extract: c.Propagation.extract(),
			SampleRatio: c.SampleRatio, IgnoreParentSampled: c.IgnoreParentSampled,
			Keep: c.keep(), Calls: c.UpstreamSpans && c.runtime.Exports(),
			Force: func(id string) bool { return c.runtime.force(id, most) },
		},
		headers: propagation.Headers{
			Baggage: c.Baggage, Pass: c.PassHeaders,
			Clear: c.Propagation.Clear, Inject: c.Propagation.Inject, Default: c.Propagation.DefaultFormat,
		},
		response: c.response(),
		told:     c.HeaderAttributes,
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
	if r.Connection, err = e.Var(kongrequest.Connection); err != nil {
		return r, fmt.Errorf("read connection: %w", err)
	}
	if r.Traceparent, err = e.Var(kongrequest.Traceparent); err != nil {
		return r, fmt.Errorf("read traceparent: %w", err)
	}
	if r.Foreign, err = t.readForeign(e); err != nil {
		return r, fmt.Errorf("read trace headers: %w", err)
	}
	if r.Told, err = t.readTold(e); err != nil {
		return r, fmt.Errorf("read header attributes: %w", err)
	}
	if !t.policy.Found(r) || !t.policy.MayContinue() {
		return r, nil
	}
	if r.ID, err = t.readID(e); err != nil {
		return r, fmt.Errorf("read request id: %w", err)
	}
	if r.Traceparent != "" {
		if r.Tracestate, err = e.Var(kongrequest.Tracestate); err != nil {
			return r, fmt.Errorf("read tracestate: %w", err)
		}
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

// readID reads the id of a request whose client may force its trace, which it cannot where
// each trace is sampled.
func (t *Tracer) readID(e *kongrequest.Event) (string, error) {
	if t.policy.SampleRatio >= 1 || t.policy.IgnoreParentSampled {
		return "", nil
	}
	return e.Var(kongrequest.RequestID)
}

var traceHeaders = kongrequest.TraceHeaders()

// readForeign reads other formats' headers. Where each would cost a call, those are read
// that the config extracts, and any other may be there.
func (t *Tracer) readForeign(e *kongrequest.Event) (map[string]string, error) {
	all, err := e.All()
	if err != nil {
		return nil, err
	}
	foreign := map[string]string{}
	for name, variable := range traceHeaders {
		if !all && !t.policy.Extracts(name) {
			foreign[name] = ""
			continue
		}
		value, err := e.Var(variable)
		if err != nil {
			return nil, err
		}
		if value != "" {
			foreign[name] = value
		}
	}
	return foreign, nil
}

// Injection is all that is written for one request.
type Injection struct {
	// Trace is what the headers say, and what the log phase needs.
	Trace propagation.Trace
	// Sampled says that spans of the request are exported, however it ends.
	Sampled bool
	// Response are headers for the client.
	Response map[string][]string
	// Upstream are headers for the service. An empty list removes a header:
	// kong.service.request.set_headers takes it so, which saves calls.
	Upstream map[string][]string
	// Refusal is the answer to a request whose client would take the trace away again;
	// nil for any other.
	Refusal *hopbyhop.Refusal
}

// Refused is what the audit record says of a request with a [Injection.Refusal].
const Refused = "refused"

// begin decides which trace a request is in, without counting it.
func (t *Tracer) begin(r propagation.Request) propagation.Trace {
	return t.policy.Start(r, t.runtime.random)
}

// Announce puts a request in a trace for its log record and its client alone, without
// counting it: Kong may refuse it before its access phase, which decides anew, by the
// configuration that is the route's. It does no I/O.
func (t *Tracer) Announce(r propagation.Request) Injection {
	trace := t.begin(r)
	headers := t.response.Headers(trace)
	t.announcing.Do(func() { t.runtime.announced.add(slices.Collect(maps.Keys(headers))) })
	return Injection{Trace: trace, Response: headers}
}

// Inject decides which trace a request is in, and counts it. It does no I/O.
func (t *Tracer) Inject(r propagation.Request) Injection {
	trace := t.begin(r)
	t.runtime.metrics.traces.WithLabelValues(string(trace.Origin)).Inc()
	i := Injection{
		Trace:    trace,
		Sampled:  t.runtime.sampled(trace),
		Response: t.runtime.announced.withdraw(t.response.Headers(trace)),
		Upstream: t.headers.Upstream(trace, r),
	}
	if name, found := hopbyhop.Named(r.Connection, t.headers.Issued); found {
		refusal := hopbyhop.Refuse(name)
		maps.Copy(refusal.Headers, i.Response)
		i.Refusal = &refusal
	}
	return i
}

// Outcome is what there is to say of an injection in a word; empty where all is well.
func (t *Tracer) Outcome(i Injection) string {
	switch {
	case i.Refusal != nil:
		return Refused
	case t.degraded:
		return kongrecord.Degraded
	}
	return ""
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
	fields := []kongwrite.LogField{
		{Key: "trace_id", Value: structpb.NewStringValue(span.TraceID.String())},
		{Key: "span_id", Value: structpb.NewStringValue(span.SpanID.String())},
	}
	if i.Sampled {
		fields = append(fields, kongwrite.Sampled())
	}
	return kongwrite.SetLogFields(kong, fields...)
}

// Note is a log field that leaves the trace to the log phase, in place of
// [Injection.Share] where there are no log plugins.
func (i Injection) Note() (kongwrite.LogField, error) {
	text, err := i.Trace.Encode()
	return kongwrite.Traced(i.Trace.Context.TraceID.String(), text, i.Sampled), err
}
