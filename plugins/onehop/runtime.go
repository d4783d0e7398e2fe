package onehop

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/journal"
	"github.com/gatehousehq/gatehouse/internal/throttle"
	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// Options are the plugins to run in one hop. They are shared with the plugins
// that run apart, counters included, and stay their owner's to close.
type Options struct {
	// Scrubber, Tracer, Limiter, Sunset and Versions run the sections. A section whose
	// runtime is nil is refused.
	Scrubber *piilogscrub.Runtime
	Tracer   *traceinject.Runtime
	Limiter  *tenantratelimit.Runtime
	Sunset   *sunsetheaders.Runtime
	Versions *apiversion.Runtime
	// AccessLines says that [Runtime.Ended] is told of each request that is over,
	// so that there need be no log event.
	AccessLines bool
	// AuditsAll says that each request is to have an audit record, until a configuration
	// says otherwise: Kong starts one with the first request that it passes on.
	AuditsAll bool
	// NoLogPlugins says that none of Kong's log plugins is enabled: nobody then reads
	// what the request was, which trace it is in, or what was decided.
	NoLogPlugins bool
	// Logger gets failures. Default: discarded.
	Logger *slog.Logger
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Runtime holds what outlives a config reload. It is safe for concurrent use.
type Runtime struct {
	options Options
	source  kongrequest.Source
	metrics metrics
	// inFlight are empty where there are no access lines, and journal is nil where they
	// are this process's alone.
	inFlight   *inFlight
	journal    *journal.Journal
	everywhere everywhere
	// ending is held by whoever ends requests: of two records of one request, the one
	// that knows more comes last.
	ending sync.Mutex
	// rewrites is true from the first rewrite event on: Kong has none for a
	// plugin that is not enabled globally, and then the access phase need not
	// ask what one did.
	rewrites atomic.Bool
	stacked  throttle.Throttle // of the stacks that are logged
	saidLost throttle.Throttle
}

// NewRuntime makes a Runtime. The error is about registering metrics.
func NewRuntime(o Options) (*Runtime, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Runtime{
		options: o, source: kongrequest.Source{Now: o.Now},
		inFlight: newInFlight(), everywhere: everywhere{declared: o.AuditsAll, since: float64(o.Now().Add(settled).UnixMilli())},
	}
	r.metrics = newMetrics(r.inFlight, o.Now)
	if o.Registerer == nil {
		return r, nil
	}
	return r, r.metrics.register(o.Registerer)
}

// Phases are the phases that Kong need call, nil for all that there are.
func (r *Runtime) Phases() []string {
	if r.options.AccessLines {
		return []string{"rewrite", "access"}
	}
	return nil
}

// New is a fresh config bound to this runtime.
func (r *Runtime) New() any { return &Config{runtime: r} }

// Close ends the requests that are in flight still, those that were not left to another
// process ([Runtime.HandOver]): nobody gets their access lines.
func (r *Runtime) Close(context.Context) error {
	r.ending.Lock()
	defer r.ending.Unlock()
	r.giveUpAll(r.options.Now())
	return nil
}
