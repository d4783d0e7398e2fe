package auditlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

const (
	defaultServiceName = "gatehouse-gateway"
	defaultQueueSize   = 4096
	scopeName          = "github.com/gatehousehq/gatehouse/plugins/piilogscrub"
)

// openOTLP exports to the receiver that OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_LOGS_ENDPOINT names, by the variables of the OpenTelemetry
// specification (headers, time-outs, TLS).
func openOTLP(o Options) (*Log, error) {
	exporter, err := otlploghttp.New(context.Background())
	if err != nil {
		return nil, fmt.Errorf("make OTLP log exporter: %w", err)
	}
	q := &queue{limit: int64(cmp.Or(o.QueueSize, defaultQueueSize)), logger: o.Logger, records: newRecords()}
	if o.Registerer != nil {
		if err := o.Registerer.Register(q.records); err != nil {
			return nil, fmt.Errorf("register audit export metrics: %w", err)
		}
	}
	res, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithFromEnv(), resource.WithAttributes(semconv.ServiceName(cmp.Or(o.ServiceName, defaultServiceName))))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe resource: %w", err)
	}
	q.Processor = sdklog.NewBatchProcessor(&counted{exporter, q}, sdklog.WithMaxQueueSize(int(q.limit)))
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(q))
	handler := otelslog.NewHandler(scopeName, otelslog.WithLoggerProvider(provider))
	return &Log{handler, func(ctx context.Context) error {
		if err := provider.Shutdown(ctx); err != nil {
			return fmt.Errorf("flush audit records: %w", err)
		}
		return nil
	}}, nil
}

func newRecords() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_audit_export_total",
		Help: "Audit records sent over OTLP, by outcome: exported, failed, or queue full.",
	}, []string{"outcome"})
}

// queue bounds the records that wait to be exported. The SDK's own queue drops
// the oldest of too many without a count; this one refuses the newest, and counts.
type queue struct {
	sdklog.Processor
	waiting atomic.Int64
	limit   int64
	records *prometheus.CounterVec
	logger  *slog.Logger
}

// OnEmit implements [sdklog.Processor].
func (q *queue) OnEmit(ctx context.Context, r *sdklog.Record) error {
	if q.waiting.Add(1) > q.limit {
		q.waiting.Add(-1)
		q.records.WithLabelValues("queue full").Inc()
		return nil
	}
	return q.Processor.OnEmit(ctx, r)
}

// counted counts what became of the records of a queue.
type counted struct {
	sdklog.Exporter
	q *queue
}

// Export implements [sdklog.Exporter].
func (c *counted) Export(ctx context.Context, list []sdklog.Record) error {
	err := c.Exporter.Export(ctx, list)
	c.q.waiting.Add(int64(-len(list)))
	outcome := "exported"
	if err != nil {
		outcome = "failed"
		c.q.logger.Error("export audit records", "error", err, "records", len(list))
	}
	c.q.records.WithLabelValues(outcome).Add(float64(len(list)))
	return nil // it is logged and counted; the SDK would only print it
}
