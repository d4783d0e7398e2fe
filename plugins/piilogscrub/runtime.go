package piilogscrub

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/throttle"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/audit"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/ledger"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Options say where a Runtime writes and how it tells time. The zero value is
// usable, and writes nothing.
type Options struct {
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures. Default: discarded.
	Logger *slog.Logger
	// Audit gets the audit records; the package auditlog has handlers that write them. It
	// stays its owner's to close. Default: discarded.
	Audit slog.Handler
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Runtime holds what outlives a config reload: the audit log, the metrics, and
// the policies that are in use. It is safe for concurrent use.
type Runtime struct {
	logger   *slog.Logger
	audit    slog.Handler
	now      func() time.Time
	metrics  *metrics
	policies scrub.Policies
	ledger   *ledger.Ledger
	source   kongrequest.Source
	// unaudited bounds the lines about audit records that are not written: there may
	// be one for each request.
	unaudited throttle.Throttle
	unkept    throttle.Throttle // the same for the ledger's file
	// rewrites is true from the first rewrite event on: Kong has none for a plugin
	// that is not enabled globally, and then the access phase need not ask.
	rewrites atomic.Bool
}

// NewRuntime makes a Runtime. The error is about registering metrics.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{logger: o.Logger, audit: o.Audit, now: o.Now, metrics: newMetrics(), source: kongrequest.Source{Now: o.Now}}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.audit == nil {
		r.audit = slog.DiscardHandler
	}
	r.ledger = ledger.New(r.now)
	if o.Registerer == nil {
		return r, nil
	}
	if err := o.Registerer.Register(r.metrics); err != nil {
		return nil, fmt.Errorf("register scrub metrics: %w", err)
	}
	return r, nil
}

// New is a fresh config bound to this runtime.
func (r *Runtime) New() any { return &Config{runtime: r} }

// Bind makes a config that was not made by New run on this runtime.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// scrubber is the configuration at work, with an engine for its texts.
func (r *Runtime) scrubber(c *Config, engine *scrub.Engine) *Scrubber {
	texts := scrub.Counted{Engine: engine, Observe: r.Observe}
	return &Scrubber{
		runtime: r, texts: texts, audits: c.Audit != off, forAll: c.forAll(),
		recorder: audit.Recorder{Texts: texts, Identity: c.Identity, ResponseHeaders: c.ResponseHeaders, Now: r.now},
	}
}

// Strictest writes audit records of requests of which no configuration is known, as nginx's
// lines are written: by [Runtime.Engine].
func (r *Runtime) Strictest() *Scrubber {
	texts := scrub.Counted{Engine: r.Engine(), Observe: r.Observe}
	return &Scrubber{runtime: r, texts: texts, audits: true, recorder: audit.Recorder{Texts: texts, Now: r.now}}
}

// Engine is the engine for logs that belong to no request's configuration, such as
// nginx's: the strictest of all configurations in use, and of the default policy unless
// one of them is for all requests.
func (r *Runtime) Engine() *scrub.Engine { return r.policies.Engine() }

// ScrubPath scrubs a path that goes elsewhere than to logs, such as into a span, by
// [Runtime.Engine].
func (r *Runtime) ScrubPath(path string) string { return r.elsewhere(path, scrub.FormatURL) }

// ScrubText scrubs any other text, likewise.
func (r *Runtime) ScrubText(text string) string { return r.elsewhere(text, scrub.FormatText) }

func (r *Runtime) elsewhere(text string, f scrub.Format) string {
	return scrub.Counted{Engine: r.Engine(), Observe: r.Observe}.Text("span", text, f)
}

// Observe counts what was found in n bytes of text from a place, such as
// "access_log". Places are few and known: they become a label.
func (r *Runtime) Observe(place string, n int, t scrub.Tally) { r.metrics.observe(place, n, t) }
