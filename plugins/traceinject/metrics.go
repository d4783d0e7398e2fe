package traceinject

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of a span: the outcome label of gatehouse_trace_spans_total.
const (
	spanExported   = "exported"
	spanDropped    = "dropped"    // the queue was full
	spanFailed     = "failed"     // the collector did not take it
	spanUnreadable = "unreadable" // Kong's log record made no sense
)

type metrics struct {
	traces *prometheus.CounterVec
	spans  *prometheus.CounterVec
	queued prometheus.Gauge
}

func newMetrics() metrics {
	m := metrics{
		traces: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_trace_requests_total",
			Help: "Requests given a trace, by origin: started, invalid (the client's traceparent was), continued, linked, restarted.",
		}, []string{"origin"}),
		spans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_trace_spans_total",
			Help: "Spans by outcome: exported, dropped (queue full), failed (collector), unreadable (log record).",
		}, []string{"outcome"}),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_trace_queued_spans",
			Help: "Spans that wait for export or are being exported.",
		}),
	}
	for _, outcome := range []string{spanExported, spanDropped, spanFailed, spanUnreadable} {
		m.spans.WithLabelValues(outcome) // present from the start, so that rate() sees the first drop
	}
	return m
}

func (m metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.traces, m.spans, m.queued} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register trace metrics: %w", err)
		}
	}
	return nil
}
