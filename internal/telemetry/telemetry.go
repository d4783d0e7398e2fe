// Package telemetry sets up tracing for one process and hands it on as a value:
// nothing here reads or writes OpenTelemetry's globals, so tests can run side
// by side, each with its own recorder.
//
// There is one server span for a request and one client span for an upstream
// call, named as the HTTP semantic conventions say; generated code emits none.
package telemetry

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Telemetry traces HTTP handlers and transports. Its zero value is not usable:
// see New and With.
type Telemetry struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	shutdown   func(context.Context) error
}

// New sets up tracing as the environment says: spans go over OTLP/HTTP in
// batches if OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
// is set; otherwise none are made, and a caller's trace context is passed on
// unchanged. OTEL_SERVICE_NAME overrides service. The caller's sampling
// decision is kept; OTEL_TRACES_SAMPLER decides for requests without one.
//
// A collector that is away is no error, here or later: its spans are lost.
func New(ctx context.Context, service string) (*Telemetry, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return With(noop.NewTracerProvider()), nil
	}
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", service)),
		resource.WithFromEnv()) // last, so that OTEL_SERVICE_NAME wins
	if err != nil {
		return nil, fmt.Errorf("read telemetry resource from OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up OTLP exporter from OTEL_EXPORTER_OTLP_*: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	t := With(provider)
	t.shutdown = provider.Shutdown
	return t, nil
}

// With traces to provider, which stays the caller's to shut down.
func With(provider trace.TracerProvider) *Telemetry {
	return &Telemetry{
		tracer:     provider.Tracer("github.com/gatehousehq/gatehouse/internal/telemetry"),
		propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		shutdown:   func(context.Context) error { return nil },
	}
}

// Shutdown sends what is still in the batch; ctx bounds how long that may take.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if err := t.shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}
