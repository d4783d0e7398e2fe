package traceinject

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/serverspan"
)

const (
	defaultServiceName = "gatehouse-gateway"
	defaultQueueSize   = 4096
	// batchDelay keeps traces fresh: whoever made a request looks for it at once.
	batchDelay = time.Second
	scopeName  = "github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// Options say how a Runtime exports spans. The zero value exports none; traces
// are propagated all the same.
type Options struct {
	// Endpoint is the base URL of an OTLP/HTTP receiver, as in
	// OTEL_EXPORTER_OTLP_ENDPOINT: spans go to its path /v1/traces.
	Endpoint string
	// Exporter takes the place of Endpoint. The Runtime shuts it down.
	Exporter sdktrace.SpanExporter
	// ServiceName is the resource's service.name. Default gatehouse-gateway.
	ServiceName string
	// QueueSize bounds the spans in memory, about 1.5 kB each; past it they are
	// dropped and counted. Default 4096.
	QueueSize int
	// Scrubber takes personal data out of what a client wrote, before it is in a span.
	// Default: none of it is in one.
	Scrubber serverspan.Scrubber
	// NoLogPlugins says that none of Kong's log plugins is enabled: nobody then
	// reads which trace a request is in.
	NoLogPlugins bool
	// Logger gets failures. Default: discarded.
	Logger *slog.Logger
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Random is where ids come from. Default: math/rand/v2, seeded by the
	// operating system; ids are no secrets.
	Random propagation.Random
}

// Runtime holds what outlives a config reload: the exporter, its queue and the
// metrics. It is safe for concurrent use.
type Runtime struct {
	logger   *slog.Logger
	random   propagation.Random
	metrics  metrics
	source   kongrequest.Source
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	scrubber serverspan.Scrubber
	// noLogPlugins: see Options.
	noLogPlugins bool
}

// NewRuntime makes a Runtime. It reaches out to nothing yet, so that a
// collector that is down stops no gateway from starting.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{logger: o.Logger, random: o.Random, metrics: newMetrics(), scrubber: o.Scrubber, noLogPlugins: o.NoLogPlugins}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.random == nil {
		r.random = rand.Uint64
	}
	exporter, err := newExporter(o)
	if err != nil {
		return nil, err
	}
	if o.Registerer != nil {
		if err := r.metrics.register(o.Registerer); err != nil {
			return nil, err
		}
	}
	if exporter == nil {
		return r, nil
	}
	if r.provider, err = r.newProvider(exporter, o); err != nil {
		return nil, err
	}
	r.tracer = r.provider.Tracer(scopeName, trace.WithInstrumentationVersion(Version))
	return r, nil
}

// newExporter is nil if o names no place to export to.
func newExporter(o Options) (sdktrace.SpanExporter, error) {
	if o.Exporter != nil || o.Endpoint == "" {
		return o.Exporter, nil
	}
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("OTLP endpoint: %q is not the base URL of an OTLP/HTTP receiver; write it as http://host:4318", o.Endpoint)
	}
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(endpoint.JoinPath("v1/traces").String()))
	if err != nil {
		return nil, fmt.Errorf("make OTLP exporter: %w", err)
	}
	return exporter, nil
}

func (r *Runtime) newProvider(exporter sdktrace.SpanExporter, o Options) (*sdktrace.TracerProvider, error) {
	name, size := o.ServiceName, o.QueueSize
	if name == "" {
		name = defaultServiceName
	}
	if size <= 0 {
		size = defaultQueueSize
	}
	res, err := resource.New(context.Background(), resource.WithTelemetrySDK(),
		resource.WithFromEnv(), resource.WithAttributes(semconv.ServiceName(name)))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe resource: %w", err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(res),
		sdktrace.WithIDGenerator(serverspan.IDs{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // propagation.Policy has decided
		sdktrace.WithSpanProcessor(newQueue(exporter, size, r.metrics, r.logger)),
	), nil
}

// New is a fresh config bound to this runtime, with the defaults that its zero
// value could not be told apart from.
func (r *Runtime) New() any {
	return &Config{runtime: r, SampleRatio: 1, ResponseHeader: defaultResponseHeader}
}

// Bind makes a config that was not made by New run on this runtime. It sets no
// defaults.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Exports reports whether there is an exporter: without one no span is wanted.
func (r *Runtime) Exports() bool { return r.tracer != nil }

// Close exports what is queued, for as long as ctx allows, and stops exporting.
func (r *Runtime) Close(ctx context.Context) error {
	if r.provider == nil {
		return nil
	}
	if err := r.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("flush spans: %w", err)
	}
	return nil
}
