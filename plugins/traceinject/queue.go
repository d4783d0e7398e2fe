package traceinject

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
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

func newQueue(exporter sdktrace.SpanExporter, capacity int, m metrics, logger *slog.Logger) queue {
	q := queue{capacity: int64(capacity), waiting: new(atomic.Int64), metrics: m}
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(
		&countingExporter{SpanExporter: exporter, queue: q, logger: logger},
		sdktrace.WithMaxQueueSize(capacity),
		sdktrace.WithMaxExportBatchSize(min(capacity, sdktrace.DefaultMaxExportBatchSize)),
		sdktrace.WithBatchTimeout(batchDelay),
	)
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

// countingExporter frees the places in the queue and counts what came of the
// spans. It reports an outage once when it begins and once when it ends, and
// hides the error from the SDK, which would write it to a global logger for
// every batch.
type countingExporter struct {
	sdktrace.SpanExporter
	queue  queue
	logger *slog.Logger
	failed atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	n := len(spans)
	e.queue.waiting.Add(int64(-n))
	e.queue.metrics.queued.Sub(float64(n))
	outcome := spanExported
	if err != nil {
		outcome = spanFailed
	}
	e.queue.metrics.spans.WithLabelValues(outcome).Add(float64(n))
	e.report(err)
	return nil
}

func (e *countingExporter) report(err error) {
	failed := err != nil
	if e.failed.Swap(failed) == failed {
		return
	}
	if failed {
		e.logger.Error("export spans", "error", err)
		return
	}
	e.logger.Info("export spans: recovered")
}
