// Package exemplar has a histogram's buckets name a trace that fell into them, so that
// from a point in a graph of latencies there is a way to the request behind it
// (https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars).
package exemplar

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// label is what Grafana and Prometheus expect the trace's id under.
const label = "trace_id"

// keep is how long a bucket goes on naming the same trace. To name one costs thirty times
// what it costs to count, and Prometheus does not look more often.
const keep = time.Second

// Histograms observes values in the histograms of one metric. It is safe for concurrent
// use.
type Histograms struct {
	bounds []float64
	// named has, by histogram, when each of its buckets last named a trace: a
	// []atomic.Int64, in nanoseconds since the Unix epoch, for each prometheus.Observer.
	named sync.Map
}

// New is for histograms whose buckets have these upper bounds, in rising order.
func New(bounds []float64) *Histograms { return &Histograms{bounds: bounds} }

// Observe adds a value to a histogram. Its bucket names the trace of ctx if that is
// sampled: of another, nobody has the spans.
func (h *Histograms) Observe(ctx context.Context, histogram prometheus.Observer, value float64) {
	span := trace.SpanContextFromContext(ctx)
	if span.IsSampled() && span.HasTraceID() && h.due(histogram, value) {
		observe(span.TraceID().String(), histogram, value)
		return
	}
	histogram.Observe(value)
}

// ObserveIn is [Histograms.Observe] for a sampled trace of that id, of 32 hexadecimal
// digits; with an empty one the bucket names none.
func (h *Histograms) ObserveIn(traceID string, histogram prometheus.Observer, value float64) {
	if traceID != "" && h.due(histogram, value) {
		observe(traceID, histogram, value)
		return
	}
	histogram.Observe(value)
}

// due reports whether the bucket of a value is to name a trace.
func (h *Histograms) due(histogram prometheus.Observer, value float64) bool {
	named, ok := h.named.Load(histogram)
	if !ok {
		named, _ = h.named.LoadOrStore(histogram, make([]atomic.Int64, len(h.bounds)+1))
	}
	bucket, _ := slices.BinarySearch(h.bounds, value)
	last, now := &named.([]atomic.Int64)[bucket], time.Now().UnixNano()
	before := last.Load()
	return now-before >= int64(keep) && last.CompareAndSwap(before, now)
}

func observe(traceID string, histogram prometheus.Observer, value float64) {
	if e, ok := histogram.(prometheus.ExemplarObserver); ok {
		e.ObserveWithExemplar(value, prometheus.Labels{label: traceID})
		return
	}
	histogram.Observe(value)
}
