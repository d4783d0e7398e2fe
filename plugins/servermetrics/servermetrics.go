// Package servermetrics has Prometheus watch a plugin server.
package servermetrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gatehousehq/gatehouse/internal/exemplar"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// Meter registers the metrics of one plugin server.
type Meter struct{ factory promauto.Factory }

var _ instrument.Meter = Meter{}

// New returns a meter that registers with reg. It panics where two servers do with one
// registry, which the second could not be told from.
func New(reg prometheus.Registerer) Meter { return Meter{promauto.With(reg)} }

// Counter implements [instrument.Meter].
func (m Meter) Counter(name, help string, labels ...string) func(...string) instrument.Counter {
	v := m.factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	return func(values ...string) instrument.Counter { return v.WithLabelValues(values...) }
}

// Gauge implements [instrument.Meter].
func (m Meter) Gauge(name, help string, labels ...string) func(...string) instrument.Gauge {
	v := m.factory.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	return func(values ...string) instrument.Gauge { return v.WithLabelValues(values...) }
}

// Histogram implements [instrument.Meter].
func (m Meter) Histogram(name, help string, buckets []float64, labels ...string) func(...string) instrument.Histogram {
	v := m.factory.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	in := exemplar.New(buckets)
	return func(values ...string) instrument.Histogram { return histogram{v.WithLabelValues(values...), in} }
}

// histogram has its buckets name traces.
type histogram struct {
	prometheus.Observer
	in *exemplar.Histograms
}

var _ instrument.TracedHistogram = histogram{}

// ObserveIn implements [instrument.TracedHistogram].
func (h histogram) ObserveIn(traceID string, value float64) {
	h.in.ObserveIn(traceID, h.Observer, value)
}

// ReadGauge implements [instrument.Meter].
func (m Meter) ReadGauge(name, help string, labels, values []string, read func() float64) {
	constant := prometheus.Labels{}
	for i, label := range labels {
		constant[label] = values[i]
	}
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: constant}, read)
}
