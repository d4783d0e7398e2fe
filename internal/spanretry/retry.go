// Package spanretry sends spans again that a collector was not there for. The OTLP
// exporters do so for what a collector answers (429, 502, 503, 504). For one that does not
// answer at all, as while it restarts, they do not over HTTP, and over gRPC for
// OTEL_EXPORTER_OTLP_TIMEOUT alone.
package spanretry

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The times between two tries, before they are spread by half of them either way.
const (
	firstInterval = 250 * time.Millisecond
	maxInterval   = 5 * time.Second
)

// New has exporter send a batch again until it arrives, is refused, or its time is up:
// that of the batch processor, OTEL_BSP_EXPORT_TIMEOUT, 30 s by default. Meanwhile spans
// wait in the processor's queue, whose size is their bound.
//
// logger gets a line when an outage begins and one when it ends, however many batches
// there are between.
func New(exporter sdktrace.SpanExporter, logger *slog.Logger) sdktrace.SpanExporter {
	return &retrying{SpanExporter: exporter, logger: logger}
}

type retrying struct {
	sdktrace.SpanExporter
	logger *slog.Logger
	failed atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (r *retrying) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval, intervals.MaxInterval = firstInterval, maxInterval
	var last error // of the tries; backoff's own would say that ctx ended
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		last = r.SpanExporter.ExportSpans(ctx, spans)
		r.report(last)
		if last != nil && !unanswered(last) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(intervals), backoff.WithMaxElapsedTime(0))
	return last
}

// unanswered tells an error of the way to a collector from what a collector said.
func unanswered(err error) bool {
	var away net.Error
	code := status.Code(err)
	return errors.As(err, &away) || code == codes.Unavailable || code == codes.DeadlineExceeded
}

func (r *retrying) report(err error) {
	failed := err != nil
	if r.failed.Swap(failed) == failed {
		return
	}
	if failed {
		r.logger.Error("export spans", "error", err)
		return
	}
	r.logger.Info("export spans: recovered")
}
