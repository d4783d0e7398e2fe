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
	"log/slog"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
	"github.com/gatehousehq/gatehouse/internal/spanretry"
)

// Telemetry traces HTTP handlers and transports. Its zero value is not usable:
// see New and With.
type Telemetry struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	shutdown   func(context.Context) error
}

// Options say whose spans there are.
type Options struct {
	Service, Version string       // service.name and service.version, unless the environment says others
	Logger           *slog.Logger // gets the outages of the collector
	// Scrub puts what takes personal data out of spans before next, which exports them:
	// spans have the path, the client's address and its user agent as they came.
	Scrub func(next sdktrace.SpanProcessor) sdktrace.SpanProcessor
}

// New sets up tracing as the environment says (docs/tracing.md): spans are exported in
// batches where it names an exporter or an endpoint; otherwise none are made, and a
// caller's trace context is passed on unchanged. The caller's sampling decision is kept,
// unless OTEL_TRACES_SAMPLER says otherwise.
//
// A collector that is away is no error, here or later: see spanretry.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	propagator, err := otelenv.Propagator()
	if err != nil {
		return nil, err
	}
	exporter, err := otelenv.Exporter(ctx)
	if err != nil {
		return nil, err
	}
	if exporter == nil {
		t := With(noop.NewTracerProvider())
		t.propagator = propagator
		return t, nil
	}
	if err := otelenv.CheckSampler(); err != nil {
		return nil, err
	}
	res, err := otelenv.Resource(ctx, o.Service, o.Version)
	if err != nil {
		return nil, err
	}
	batch := sdktrace.NewBatchSpanProcessor(spanretry.New(exporter, o.Logger))
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithSpanProcessor(o.Scrub(batch)))
	t := With(provider)
	t.propagator, t.shutdown = propagator, provider.Shutdown
	return t, nil
}

// With traces to provider, which stays the caller's to shut down. What of its spans leaves
// the process is to be scrubbed there.
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
