package traceinject

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/serverspan"
)

const scopeName = "github.com/gatehousehq/gatehouse/plugins/traceinject"

// DefaultBatch keeps traces fresh: whoever made a request looks for it at once.
var DefaultBatch = otelenv.Batch{
	Delay: time.Second, Timeout: sdktrace.DefaultExportTimeout * time.Millisecond,
	QueueSize: 4096, Size: sdktrace.DefaultMaxExportBatchSize,
}

// Options say how a Runtime exports spans. The zero value exports none; traces
// are propagated all the same.
type Options struct {
	// Exporter takes the spans; the Runtime shuts it down. Default: none are exported.
	Exporter sdktrace.SpanExporter
	// Resource says who exports. Default: the SDK's, of an unknown service.
	Resource *resource.Resource
	// Batch says how spans wait for their export, about 1.5 kB each; past its QueueSize
	// they are dropped and counted. Default: [DefaultBatch].
	Batch otelenv.Batch
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
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Runtime holds what outlives a config reload: the exporter, its queue and the
// metrics. It is safe for concurrent use.
type Runtime struct {
	logger   *slog.Logger
	random   propagation.Random
	metrics  metrics
	source   kongrequest.Source
	provider *sdktrace.TracerProvider
	recorder *serverspan.Recorder // nil where there is no exporter
	scrubber serverspan.Scrubber
	// noLogPlugins: see Options.
	noLogPlugins bool
	now          func() time.Time
	forced       propagation.Allowance
	announced    announced
}

// NewRuntime makes a Runtime. It reaches out to nothing yet, so that a
// collector that is down stops no gateway from starting.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{logger: o.Logger, random: o.Random, metrics: newMetrics(), scrubber: o.Scrubber, noLogPlugins: o.NoLogPlugins, now: o.Now}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.random == nil {
		r.random = rand.Uint64
	}
	if r.now == nil {
		r.now = time.Now
	}
	if o.Registerer != nil {
		if err := r.metrics.register(o.Registerer); err != nil {
			return nil, err
		}
	}
	if o.Exporter == nil {
		return r, nil
	}
	r.provider = r.newProvider(o)
	r.recorder = &serverspan.Recorder{
		Tracer:   r.provider.Tracer(scopeName, trace.WithInstrumentationVersion(Version)),
		Scrubber: r.scrubber, Random: r.random,
	}
	return r, nil
}

func (r *Runtime) newProvider(o Options) *sdktrace.TracerProvider {
	if o.Batch == (otelenv.Batch{}) {
		o.Batch = DefaultBatch
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(o.Resource),
		sdktrace.WithIDGenerator(serverspan.IDs{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // propagation.Policy has decided
		sdktrace.WithSpanProcessor(newQueue(o.Exporter, o.Batch, r.metrics, r.logger)),
	)
}

// New is a fresh config bound to this runtime, with the defaults that its zero
// value could not be told apart from.
func (r *Runtime) New() any {
	return &Config{
		runtime: r, SampleRatio: 1, MaxParentSampled: defaultMaxParentSampled, UpstreamSpans: true, ResponseHeader: defaultResponseHeader,
	}
}

// Bind makes a config that was not made by New run on this runtime. It sets no
// defaults.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Exports reports whether there is an exporter: without one no span is wanted.
func (r *Runtime) Exports() bool { return r.recorder != nil }

// force reports whether the request of an id may be sampled only because its client's trace
// is, of at most so many in a second, and counts it.
func (r *Runtime) force(id string, most int) bool { return r.forced.Take(id, most, r.now()) }

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
