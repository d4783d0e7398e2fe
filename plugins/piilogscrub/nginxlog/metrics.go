package nginxlog

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts lines.
type metrics struct {
	lines *prometheus.CounterVec
	lost  *prometheus.CounterVec
	// kernelQueue is 0 where the system does not say.
	kernelQueue prometheus.Gauge
	sooner      *prometheus.CounterVec
}

// soonerHeaders are those that a service may send beside the gateway's.
var soonerHeaders = []string{"Deprecation", "Sunset"}

// Why a line is lost.
const (
	lostQueueFull  = "queue full"
	lostFailed     = "failed"
	lostNotWritten = "not written"
)

func newMetrics() *metrics {
	m := &metrics{
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_nginxlog_lines_total",
			Help: "Lines received from nginx, by log: access, error, or text for those of neither form.",
		}, []string{"log"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_nginxlog_lost_lines_total",
			Help: "Lines lost after they were received, by reason: queue full, failed, or not written (writes, of one line or more).",
		}, []string{"reason"}),
		kernelQueue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_nginxlog_kernel_queue_lines",
			Help: "Lines that the kernel holds for this process (net.unix.max_dgram_qlen); it refuses nginx those beyond. 512 or more are needed.",
		}),
	}
	m.sooner = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_sunset_service_sooner_total",
		Help: "Responses in which a service's own date was earlier than the one of sunset-headers, and was sent in its place, by header: Deprecation or Sunset.",
	}, []string{"header"})
	for _, header := range soonerHeaders {
		m.sooner.WithLabelValues(header)
	}
	for _, reason := range []string{lostQueueFull, lostFailed, lostNotWritten} {
		m.lost.WithLabelValues(reason) // is 0 until it happens, so that rate() sees the first
	}
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.lines.Describe(ch)
	m.lost.Describe(ch)
	m.kernelQueue.Describe(ch)
	m.sooner.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.lines.Collect(ch)
	m.lost.Collect(ch)
	m.kernelQueue.Collect(ch)
	m.sooner.Collect(ch)
}

// countSooner counts headers, with commas between.
func (m *metrics) countSooner(headers string) {
	for header := range strings.SplitSeq(headers, ",") {
		if slices.Contains(soonerHeaders, header) {
			m.sooner.WithLabelValues(header).Inc()
		}
	}
}
