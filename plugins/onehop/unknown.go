package onehop

import (
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// Some requests end that no event told of: nginx itself refuses what it cannot read, and
// a process that was killed may have known of others. Where the plugin is enabled for all
// requests, each of them has its audit record too, made from its access line alone.

// maxHeld bounds the lines that wait to be told whether the plugin is enabled for all
// requests, some 500 kB. Kong says so with the first request that it passes on.
const maxHeld = 1024

// everywhere are the configurations for all requests, and what ended before there was one.
type everywhere struct {
	mu   sync.Mutex
	hops []*hop // in the order of their start: the last one is in force
	told bool   // there was one
	// declared is the answer until there is one, if it is known.
	declared bool
	held     []*kongrecord.Record
}

// add puts a configuration in force, and returns what was held until then.
func (e *everywhere) add(h *hop) (held []*kongrecord.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hops, e.told = append(e.hops, h), true
	held, e.held = e.held, nil
	return held
}

func (e *everywhere) remove(h *hop) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, one := range e.hops {
		if one == h {
			e.hops = append(e.hops[:i:i], e.hops[i+1:]...)
			return
		}
	}
}

// audits reports whether each request has an audit record. A line that comes before
// anybody knows is held.
func (e *everywhere) audits(end *kongrecord.Record) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := len(e.hops) - 1; last >= 0 {
		return e.hops[last].audits()
	}
	if !e.told && !e.declared && len(e.held) < maxHeld {
		e.held = append(e.held, end)
	}
	return !e.told && e.declared
}

// forAll says that h is for all requests.
func (r *Runtime) forAll(h *hop) {
	for _, end := range r.everywhere.add(h) {
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
