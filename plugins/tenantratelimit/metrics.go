package tenantratelimit

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts decisions. Its labels come from the config, never from a
// request, so that a client cannot make new series.
type metrics struct {
	decisions *prometheus.CounterVec
	local     *prometheus.CounterVec
	fallback  *prometheus.CounterVec
	latency   prometheus.Histogram
	open      *prometheus.GaugeVec
}

// outcomeCounters are the counters of one limit under one plan.
type outcomeCounters struct {
	allowed, denied, shadowDenied, uncharged, refusedLocally prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_decisions_total",
			Help: "Decisions by limit, plan and outcome; uncharged is a limit that had room when another denied.",
		}, []string{"limit", "plan", "outcome"}),
		local: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_local_refusals_total",
			Help: "Requests refused without asking Redis, because the limit was known to be used up.",
		}, []string{"limit", "plan"}),
		fallback: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_fallback_decisions_total",
			Help: "Decisions made while Redis failed, by what on_redis_error says.",
		}, []string{"policy"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "gatehouse_ratelimit_redis_seconds",
			Help:    "Time that one decision waited for Redis, failures included.",
			Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1},
		}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_ratelimit_breaker_open",
			Help: "1 while this Redis is given up on after failures.",
		}, []string{"redis"}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.decisions, m.local, m.fallback, m.latency, m.open} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *metrics) outcomes(limit, plan string) outcomeCounters {
	return outcomeCounters{
		allowed:        m.decisions.WithLabelValues(limit, plan, "allowed"),
		denied:         m.decisions.WithLabelValues(limit, plan, "denied"),
		shadowDenied:   m.decisions.WithLabelValues(limit, plan, "shadow_denied"),
		uncharged:      m.decisions.WithLabelValues(limit, plan, "uncharged"),
		refusedLocally: m.local.WithLabelValues(limit, plan),
	}
}

func (m *metrics) observe(waited time.Duration) { m.latency.Observe(waited.Seconds()) }
