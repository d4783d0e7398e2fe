package traceinject

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

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

// recordSpan starts and ends the server span of one request.
func recordSpan(tracer trace.Tracer, t Trace, r served) {
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
	if r.Response.Status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(end))
}

// attributes follow OpenTelemetry's HTTP server conventions, except that
// url.path holds the route: a path can hold an e-mail address or a number that
// is somebody's.
func (r served) attributes() []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(knownMethod(r.Request.Method)),
		semconv.URLScheme(r.scheme()),
		semconv.HTTPResponseStatusCode(r.Response.Status),
		attrKongLatency.Float64(r.Latencies.Kong),
	}
	if r.Latencies.Proxy >= 0 {
		attrs = append(attrs, attrUpstreamLatency.Float64(r.Latencies.Proxy))
	}
	if r.Response.Status >= 500 {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(r.Response.Status)))
	}
	if r.Tries > 0 {
		attrs = append(attrs, attrUpstreamTries.Int(r.Tries))
	}
	for key, value := range map[attribute.Key]string{
		semconv.HTTPRouteKey:     r.route(),
		semconv.URLPathKey:       r.route(),
		semconv.ClientAddressKey: r.clientNetwork(),
		attrRouteName:            r.Route.Name,
		attrServiceName:          r.Service.Name,
		attrRequestID:            r.Request.ID,
		attrResponseSource:       r.Source,
	} {
		if value != "" {
			attrs = append(attrs, key.String(value))
		}
	}
	return attrs
}

type spanKey struct{}

// spanStartContext carries what the SDK must not choose itself: the ids that
// are already on the upstream request, and the parent.
func spanStartContext(t Trace) context.Context {
	ctx := context.WithValue(context.Background(), spanKey{}, t.Context)
	if t.Parent.IsZero() {
		return ctx
	}
	parent := spanContext(t.parentContext())
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

// givenIDs makes the SDK use the ids from spanStartContext.
type givenIDs struct{}

// NewIDs implements sdktrace.IDGenerator for a span without a parent.
func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	t, _ := ctx.Value(spanKey{}).(tracecontext.Traceparent)
	return trace.TraceID(t.TraceID), trace.SpanID(t.SpanID)
}

// NewSpanID implements sdktrace.IDGenerator for a span with a parent.
func (givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	t, _ := ctx.Value(spanKey{}).(tracecontext.Traceparent)
	return trace.SpanID(t.SpanID)
}
