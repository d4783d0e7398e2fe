package traceinject

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/serverspan"
)

// The plugins whose decisions are in the span, as their notes name them.
const (
	limiterName = "tenant-rate-limit"
	sunsetName  = "sunset-headers"
)

// Recall is the trace that an earlier phase left as the text of
// [propagation.Trace.Encode]. Anything but a text, nil above all, means that there was no
// such phase, as where nginx refused the request; it then gets a trace of its own.
func (t *Tracer) Recall(left any) (propagation.Trace, error) {
	text, ok := left.(string)
	if !ok {
		return t.begin(propagation.Request{}), nil
	}
	return propagation.Decode(text)
}

// Wanted reports whether a span of the trace may be exported: the trace is sampled, or how
// the request ends may be a reason, and there is an exporter. If not, there is no need to
// ask Kong for its record.
func (r *Runtime) Wanted(trace propagation.Trace) bool {
	return r.sampled(trace) || r.Exports() && trace.Keep.Any()
}

func (r *Runtime) sampled(trace propagation.Trace) bool {
	return r.Exports() && trace.Context.Flags.Sampled()
}

// HasSpans reports whether [Runtime.Export] exports spans of a request.
func (r *Runtime) HasSpans(trace propagation.Trace, record *kongrecord.Record) bool {
	return r.sampled(trace) || r.Exports() && kept(trace, record) != ""
}

// kept is why a request of a trace that is not sampled has spans; empty if it has none.
func kept(trace propagation.Trace, record *kongrecord.Record) propagation.Reason {
	took := time.Duration(record.Latencies.Request * float64(time.Millisecond))
	return trace.Keep.Why(record.Response.Status, took)
}

// Export hands the spans of a request to the exporter's queue, if they are wanted. It does
// not block.
func (r *Runtime) Export(trace propagation.Trace, record *kongrecord.Record) error {
	if !r.HasSpans(trace, record) {
		return nil
	}
	request := spanRequest(record)
	if !r.sampled(trace) {
		request.Kept = kept(trace, record)
	}
	err := r.recorder.Record(trace, request)
	if errors.Is(err, serverspan.ErrTime) {
		r.metrics.spans.WithLabelValues(spanUnreadable).Inc()
	}
	return err
}

// spanRequest is the part of Kong's record that the span tells of.
func spanRequest(r *kongrecord.Record) *serverspan.Request {
	return &serverspan.Request{
		StartedAt: r.StartedAt, HeardAt: r.HeardAt, HandledAt: r.HandledAt,
		Latency: r.Latencies.Request, GatewayLatency: r.Latencies.Kong, UpstreamLatency: r.Latencies.Proxy,
		ID: r.Request.ID, Method: r.Request.Method, URI: r.Request.URI, TLS: r.Request.TLS, ClientIP: r.ClientIP,
		Protocol: r.Request.Protocol, Host: r.Request.Host, Port: r.Request.Port, UserAgent: r.Request.UserAgent,
		RouteName: r.Route.Name, RoutePaths: r.Route.Paths, ServiceName: r.Service.Name,
		Status: r.Response.Status, Source: r.Source, Tries: r.Tries,
		RateLimit: r.Word(limiterName), Limit: r.Limit, Deprecation: r.Word(sunsetName),
	}
}

// Finish is the log phase. It asks for Kong's record of the request only if
// the span is wanted, or the trace is in it.
func (t *Tracer) Finish(e *kongrequest.Event) error {
	if !t.runtime.Exports() {
		return nil
	}
	left, err := t.left(e)
	if err != nil {
		return err
	}
	trace, err := t.Recall(left)
	if err != nil || !t.runtime.Wanted(trace) {
		return err
	}
	record, err := t.record(e)
	if err != nil {
		return err
	}
	return t.runtime.Export(trace, record)
}

// left is what an earlier phase left of the trace, if one ran.
func (t *Tracer) left(e *kongrequest.Event) (any, error) {
	if !t.runtime.noLogPlugins {
		shared, err := e.Kong().Ctx.GetSharedAny(SharedKey)
		if err != nil {
			return nil, fmt.Errorf("read shared trace: %w", err)
		}
		return shared, nil
	}
	record, err := t.record(e)
	if err != nil {
		return nil, err
	}
	return record.Trace, nil
}

// record is Kong's record of the request. A span is lost where it cannot be read.
func (t *Tracer) record(e *kongrequest.Event) (*kongrecord.Record, error) {
	record, err := e.Record()
	if err != nil {
		t.runtime.metrics.spans.WithLabelValues(spanUnreadable).Inc()
	}
	return record, err
}
