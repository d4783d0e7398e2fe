package piilogscrub

import (
	"cmp"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/exemplar"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// requestMetrics count and time the requests that are over, by route. They are taken where
// the audit record of a request is made, for that knows each request once, whoever answered
// it, and the gateway is asked nothing for it.
type requestMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	gateway  *prometheus.HistogramVec
	// Name the traces of seconds and gateway.
	secondsIn, gatewayIn *exemplar.Histograms

	mu     sync.RWMutex
	routes map[string]*routeMetrics
}

// routeMetrics are those of one route.
type routeMetrics struct {
	requests         [len(statusClasses)]prometheus.Counter
	seconds, gateway prometheus.Observer
}

// maxRouteLabels is how many routes, the first that are called, have series of their own.
// The others share one.
const maxRouteLabels = 200

// Labels of those that have none of their own.
const (
	otherRoutes = "other routes"
	noRoute     = "none"
)

// statusClasses are the values of the label, by the first digit of the status. A route has
// them all from the start, at 0, so that rate() sees its first failure.
var statusClasses = [...]string{unknownStatus: "unknown", 1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

// unknownStatus is the class of a request of which nobody knows how it ended.
const unknownStatus = 0

// Upper bounds of the histograms, in seconds: the objectives are among them.
var (
	requestBuckets = []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2, 5}
	gatewayBuckets = []float64{.001, .002, .005, .01, .025, .05, .1, .5}
)

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		routes:    map[string]*routeMetrics{},
		secondsIn: exemplar.New(requestBuckets),
		gatewayIn: exemplar.New(gatewayBuckets),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_requests_total",
			Help: "Requests that are over, by route (none: no route is known; the first 200 have a label each) and class of status: 1xx to 5xx, or unknown where the access line is overdue.",
		}, []string{"route", "status_class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_request_duration_seconds",
			Help:    "Time from a request's first byte to the last of its response, by route.",
			Buckets: requestBuckets,
		}, []string{"route"}),
		gateway: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_gateway_duration_seconds",
			Help:    "Time of a request that no upstream took, by route: Kong's own, its plugins', and the client's where it is slow.",
			Buckets: gatewayBuckets,
		}, []string{"route"}),
	}
}

func (m *requestMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.seconds, m.gateway}
}

// ended counts a request. One that was counted before, as its record is a correction, is
// not counted again.
func (m *requestMetrics) ended(r *kongrecord.Record) {
	if r.Correction {
		return
	}
	route := m.of(cmp.Or(r.Route.Name, r.Route.ID, noRoute))
	class := statusClass(r.Response.Status)
	route.requests[class].Inc()
	if class == unknownStatus {
		return // it may go on
	}
	m.secondsIn.ObserveIn(r.SpansIn(), route.seconds, r.Latencies.Request/1000)
	m.gatewayIn.ObserveIn(r.SpansIn(), route.gateway, r.Latencies.Kong/1000)
}

func statusClass(status int) int {
	if class := status / 100; class > unknownStatus && class < len(statusClasses) {
		return class
	}
	return unknownStatus
}

// of returns the metrics of a route.
func (m *requestMetrics) of(route string) *routeMetrics {
	m.mu.RLock()
	known := m.routes[route]
	m.mu.RUnlock()
	if known != nil {
		return known
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.routes) >= maxRouteLabels && m.routes[route] == nil {
		route = otherRoutes
	}
	if known = m.routes[route]; known == nil {
		known = m.resolve(strings.ToValidUTF8(route, "?")) // the client library panics on what is not
		m.routes[route] = known
	}
	return known
}

func (m *requestMetrics) resolve(label string) *routeMetrics {
	r := &routeMetrics{seconds: m.seconds.WithLabelValues(label), gateway: m.gateway.WithLabelValues(label)}
	for i, class := range statusClasses {
		r.requests[i] = m.requests.WithLabelValues(label, class)
	}
	return r
}
