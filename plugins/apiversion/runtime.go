package apiversion

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Options say what a Runtime tells. The zero value is usable.
type Options struct {
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures. Default: discarded.
	Logger *slog.Logger
}

// Runtime holds what outlives a config reload. It is safe for concurrent use.
type Runtime struct {
	logger   *slog.Logger
	source   kongrequest.Source
	requests *prometheus.CounterVec
}

// NewRuntime makes a Runtime. The error is about registering metrics.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{
		logger: o.Logger,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_api_version_requests_total",
			Help: "Requests whose version was negotiated, by the API's path, the version, and what chose it: accept, header, default, or preflight; not_acceptable and unknown_version have no version.",
		}, []string{"api", "version", "by"}),
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if o.Registerer == nil {
		return r, nil
	}
	if err := o.Registerer.Register(r.requests); err != nil {
		return nil, fmt.Errorf("register metrics of versions: %w", err)
	}
	return r, nil
}

// New is a fresh config bound to this runtime.
func (r *Runtime) New() any { return &Config{runtime: r} }

// Bind makes a config that was not made by New run on this runtime.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Close ends the runtime, which holds nothing that needs ending.
func (r *Runtime) Close(context.Context) error { return nil }
