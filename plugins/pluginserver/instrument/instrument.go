// Package instrument has what a plugin server is watched by: counters, gauges and
// histograms, made by a [Meter] of the program's choice. [Registry] is one that needs no
// library, and writes what Prometheus reads.
package instrument

// Meter makes the instruments by which a server is watched: of Prometheus,
// OpenTelemetry or whatever the program uses. The server asks for each once, when it is
// made, and gives the values of its labels once for each plugin and phase, so that
// an event only counts.
type Meter interface {
	Counter(name, help string, labels ...string) func(values ...string) Counter
	Gauge(name, help string, labels ...string) func(values ...string) Gauge
	// Histogram has the upper bounds of its buckets, in rising order, without infinity.
	Histogram(name, help string, buckets []float64, labels ...string) func(values ...string) Histogram
	// ReadGauge is asked for its value when somebody looks at the metrics.
	ReadGauge(name, help string, labels, values []string, read func() float64)
}

// Counter counts up. It may be used by many goroutines at once, as may the other
// instruments. Those of Prometheus are instruments as they are.
type Counter interface {
	Inc()
	Add(n float64) // of at least 0
}

// Gauge is a value that goes up and down.
type Gauge interface {
	Inc()
	Dec()
	Set(value float64)
}

// Histogram is a distribution of values.
type Histogram interface{ Observe(value float64) }

// TracedHistogram is a Histogram that can name the trace that a value comes from, by its
// id: OpenMetrics calls that an exemplar. A Meter need not have any.
type TracedHistogram interface {
	Histogram
	ObserveIn(traceID string, value float64)
}

// Discard is the Meter of a server that nobody watches.
var Discard Meter = discard{}

// discard is also each instrument.
type discard struct{}

func (discard) counter(...string) Counter     { return discard{} }
func (discard) gauge(...string) Gauge         { return discard{} }
func (discard) histogram(...string) Histogram { return discard{} }

func (d discard) Counter(string, string, ...string) func(...string) Counter { return d.counter }

func (d discard) Gauge(string, string, ...string) func(...string) Gauge { return d.gauge }

func (d discard) Histogram(string, string, []float64, ...string) func(...string) Histogram {
	return d.histogram
}

func (discard) ReadGauge(string, string, []string, []string, func() float64) {}

func (discard) Inc()            {}
func (discard) Dec()            {}
func (discard) Add(float64)     {}
func (discard) Set(float64)     {}
func (discard) Observe(float64) {}
