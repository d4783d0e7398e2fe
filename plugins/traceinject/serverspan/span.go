package serverspan

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Recorder makes spans of requests that are over.
type Recorder struct {
	// Tracer is of a provider that takes its ids from [IDs].
	Tracer trace.Tracer
	// Scrubber says what of a client's texts may be in a span; nil: nothing.
	Scrubber Scrubber
	// Random is for the ids of spans that nobody has been told of.
	Random propagation.Random
}

// Record starts and ends the server span of a request in a trace, and where calls have
// spans, one for each try of the upstream. Its error is [ErrTime], and then there is none.
func (rec *Recorder) Record(t propagation.Trace, r *Request) error {
	if !r.plausible() {
		return ErrTime
	}
	start, end := r.times()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(start),
		trace.WithAttributes(append(r.attributes(rec.Scrubber), told(t.Told)...)...),
	}
	if !t.Link.IsZero() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: spanContext(t.Link)}))
	}
	ctx, span := rec.Tracer.Start(spanStartContext(t), r.spanName(), options...)
	if r.Status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(end))
	if !t.Call.IsZero() {
		rec.calls(ctx, t, r, start, end)
	}
	return nil
}

// spanKey is where a context has the gateway's own span.
type spanKey struct{}

// spanStartContext carries what the SDK must not choose itself: the ids that
// are already on the upstream request, and the parent.
func spanStartContext(t propagation.Trace) context.Context {
	ctx := context.WithValue(context.Background(), spanKey{}, t.Context)
	if t.Parent.IsZero() {
		// The SDK takes a root's flags from a parent that is none.
		flags := trace.TraceFlags(t.Context.Flags)
		return trace.ContextWithSpanContext(ctx, trace.SpanContext{}.WithTraceFlags(flags))
	}
	parent := spanContext(t.ParentContext())
	// OpenTelemetry reads tracestate by Level 1's rules; what only Level 2
	// allows went upstream but is not in the exported span.
	if state, err := trace.ParseTraceState(t.State.String()); err == nil {
		parent = parent.WithTraceState(state)
	}
	return trace.ContextWithRemoteSpanContext(ctx, parent)
}

func spanContext(t tracecontext.Traceparent) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID(t.TraceID),
		SpanID:     trace.SpanID(t.SpanID),
		TraceFlags: trace.TraceFlags(t.Flags),
		Remote:     true,
	})
}

// IDs is the ID generator for [Recorder]: a span has the ids that went upstream.
type IDs struct{}

// NewIDs implements sdktrace.IDGenerator for a span without a parent.
func (IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	t, _ := ctx.Value(spanKey{}).(tracecontext.Traceparent)
	return trace.TraceID(t.TraceID), trace.SpanID(t.SpanID)
}

// NewSpanID implements sdktrace.IDGenerator for a span with a parent.
func (IDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	t, _ := ctx.Value(spanKey{}).(tracecontext.Traceparent)
	return trace.SpanID(t.SpanID)
}
