package sunsetheaders

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/firstseen"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

const (
	defaultMaxCallers = 1000
	// otherCallers is the consumer label of those past the cap.
	otherCallers = "other"
)

// Options say how a Runtime tells time and what it tells. The zero value is
// usable.
type Options struct {
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures. Default: discarded.
	Logger *slog.Logger
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// RedisURL is used by configs that name none; may be empty.
	RedisURL string
	// Open makes the client of a Redis, without connecting. Default: redisurl.Open.
	Open func(url string) (redis.UniversalClient, error)
	// MaxCallers bounds the pairs of route and consumer that have metrics of
	// their own; later ones are counted as consumer "other". Default 1000.
	MaxCallers int
}

// Runtime holds what outlives a config reload: who has called. It is safe for
// concurrent use.
type Runtime struct {
	logger   *slog.Logger
	now      func() time.Time
	source   kongrequest.Source
	requests *prometheus.CounterVec
	lastSeen *prometheus.GaugeVec
	ends     *prometheus.GaugeVec
	lost     prometheus.Counter
	callers  *firstseen.Set[routeCaller] // who have series of their own
	stores   stores
}

// NewRuntime makes a Runtime. The error is about registering metrics.
func NewRuntime(o Options) (*Runtime, error) {
	r := &Runtime{
		logger: o.Logger, now: o.Now,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_sunset_requests_total",
			Help: "Requests to API versions that are going to end, by route, consumer and stage: announced, deprecated, brownout, exempt, overdue, gone, redirected, degraded; in a dry run dry-run-brownout, dry-run-gone and dry-run-redirected.",
		}, []string{"route", "consumer", "stage"}),
		lastSeen: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_sunset_last_seen_timestamp_seconds",
			Help: "When a consumer last called an API version that is going to end, in Unix time.",
		}, []string{"route", "consumer"}),
		ends: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_sunset_end_timestamp_seconds",
			Help: "When an API version that was called ends, in Unix time. A version without an end has none.",
		}, []string{"route"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_sunset_unrecorded_requests_total",
			Help: "Requests that gatehouse sunset report will not know of: there was no room for them, or Redis did not answer to the end.",
		}),
		stores: stores{url: o.RedisURL, open: o.Open, byPlace: map[Redis]*store{}},
	}
	if r.stores.open == nil {
		r.stores.open = redisurl.Open
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if o.MaxCallers <= 0 {
		o.MaxCallers = defaultMaxCallers
	}
	r.callers = firstseen.NewSet[routeCaller](o.MaxCallers)
	if o.Registerer == nil {
		return r, nil
	}
	for _, c := range []prometheus.Collector{r.requests, r.lastSeen, r.ends, r.lost} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register sunset metrics: %w", err)
		}
	}
	return r, nil
}

// New is a fresh config bound to this runtime.
func (r *Runtime) New() any { return &Config{runtime: r} }

// Bind makes a config that was not made by New run on this runtime.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Close writes who called and is not written yet, and ends the Redis connections.
func (r *Runtime) Close(ctx context.Context) error { return r.stores.close(ctx) }

// routeCaller is what has series of its own: a consumer on a route.
type routeCaller struct{ route, consumer string }

// count counts a request, of the consumer "other" if the cap is reached and this one is
// new. end is when the version ends for all who are not exempt.
func (r *Runtime) count(now time.Time, caller lifecycle.Caller, stage lifecycle.Stage, end time.Time) {
	route := strings.ToValidUTF8(caller.Route, "?") // the client library panics on what is not
	consumer := strings.ToValidUTF8(caller.Name(), "?")
	if !r.callers.Add(routeCaller{route, consumer}) {
		consumer = otherCallers
	}
	r.requests.WithLabelValues(route, consumer, string(stage)).Inc()
	r.lastSeen.WithLabelValues(route, consumer).Set(float64(now.Unix()))
	if !end.IsZero() {
		r.ends.WithLabelValues(route).Set(float64(end.Unix()))
	}
}
