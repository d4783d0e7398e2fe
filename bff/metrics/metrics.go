// Package metrics has Prometheus watch a BFF. Labels have few values: routes are a
// contract's path patterns, parts its enum, services those that the BFF calls.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/exemplar"
	"github.com/gatehousehq/gatehouse/internal/statuswriter"
)

// noRoute is the route of a request that no operation serves.
const noRoute = "none"

// durations are the upper bounds of histograms, in seconds: dense where a page's goals
// are (p95 under 0.1 and 0.3) and where its time ends (1.5).
var durations = []float64{.005, .01, .025, .05, .075, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 5}

// Metrics are those of one BFF. They implement [upstream.Observer].
type Metrics struct {
	factory promauto.Factory

	requests        *prometheus.CounterVec   // route, code
	requestSeconds  *prometheus.HistogramVec // route
	degraded        *prometheus.CounterVec   // part
	overloaded      prometheus.Counter
	invalidTimeouts prometheus.Counter

	calls       *prometheus.CounterVec   // upstream, outcome
	callSeconds *prometheus.HistogramVec // upstream
	retries     *prometheus.CounterVec   // upstream
	hedges      *prometheus.CounterVec
	shared      *prometheus.CounterVec
	circuit     *prometheus.GaugeVec // upstream, state
	pool        *prometheus.GaugeVec // upstream, state
	dials       *prometheus.CounterVec

	requestedIn, calledIn *exemplar.Histograms // name the traces of requestSeconds and callSeconds
}

var _ upstream.Observer = (*Metrics)(nil)

// New registers with reg. upstreams are the names of the services, which have their
// metrics from the start.
func New(reg prometheus.Registerer, upstreams []string) *Metrics {
	factory := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return factory.NewCounterVec(prometheus.CounterOpts{Name: "gatehouse_bff_" + name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return factory.NewGaugeVec(prometheus.GaugeOpts{Name: "gatehouse_bff_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return factory.NewHistogramVec(prometheus.HistogramOpts{Name: "gatehouse_bff_" + name, Help: help, Buckets: durations}, labels)
	}
	m := &Metrics{
		factory: factory,

		requests:        counter("requests_total", "Requests, by the path pattern that served them and the status of the answer.", "route", "code"),
		requestSeconds:  histogram("request_duration_seconds", "Time that requests took.", "route"),
		degraded:        counter("degraded_parts_total", "Pages that went out without a part, by part.", "part"),
		overloaded:      counter("overloaded_total", "Requests refused with a 503, as there were too many at once.").WithLabelValues(),
		invalidTimeouts: counter("invalid_request_timeouts_total", "Requests whose Request-Timeout was no value, and was taken for missing.").WithLabelValues(),

		calls:       counter("upstream_calls_total", "Calls of services, retries and hedges included in one, by how they ended.", "upstream", "outcome"),
		callSeconds: histogram("upstream_call_duration_seconds", "Time that calls of services took.", "upstream"),
		retries:     counter("upstream_retries_total", "Requests made as the one before failed.", "upstream"),
		hedges:      counter("upstream_hedges_total", "Requests made as the one before was late.", "upstream"),
		shared:      counter("upstream_shared_total", "Calls that had the answer to another's request of the same principal.", "upstream"),
		circuit:     gauge("upstream_circuit", "1 for the state that the circuit breaker of a service is in.", "upstream", "state"),
		pool:        gauge("upstream_connections", "Connections to a service that are open, and requests that wait for an answer on one.", "upstream", "state"),
		dials:       counter("upstream_dials_total", "Connections to a service that were opened.", "upstream"),

		requestedIn: exemplar.New(durations),
		calledIn:    exemplar.New(durations),
	}
	for _, name := range upstreams {
		m.start(name)
	}
	return m
}

// start gives a service's counters the value 0, for rates to begin with.
func (m *Metrics) start(name string) {
	for _, outcome := range upstream.Outcomes() {
		m.calls.WithLabelValues(name, outcome)
	}
	for _, vec := range []*prometheus.CounterVec{m.retries, m.hedges, m.shared, m.dials} {
		vec.WithLabelValues(name)
	}
	m.callSeconds.WithLabelValues(name)
	m.pool.WithLabelValues(name, stateOpen)
	m.pool.WithLabelValues(name, stateUsed)
	m.Circuit(name, upstream.CircuitStates()[0])
}

// Called implements [upstream.Observer].
func (m *Metrics) Called(ctx context.Context, name, outcome string, took time.Duration) {
	m.calls.WithLabelValues(name, outcome).Inc()
	m.calledIn.Observe(ctx, m.callSeconds.WithLabelValues(name), took.Seconds())
}

// Retried implements [upstream.Observer].
func (m *Metrics) Retried(name string) { m.retries.WithLabelValues(name).Inc() }

// Hedged implements [upstream.Observer].
func (m *Metrics) Hedged(name string) { m.hedges.WithLabelValues(name).Inc() }

// Circuit implements [upstream.Observer].
func (m *Metrics) Circuit(name, state string) {
	for _, s := range upstream.CircuitStates() {
		value := 0.0
		if s == state {
			value = 1
		}
		m.circuit.WithLabelValues(name, s).Set(value)
	}
}

// Degraded counts a page that went out without a part.
func (m *Metrics) Degraded(part string) { m.degraded.WithLabelValues(part).Inc() }

// InFlight has now read how many requests there are at once, of most that may be.
func (m *Metrics) InFlight(now func() int, most int) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_bff_requests_in_flight", Help: "Requests that are being served."},
		func() float64 { return float64(now()) })
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_bff_requests_in_flight_limit", Help: "How many requests may be served at once."},
		func() float64 { return float64(most) })
}

// Overloaded counts a request that was refused.
func (m *Metrics) Overloaded() { m.overloaded.Inc() }

// InvalidTimeout counts a Request-Timeout that was no value.
func (m *Metrics) InvalidTimeout() { m.invalidTimeouts.Inc() }

// Handler counts and times the requests of next, within their span. route gives the path pattern that serves
// a request, "" if none does.
func (m *Metrics) Handler(next http.Handler, route func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		noted := statuswriter.New(w)
		next.ServeHTTP(noted, r)
		pattern := route(r)
		if pattern == "" {
			pattern = noRoute
		}
		m.requests.WithLabelValues(pattern, strconv.Itoa(noted.Status)).Inc()
		m.requestedIn.Observe(r.Context(), m.requestSeconds.WithLabelValues(pattern), time.Since(began).Seconds())
	})
}
