package auditlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

const (
	defaultServiceName = "gatehouse-gateway"
	scopeName          = "github.com/gatehousehq/gatehouse/plugins/piilogscrub"
)

// openOTLP exports to the receiver that OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_LOGS_ENDPOINT names, by the variables of the OpenTelemetry
// specification (headers, time-outs, TLS). base, if not nil, is what sends requests.
func openOTLP(o Options, base http.RoundTripper) (*Log, error) {
	receiver, err := newReceiver(base)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithFromEnv(), resource.WithAttributes(semconv.ServiceName(cmp.Or(o.ServiceName, defaultServiceName))))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe resource: %w", err)
	}
	q := newQueue(o.QueueSize, receiver, o.Logger)
	if err := q.takeOver(o.WaitingFile); err != nil {
		o.Logger.Error("audit records that wait when this process is killed will not be counted", "error", err)
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(q); err != nil {
			return nil, fmt.Errorf("register audit export metrics: %w", err)
		}
	}
	go q.run()
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(q))
	handler := otelslog.NewHandler(scopeName, otelslog.WithLoggerProvider(provider))
	return &Log{Handler: handler, broken: q.broken, close: q.Shutdown, handOver: q.handOver}, nil
}
