package piilogscrub

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// metrics counts what the engine found.
type metrics struct {
	findings *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	drops    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	audits   *prometheus.CounterVec
	partial  prometheus.Counter
	// lostEvents are counted where access lines come too.
	lostEvents prometheus.Counter
	requests   *requestMetrics
}

// Outcomes of writing an audit record.
const (
	auditWritten = "written"
	auditFailed  = "failed"
)

// places are where texts are dropped that cannot be examined.
var places = []string{
	"request", "uri", "querystring", "headers", "response_headers", "upstream_uri", "client_ip",
	"audit", "span", "access_log", "error_log", "other_log",
}

func newMetrics() *metrics {
	m := &metrics{
		requests: newRequestMetrics(),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_scrub_findings_total",
			Help: "Values taken out of logs, by kind and by the place that they were in.",
		}, []string{"kind", "place"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_scrub_bytes_total",
			Help: "Bytes of text examined, by place.",
		}, []string{"place"}),
		drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_scrub_drops_total",
			Help: "Texts dropped because they could not be examined, by place.",
		}, []string{"place"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_scrub_seconds",
			Help:    "Time that a phase takes, its calls to Kong included.",
			Buckets: prometheus.ExponentialBuckets(20e-6, 2, 12),
		}, []string{"phase"}),
		audits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_audit_records_total",
			Help: "Audit records by outcome: written, or failed.",
		}, []string{"outcome"}),
		partial: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_audit_partial_records_total",
			Help: "Audit records, of those written, of which nginx's access line is all that was known.",
		}),
		lostEvents: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_audit_lost_log_events_total",
			Help: "Requests whose log event did not come: their audit record is made from nginx's access line.",
		}),
	}
	for _, place := range places {
		m.drops.WithLabelValues(place) // is 0 until it happens, so that rate() sees the first
	}
	for _, outcome := range []string{auditWritten, auditFailed} {
		m.audits.WithLabelValues(outcome)
	}
	return m
}

func (m *metrics) collectors() []prometheus.Collector {
	return append(m.requests.collectors(), m.findings, m.bytes, m.drops, m.seconds, m.audits, m.partial, m.lostEvents)
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
}

func (m *metrics) observe(place string, n int, t scrub.Tally) {
	m.bytes.WithLabelValues(place).Add(float64(n))
	for kind, count := range t.All() {
		if kind == scrub.Dropped {
			m.drops.WithLabelValues(place).Add(float64(count))
			continue
		}
		m.findings.WithLabelValues(kind.String(), place).Add(float64(count))
	}
}
