package tenantratelimit

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/exemplar"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// metrics counts decisions. Its labels come from the config, or are the names of
// the first so many tenants, so that clients cannot make new series at will.
type metrics struct {
	decisions *prometheus.CounterVec
	local     *prometheus.CounterVec
	fallback  *prometheus.CounterVec
	latency   prometheus.Histogram
	waitedIn  *exemplar.Histograms // names the traces of latency
	open      *prometheus.GaugeVec
	words     *prometheus.CounterVec
	wasted    *prometheus.CounterVec
	tenants   *tenantLabels
	// settled are units that were admitted without Redis and charged there later,
	// forgotten those that were not.
	settled, forgotten prometheus.Counter
	// unobserved are requests of which the observation was lost.
	unobserved prometheus.Counter
	// withoutRedis are the configs in use that have no Redis to count in.
	withoutRedis prometheus.Gauge
	// perNode are the configs in use that count in this process on purpose, and exempt the
	// requests that no limit was asked about.
	perNode prometheus.Gauge
	exempt  *prometheus.CounterVec
	// refused are commands that a Redis refused to its user, and mayEvict says of each
	// Redis whether it throws counters away.
	refused  *prometheus.CounterVec
	mayEvict *prometheus.GaugeVec
	// distrusted are verified tokens that were refused.
	distrusted *prometheus.CounterVec
	// partly are those that were observed as part of a larger group only.
	partly prometheus.Counter
}

var _ quota.Metrics = (*metrics)(nil)

// waits are the upper bounds of a histogram, in seconds.
var waits = []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1}

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
			Buckets: waits,
		}),
		waitedIn: exemplar.New(waits),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_ratelimit_breaker_open",
			Help: "1 while this Redis is given up on after failures.",
		}, []string{"redis"}),
		words: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_redis_words_total",
			Help: "Answers of a Redis that is well and cannot decide: MOVED, ASK, TRYAGAIN, CLUSTERDOWN, LOADING, MASTERDOWN, READONLY.",
		}, []string{"redis", "word"}),
		wasted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_lease_wasted_units_total",
			Help: "Units that this node took from Redis in blocks and gave to no request.",
		}, []string{"limit"}),
		settled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_settled_units_total",
			Help: "Units that this node admitted while Redis did not answer, and charged there when it did.",
		}),
		forgotten: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_forgotten_units_total",
			Help: "Units that this node admitted while Redis did not answer, and that are never charged, since there were too many counters to keep.",
		}),
		tenants: newTenantLabels(),
		withoutRedis: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_ratelimit_without_redis",
			Help: "Configurations in use that have no Redis, since they name no URL, or one that cannot be used: each node decides alone, as on_redis_error says.",
		}),
		perNode: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_ratelimit_policy_local",
			Help: "Configurations in use with policy local: each node counts in its memory, for itself alone.",
		}),
		exempt: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_exempt_total",
			Help: "Requests that no limit was asked about, by why: network, preflight, route, consumer or tenant of exempt, or a cost of 0.",
		}, []string{"reason"}),
		unobserved: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_unobserved_requests_total",
			Help: "Requests that gatehouse limits advise will not know of, because they could not be written to Redis.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_redis_refused_total",
			Help: "Commands that this Redis refused to its user by its ACL, and what of them: the command, its key or its channel.",
		}, []string{"redis", "command", "of"}),
		mayEvict: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_ratelimit_redis_may_evict",
			Help: "1 while this Redis throws counters away when its memory is full.",
		}, []string{"redis"}),
		distrusted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_identity_refused_tokens_total",
			Help: "Tokens that Kong verified and that were refused, by what does not fit: no_issuer (the consumer has no entry in issuers), or the claim iss, aud, exp or nbf.",
		}, []string{"reason"}),
		partly: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_ratelimit_partly_observed_requests_total",
			Help: "Requests that gatehouse limits advise does not know by tenant, user or address, and route, because one node saw too many of these in a minute.",
		}),
	}
	for _, fault := range identity.Faults() {
		m.distrusted.WithLabelValues(string(fault)) // is 0 until it happens
	}
	for _, reason := range quota.Exemptions() {
		m.exempt.WithLabelValues(string(reason))
	}
	for _, policy := range []string{quota.OnErrorLocal, quota.OnErrorAllow, quota.OnErrorDeny} {
		m.fallback.WithLabelValues(policy)
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.decisions, m.local, m.fallback, m.latency, m.open, m.words, m.wasted, m.settled, m.forgotten, m.tenants.decisions, m.unobserved, m.partly, m.withoutRedis, m.perNode, m.exempt, m.refused, m.mayEvict, m.distrusted} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// Limit implements [quota.Metrics].
func (m *metrics) Limit(limit, plan string) quota.LimitCounters {
	return quota.LimitCounters{
		Allowed:        m.decisions.WithLabelValues(limit, plan, "allowed"),
		Denied:         m.decisions.WithLabelValues(limit, plan, "denied"),
		ShadowDenied:   m.decisions.WithLabelValues(limit, plan, "shadow_denied"),
		Uncharged:      m.decisions.WithLabelValues(limit, plan, "uncharged"),
		RefusedLocally: m.local.WithLabelValues(limit, plan),
	}
}

// Waited implements [quota.Metrics].
func (m *metrics) Waited(traceID string, took time.Duration) {
	m.waitedIn.ObserveIn(traceID, m.latency, took.Seconds())
}

// FellBack implements [quota.Metrics].
func (m *metrics) FellBack(policy string) { m.fallback.WithLabelValues(policy).Inc() }

// Distrusted implements [quota.Metrics].
func (m *metrics) Distrusted(fault identity.Fault) { m.distrusted.WithLabelValues(string(fault)).Inc() }

// Exempt implements [quota.Metrics].
func (m *metrics) Exempt(why quota.Exemption) { m.exempt.WithLabelValues(string(why)).Inc() }

// waste counts units of a block that nobody got.
func (m *metrics) waste(l *limiter.Limit, units int64) {
	m.wasted.WithLabelValues(l.Name).Add(float64(units))
}
