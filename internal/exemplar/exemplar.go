// Package exemplar has a histogram's buckets name a trace that fell into them, so that
// from a point in a graph of latencies there is a way to the request behind it
// (https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars).
package exemplar

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// label is what Grafana and Prometheus expect the trace's id under.
const label = "trace_id"

// Observe adds a value to a histogram. It names the trace of ctx if that is sampled: of
// another, nobody has the spans.
func Observe(ctx context.Context, histogram prometheus.Observer, value float64) {
	id := ""
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() && span.HasTraceID() {
		id = span.TraceID().String()
	}
	ObserveIn(id, histogram, value)
}

// ObserveIn is [Observe] for a sampled trace of that id, of 32 hexadecimal digits; an
// empty one names none.
func ObserveIn(traceID string, histogram prometheus.Observer, value float64) {
	if e, ok := histogram.(prometheus.ExemplarObserver); ok && traceID != "" {
		e.ObserveWithExemplar(value, prometheus.Labels{label: traceID})
		return
	}
	histogram.Observe(value)
}
