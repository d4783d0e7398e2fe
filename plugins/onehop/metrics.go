package onehop

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the one-hop plugin's own; the sections have theirs.
type metrics struct {
	failures  *prometheus.CounterVec
	lines     *prometheus.CounterVec
	lostLines prometheus.Counter
	inFlight  prometheus.GaugeFunc
}

func newMetrics(f *inFlight) metrics {
	return metrics{
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_onehop_failures_total",
			Help: "Parts of events of the plugin gatehouse that failed or panicked, by section; event is what no section did.",
		}, []string{"section"}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_onehop_access_lines_total",
			Help: "Access lines that told how a request ended, by whether the request was known: matched or unmatched.",
		}, []string{"request"}),
		lostLines: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_onehop_lost_access_lines_total",
			Help: "Requests whose access line did not come: their audit record does not say how they ended.",
		}),
		inFlight: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gatehouse_onehop_calls_under_way",
			Help: "Requests that wait for their access line.",
		}, func() float64 { return float64(f.len()) }),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	var errs []error
	for _, c := range []prometheus.Collector{m.failures, m.lines, m.lostLines, m.inFlight} {
		if err := r.Register(c); err != nil {
			errs = append(errs, fmt.Errorf("register one-hop metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}
