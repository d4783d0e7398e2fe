package pluginserver

import (
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// outcome is how an event ended, an index into eventMetrics.
type outcome uint8

const (
	outcomeOK         outcome = iota
	outcomeExit               // the handler answered the client itself
	outcomePanic              // the handler panicked, the declared direction was applied
	outcomeDeadline           // the handler was cut off, the declared direction was applied
	outcomeOverloaded         // the handler was not called since too many hang, the declared direction was applied
	outcomeDegraded           // the handler could not be called, the declared direction was applied
	outcomeTooLarge           // the client got a 500 in place of an answer that was too large
	outcomeAborted            // the connection ended before the event did
	outcomeRefused            // no such instance, or no such phase
	outcomeCount
)

var outcomeNames = [outcomeCount]string{"ok", "exit", "panic", "deadline", "overloaded", "degraded", "too_large", "aborted", "refused"}

// metrics are the server's, all under gatehouse_pluginserver_.
type metrics struct {
	events       countersBy
	duration     histogramsBy
	panics       countersBy
	eventCalls   histogramsBy
	calls        countersBy
	running      instrument.Gauge
	eventWaits   instrument.Counter
	abandoned    instrument.Gauge
	overloaded   gaugesBy
	instances    instrument.Gauge
	adopted      instrument.Counter
	evicted      countersBy
	failedStarts instrument.Counter
	connections  instrument.Gauge
	takenOver    instrument.Counter
	acceptWaits  instrument.Counter
	badFrames    instrument.Counter
	timeouts     instrument.Counter
	cut          instrument.Counter
	suppressed   instrument.Counter

	entries map[string]callEntry // resolved once, by method
	unknown callEntry
}

// callEntry is what the connection needs to know of a PDK method.
type callEntry struct {
	pipelined, exits bool
	count            instrument.Counter
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
	outcomes [outcomeCount]instrument.Counter
	duration instrument.Histogram
	calls    instrument.Histogram
	panics   instrument.Counter
}

func (m *eventMetrics) observe(o outcome, took time.Duration, calls int, traceID string) {
	m.outcomes[o].Inc()
	if h, ok := m.duration.(instrument.TracedHistogram); ok && traceID != "" {
		h.ObserveIn(traceID, took.Seconds())
	} else {
		m.duration.Observe(took.Seconds())
	}
	m.calls.Observe(float64(calls))
}

var (
	// durationBuckets reach from an event without PDK calls to one that waited
	// for Kong's own socket timeout.
	durationBuckets = []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1, 5, 60}
	// callBuckets reach from an event that needed nothing to a loop of calls.
	callBuckets = []float64{0, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128}
)

// metricPrefix begins the names of all metrics of the server.
const metricPrefix = "gatehouse_pluginserver_"

// What makes instruments of values for their labels.
type (
	countersBy   = func(values ...string) instrument.Counter
	gaugesBy     = func(values ...string) instrument.Gauge
	histogramsBy = func(values ...string) instrument.Histogram
)

// named makes a server's metrics under names of the server's.
type named struct{ meter instrument.Meter }

func (n named) counters(name, help string, labels ...string) countersBy {
	return n.meter.Counter(metricPrefix+name, help, labels...)
}

func (n named) counter(name, help string) instrument.Counter { return n.counters(name, help)() }

func (n named) gauges(name, help string, labels ...string) gaugesBy {
	return n.meter.Gauge(metricPrefix+name, help, labels...)
}

func (n named) gauge(name, help string) instrument.Gauge { return n.gauges(name, help)() }

func (n named) histogram(name, help string, buckets []float64) histogramsBy {
	return n.meter.Histogram(metricPrefix+name, help, buckets, "plugin", "phase")
}

func newMetrics(meter instrument.Meter) *metrics {
	f := named{meter}
	m := &metrics{
		events:       f.counters("events_total", "Events by how they ended: ok, exit, panic, deadline, aborted or refused.", "plugin", "phase", "outcome"),
		duration:     f.histogram("event_duration_seconds", "Time from the event's arrival to its end, PDK calls included.", durationBuckets),
		eventCalls:   f.histogram("event_pdk_calls", "PDK calls in an event.", callBuckets),
		panics:       f.counters("panics_total", "Panics in handlers.", "plugin", "phase"),
		calls:        f.counters("pdk_calls_total", "PDK calls by method.", "method"),
		running:      f.gauge("events_running", "Events under way."),
		eventWaits:   f.counter("event_waits_total", "Events that had to wait because as many as may were under way in their plugin and phase."),
		abandoned:    f.gauge("abandoned_handlers", "Handlers that were cut off at their deadline and still run."),
		overloaded:   f.gauges("overloaded", "1 while the handlers of a plugin in a phase are not called, since too many of them hang.", "plugin", "handler"),
		instances:    f.gauge("instances", "Configurations that are started and not closed."),
		adopted:      f.counter("instances_adopted_total", "Configurations that Kong had started in a process before this one."),
		evicted:      f.counters("instances_evicted_total", "Configurations closed because they were idle, or because there were too many.", "reason"),
		failedStarts: f.counter("instance_start_failures_total", "Configurations that do not run as they are written."),
		connections:  f.gauge("connections", "Open connections."),
		takenOver:    f.counter("connections_taken_over_total", "Connections that the process before this one handed over."),
		acceptWaits:  f.counter("accept_waits_total", "Times that connections had to wait because as many as may were open."),
		badFrames:    f.counter("bad_frames_total", "Connections closed for a frame that is garbage, truncated or too large."),
		timeouts:     f.counter("connection_timeouts_total", "Connections closed because a frame did not arrive whole or was not read in time."),
		cut:          f.counter("connections_cut_total", "Connections closed in mid-event because the drain took too long."),
		suppressed:   f.counter("log_lines_suppressed_total", "Log lines left out because there was one like it within a second."),
		entries:      map[string]callEntry{},
	}
	for _, call := range Calls() {
		m.entries[call.Method] = callEntry{
			pipelined: call.Pipelined, exits: call.Method == exitCall, count: m.calls(call.Method),
		}
	}
	m.unknown = callEntry{count: m.calls("unknown")}
	return m
}

// forPlugin resolves the metrics of a plugin's phases, so that an event looks
// nothing up.
func (m *metrics) forPlugin(plugin string, phases []string) *[phaseCount]*eventMetrics {
	var all [phaseCount]*eventMetrics
	for ph, name := range phaseNames {
		if slices.Contains(phases, name) {
			all[ph] = m.forPhase(plugin, name)
		}
	}
	return &all
}

func (m *metrics) forPhase(plugin, phase string) *eventMetrics {
	e := &eventMetrics{
		duration: m.duration(plugin, phase),
		calls:    m.eventCalls(plugin, phase),
		panics:   m.panics(plugin, phase),
	}
	for o := range e.outcomes {
		e.outcomes[o] = m.events(plugin, phase, outcomeNames[o])
	}
	return e
}
