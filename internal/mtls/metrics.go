package mtls

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	notAfter = prometheus.NewDesc("gatehouse_certificate_not_after_timestamp_seconds",
		"When a certificate in use expires: this process's own, and the first of the CAs that it believes.", []string{"certificate"}, nil)
	peerNotAfter = prometheus.NewDesc("gatehouse_peer_certificate_not_after_timestamp_seconds",
		"When the certificate expires that a client last opened a connection with, by the name that it is believed for.", []string{"peer"}, nil)
	reloadFailed = prometheus.NewDesc("gatehouse_certificate_reload_failed",
		"1 while the files hold nothing that can be used and the last good certificate stays in use.", nil, nil)
)

var _ prometheus.Collector = (*Identity)(nil)

// Describe implements [prometheus.Collector].
func (i *Identity) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(i, descs) }

// Collect implements [prometheus.Collector].
func (i *Identity) Collect(metrics chan<- prometheus.Metric) {
	m := i.latest()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(notAfter, float64(m.leaf.NotAfter.Unix()), "own")
	gauge(notAfter, float64(m.firstCA(time.Now()).Unix()), "ca")
	i.mu.Lock()
	met := maps.Clone(i.met)
	i.mu.Unlock()
	for name, until := range met {
		gauge(peerNotAfter, float64(until.Unix()), name)
	}
	failed := 0.0
	if i.failed.Load() {
		failed = 1
	}
	gauge(reloadFailed, failed)
}

// firstCA is when the first of the CAs expires that is still valid, or the last that was.
func (m *material) firstCA(now time.Time) time.Time {
	var first, last time.Time
	for _, ca := range m.cas {
		if ca.NotAfter.After(now) && (first.IsZero() || ca.NotAfter.Before(first)) {
			first = ca.NotAfter
		}
		if ca.NotAfter.After(last) {
			last = ca.NotAfter
		}
	}
	if first.IsZero() {
		return last
	}
	return first
}
