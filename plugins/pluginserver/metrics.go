package pluginserver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// outcome is how an event ended, an index into eventMetrics.
type outcome uint8

const (
	outcomeOK      outcome = iota
	outcomeExit            // the handler answered the client itself
	outcomePanic           // the handler panicked, the event ended normally
	outcomeAborted         // the connection ended before the event did
	outcomeRefused         // no such instance, or one that cannot run
	outcomeCount
)

var outcomeNames = [outcomeCount]string{"ok", "exit", "panic", "aborted", "refused"}

// metrics are the server's, all under gatehouse_pluginserver_.
type metrics struct {
	events       *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	panics       *prometheus.CounterVec
	calls        *prometheus.CounterVec
	instances    prometheus.Gauge
	failedStarts prometheus.Counter
	connections  prometheus.Gauge
	badFrames    prometheus.Counter

	entries map[string]callEntry // resolved once, by method
	unknown callEntry
}

// callEntry is what the connection needs to know of a PDK method.
type callEntry struct {
	pipelined, exits bool
	count            prometheus.Counter
}

// call finds a PDK method. It does not allocate.
func (m *metrics) call(method []byte) callEntry {
	if entry, ok := m.entries[string(method)]; ok {
		return entry
	}
	return m.unknown
}

// eventMetrics are those of one phase of one plugin, resolved once.
type eventMetrics struct {
	outcomes [outcomeCount]prometheus.Counter
	duration prometheus.Observer
	panics   prometheus.Counter
}

func (m *eventMetrics) observe(o outcome, took time.Duration) {
	m.outcomes[o].Inc()
	m.duration.Observe(took.Seconds())
}

// durationBuckets reach from an event without PDK calls to one that waited for
// Kong's own socket timeout.
var durationBuckets = []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1, 5, 60}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "gatehouse", Subsystem: "pluginserver", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "gatehouse", Subsystem: "pluginserver", Name: name, Help: help})
	}
	starts := counter("instance_start_failures_total", "Configurations that could not be started.")
	frames := counter("bad_frames_total", "Connections closed for a frame that is garbage, truncated or too large.")
	m := &metrics{
		events: counter("events_total", "Events by how they ended: ok, exit, panic, aborted or refused.", "plugin", "phase", "outcome"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "gatehouse", Subsystem: "pluginserver", Name: "event_duration_seconds",
			Help: "Time from the event's arrival to its end, PDK calls included.", Buckets: durationBuckets,
		}, []string{"plugin", "phase"}),
		panics:      counter("panics_total", "Panics in handlers.", "plugin", "phase"),
		calls:       counter("pdk_calls_total", "PDK calls by method.", "method"),
		instances:   gauge("instances", "Configurations that are started and not closed."),
		connections: gauge("connections", "Open connections."),
		entries:     map[string]callEntry{},
	}
	m.failedStarts, m.badFrames = starts.WithLabelValues(), frames.WithLabelValues()
	for _, call := range Calls() {
		m.entries[call.Method] = callEntry{
			pipelined: call.Pipelined, exits: call.Method == exitCall, count: m.calls.WithLabelValues(call.Method),
		}
	}
	m.unknown = callEntry{count: m.calls.WithLabelValues("unknown")}
	return m, register(reg, m.events, m.duration, m.panics, m.calls, m.instances, m.connections, starts, frames)
}

func register(reg prometheus.Registerer, collectors ...prometheus.Collector) error {
	if reg == nil {
		return nil
	}
	var errs []error
	for _, c := range collectors {
		if err := reg.Register(c); err != nil {
			errs = append(errs, fmt.Errorf("register metrics: %w", err))
		}
	}
	return errors.Join(errs...)
}

// forPlugin resolves the metrics of a plugin's phases, so that an event looks
// nothing up.
func (m *metrics) forPlugin(p *plugin) *[phaseCount]*eventMetrics {
	var all [phaseCount]*eventMetrics
	for ph, name := range phaseNames {
		if slices.Contains(p.phases, name) {
			all[ph] = m.forPhase(p.Name, name)
		}
	}
	return &all
}

func (m *metrics) forPhase(plugin, phase string) *eventMetrics {
	e := &eventMetrics{
		duration: m.duration.WithLabelValues(plugin, phase),
		panics:   m.panics.WithLabelValues(plugin, phase),
	}
	for o := range e.outcomes {
		e.outcomes[o] = m.events.WithLabelValues(plugin, phase, outcomeNames[o])
	}
	return e
}
