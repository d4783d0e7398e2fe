package onehop

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the one-hop plugin's own; the sections have theirs.
type metrics struct {
	failures  *prometheus.CounterVec
	lines     *prometheus.CounterVec
	lostLines prometheus.Counter
	inFlight  prometheus.GaugeFunc
	longer    []prometheus.Collector
}

// ages are how long a request may have waited for its access line, as far as metrics tell.
// Most requests are over within the first: where the number that waits for longer grows
// and that of long requests does not, lines are being lost.
var ages = []time.Duration{10 * time.Second, time.Minute, overdue}

func newMetrics(f *inFlight, now func() time.Time) metrics {
	m := metrics{
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_onehop_failures_total",
			Help: "Parts of events of the plugin gatehouse that failed or panicked, by section; event is what no section did, and journal that a request could not be written down for the next process.",
		}, []string{"section"}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_onehop_access_lines_total",
			Help: "Access lines that told how a request ended, by whether an event had told of the request: matched or unmatched.",
		}, []string{"request"}),
		lostLines: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_onehop_lost_access_lines_total",
			Help: "Requests whose access line will not come any more: their audit record does not say how they ended.",
		}),
		inFlight: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gatehouse_onehop_calls_under_way",
			Help: "Requests that wait for their access line.",
		}, func() float64 { return float64(f.len()) }),
		longer: longer(f, now),
	}
	for _, section := range []string{sectionScrub, sectionTrace, sectionLimit, sectionSunset, sectionVersion, sectionEvent, sectionJournal} {
		m.failures.WithLabelValues(section) // is 0 until it happens, so that rate() sees the first
	}
	return m
}

func longer(f *inFlight, now func() time.Time) (gauges []prometheus.Collector) {
	for _, age := range ages {
		gauges = append(gauges, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "gatehouse_onehop_overdue_calls",
			Help:        "Requests that have waited for their access line for longer: they are long, or their lines are lost.",
			ConstLabels: prometheus.Labels{"longer_than": fmt.Sprintf("%gs", age.Seconds())},
		}, func() float64 { return float64(f.longer(now(), age)) }))
	}
	return gauges
}

func (m *metrics) register(r prometheus.Registerer) error {
	var errs []error
	for _, c := range append(m.longer, m.failures, m.lines, m.lostLines, m.inFlight) {
		if err := r.Register(c); err != nil {
			errs = append(errs, fmt.Errorf("register one-hop metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}
