package piilogscrub

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// requests counts what the gateway answered, by route: that is what a release is judged by
// (docs/releases.md), and what an operator looks at first. It counts what has an audit
// record.
type requests struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec

	mu     sync.RWMutex
	routes map[string]bool
}

// maxRoutes bounds the series; requests of further routes are counted together. Routes come
// from the config and not from clients, but configs come and go while a process lives.
const maxRoutes = 500

// otherRoutes is the name of those.
const otherRoutes = "(other)"

func newRequests() *requests {
	return &requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_requests_total",
			Help: "Requests that are over and have an audit record, by route (empty: none) and class of the status: 2xx to 5xx.",
		}, []string{"route", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_request_seconds",
			Help:    "Time from a request's first byte to the end of its response, by route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		routes: map[string]bool{},
	}
}

func (r *requests) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.seconds}
}

// count counts a request that is over, once.
func (r *requests) count(request *kongrecord.Record) {
	if request.Correction {
		return // it was counted when it was given up
	}
	route := request.Route.Name
	if route == "" {
		route = request.Route.ID
	}
	route = r.bounded(route)
	r.total.WithLabelValues(route, strconv.Itoa(request.Response.Status/100)+"xx").Inc()
	took := time.Duration(request.Latencies.Request * float64(time.Millisecond))
	r.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// bounded is the name that a route's requests are counted under.
func (r *requests) bounded(route string) string {
	r.mu.RLock()
	known, full := r.routes[route], len(r.routes) >= maxRoutes
	r.mu.RUnlock()
	switch {
	case known:
		return route
	case full:
		return otherRoutes
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.routes) >= maxRoutes && !r.routes[route] {
		return otherRoutes
	}
	r.routes[route] = true
	return route
}
