package serverspan

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Attributes of Kong's that OpenTelemetry has no convention for.
const (
	attrRouteName       = attribute.Key("kong.route.name")
	attrServiceName     = attribute.Key("kong.service.name")
	attrRequestID       = attribute.Key("kong.request.id")
	attrResponseSource  = attribute.Key("kong.response.source")
	attrKongLatency     = attribute.Key("kong.latency.gateway_ms")
	attrUpstreamLatency = attribute.Key("kong.latency.upstream_ms")
	attrUpstreamTries   = attribute.Key("kong.upstream.tries")
)

// Record starts and ends the server span of a request in a trace, on a tracer whose
// provider takes its ids from [IDs]. Its error is [ErrTime], and then there is no span.
func Record(tracer trace.Tracer, t propagation.Trace, r *Request) error {
	if !r.plausible() {
		return ErrTime
	}
	start, end := r.times()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(start),
		trace.WithAttributes(r.attributes()...),
	}
	if !t.Link.IsZero() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: spanContext(t.Link)}))
	}
	_, span := tracer.Start(spanStartContext(t), r.spanName(), options...)
	if r.Status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(end))
	return nil
}

// attributes follow OpenTelemetry's HTTP server conventions, except that
// url.path holds the route: a path can hold an e-mail address or a number that
// is somebody's.
func (r *Request) attributes() []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(knownMethod(r.Method)),
		semconv.URLScheme(r.scheme()),
		semconv.HTTPResponseStatusCode(r.Status),
		attrKongLatency.Float64(r.GatewayLatency),
	}
	if r.UpstreamLatency >= 0 {
		attrs = append(attrs, attrUpstreamLatency.Float64(r.UpstreamLatency))
	}
	if r.Status >= 500 {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(r.Status)))
	}
	if r.Tries > 0 {
		attrs = append(attrs, attrUpstreamTries.Int(r.Tries))
	}
	for key, value := range map[attribute.Key]string{
		semconv.HTTPRouteKey:     r.route(),
		semconv.URLPathKey:       r.route(),
		semconv.ClientAddressKey: r.clientNetwork(),
		attrRouteName:            r.RouteName,
		attrServiceName:          r.ServiceName,
		attrRequestID:            r.ID,
		attrResponseSource:       r.Source,
	} {
		if value != "" {
			attrs = append(attrs, key.String(value))
		}
	}
	return attrs
}

// spanKey is where a context has the gateway's own span.
type spanKey struct{}

// spanStartContext carries what the SDK must not choose itself: the ids that
// are already on the upstream request, and the parent.
func spanStartContext(t propagation.Trace) context.Context {
	ctx := context.WithValue(context.Background(), spanKey{}, t.Context)
	if t.Parent.IsZero() {
		return ctx
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

// IDs is the ID generator for [Record]: a span has the ids that went upstream.
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
