package onehop

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// Some requests end that no event told of: nginx itself refuses what it cannot read, and
// a process that was killed may have known of others. Where the plugin is enabled for all
// requests, each of them has its audit record too, made from its access line alone.

// maxHeld bounds the lines that wait to be told whether the plugin is enabled for all
// requests, some 500 kB. Kong says so with the first request that it passes on.
const maxHeld = 1024

// settled is how long after the start of a process Kong may find connections to the last
// one, whose events are cut off.
const settled = 2 * time.Second

// doubtful is how many requests in a row may have been proxied without an event that told
// of them, as where the event was cut off. More than that, and the configuration is gone:
// Kong tells nobody, and calls it no more.
const doubtful = 3

// everywhere is what is known of the configuration for all requests, which has a rewrite
// event of each that Kong passes on.
type everywhere struct {
	// inForce is the one whose event came last. Kong may go back to an earlier one.
	inForce atomic.Pointer[hop]
	// doubts are the requests that were proxied since the last event, without one.
	doubts atomic.Int32
	// since is when this process had taken the last one's place for good, in milliseconds
	// since the Unix epoch. Of requests that began before, events may be lost.
	since float64

	mu   sync.Mutex
	told bool // there was an event
	// declared is the answer until there is one, if it is known.
	declared bool
	held     []*kongrecord.Record // what ended before
}

// heard is told of each event, and returns what was held until the first one.
func (e *everywhere) heard(h *hop) (held []*kongrecord.Record) {
	if e.doubts.Load() != 0 {
		e.doubts.Store(0)
	}
	if e.inForce.Load() == h {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inForce.Store(h)
	held, e.held, e.told = e.held, nil, true
	return held
}

// ended is told of the end of a configuration.
func (e *everywhere) ended(h *hop) { e.inForce.CompareAndSwap(h, nil) }

// audits reports whether each request has an audit record, and so the one that ended. A
// line that comes before anybody knows is held.
func (e *everywhere) audits(end *kongrecord.Record) bool {
	if h := e.inForce.Load(); h != nil {
		if len(end.Tries) > 0 && end.StartedAt > e.since && e.doubts.Load() <= doubtful {
			e.doubts.Add(1)
		}
		return e.doubts.Load() <= doubtful && h.audits()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.told && !e.declared && len(e.held) < maxHeld {
		e.held = append(e.held, end)
	}
	return !e.told && e.declared
}

// heard has the runtime know of an event of a configuration for all requests.
func (r *Runtime) heard(h *hop) {
	for _, end := range r.everywhere.heard(h) {
		r.endUnknown(end)
	}
}

// endUnknown writes the audit record of a request of which its access line is all that is
// known, and reports whether it did.
func (r *Runtime) endUnknown(end *kongrecord.Record) bool {
	if !r.everywhere.audits(end) {
		return false
	}
	end.Correction = end.Latencies.Request > float64(overdue/time.Millisecond) // it was given up meanwhile
	r.end(&request{audits: true, record: kongrecord.Record{Partial: true}}, end)
	return true
}
