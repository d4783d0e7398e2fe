package traceinject

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
	"github.com/gatehousehq/gatehouse/internal/spanretry"
)

// queue is a bounded batch processor that counts. The SDK's own drops spans
// without a word once it is full; this one lets no more spans in than the
// SDK's can hold, so that whatever is dropped is dropped here.
type queue struct {
	sdktrace.SpanProcessor
	capacity int64
	waiting  *atomic.Int64 // in the queue or being exported
	metrics  metrics
}

func newQueue(exporter sdktrace.SpanExporter, batch otelenv.Batch, m metrics, logger *slog.Logger) queue {
	q := queue{capacity: int64(batch.QueueSize), waiting: new(atomic.Int64), metrics: m}
	counting := countingExporter{SpanExporter: spanretry.New(exporter, logger), queue: q}
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(counting, batch.Options()...)
	return q
}

// OnEnd implements sdktrace.SpanProcessor. It never blocks.
func (q queue) OnEnd(span sdktrace.ReadOnlySpan) {
	if q.waiting.Add(1) > q.capacity {
		q.waiting.Add(-1)
		q.metrics.spans.WithLabelValues(spanDropped).Inc()
		return
	}
	q.metrics.queued.Inc()
	q.SpanProcessor.OnEnd(span)
}

// countingExporter frees the places in the queue and counts what came of the spans. It
// hides the error from the SDK, which would write it to a global logger for every batch.
type countingExporter struct {
	sdktrace.SpanExporter
	queue queue
}

// ExportSpans implements sdktrace.SpanExporter.
func (e countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	n := len(spans)
	e.queue.waiting.Add(int64(-n))
	e.queue.metrics.queued.Sub(float64(n))
	outcome := spanExported
	if err != nil {
		outcome = spanFailed
	}
	e.queue.metrics.spans.WithLabelValues(outcome).Add(float64(n))
	return nil
}
