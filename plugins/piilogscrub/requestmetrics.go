package piilogscrub

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/firstseen"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// requestMetrics count and time the requests that are over, by route. They are taken where
// the audit record of a request is made, for that knows each request once, whoever answered
// it, and the gateway is asked nothing for it.
type requestMetrics struct {
	routes   *firstseen.Set[string]
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	gateway  *prometheus.HistogramVec
}

// maxRouteLabels is how many routes, the first that are called, have series of their own.
// The others share one.
const maxRouteLabels = 200

// Labels of those that have none of their own.
const (
	otherRoutes   = "other routes"
	noRoute       = "none"
	unknownStatus = "unknown"
)

// Upper bounds of the histograms, in seconds: the objectives are among them.
var (
	requestBuckets = []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2, 5}
	gatewayBuckets = []float64{.001, .002, .005, .01, .025, .05, .1, .5}
)

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		routes: firstseen.NewSet[string](maxRouteLabels),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_requests_total",
			Help: "Requests that are over, by route (none: no route is known; the first 200 have a label each) and class of status: 2xx to 5xx, or unknown where the access line is overdue.",
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
	route := m.label(cmp.Or(r.Route.Name, r.Route.ID, noRoute))
	class := statusClass(r.Response.Status)
	m.requests.WithLabelValues(route, class).Inc()
	if class == unknownStatus {
		return // it may go on
	}
	m.seconds.WithLabelValues(route).Observe(r.Latencies.Request / 1000)
	m.gateway.WithLabelValues(route).Observe(r.Latencies.Kong / 1000)
}

func (m *requestMetrics) label(route string) string {
	route = strings.ToValidUTF8(route, "?") // the client library panics on what is not
	if !m.routes.Add(route) {
		return otherRoutes
	}
	return route
}

func statusClass(status int) string {
	if status < 100 || status > 599 {
		return unknownStatus
	}
	return strconv.Itoa(status/100) + "xx"
}
