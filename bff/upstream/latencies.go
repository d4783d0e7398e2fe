package upstream

import (
	"slices"
	"sync"
	"time"
)

const (
	// A call that takes longer than this share of the good ones of late, in percent, gets a
	// second request, once there were enough to tell.
	latePercent   = 95
	latencyMemory = 1000 // good calls
	latencyFew    = 100  // good calls
	// latencyRenewal is after how many good calls the percentile is taken again: sorting
	// what is remembered each time would cost more than the call.
	latencyRenewal = 50 // divides latencyFew
)

// latencies tells how long the good calls of a service take of late. The zero value has
// seen none.
type latencies struct {
	mu    sync.Mutex
	took  []time.Duration // the last latencyMemory, in no order
	seen  int             // all there were
	bound time.Duration   // longer is late; 0: too few to tell
}

func (l *latencies) add(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.took) < latencyMemory {
		l.took = append(l.took, took)
	} else {
		l.took[l.seen%latencyMemory] = took
	}
	l.seen++
	if l.seen >= latencyFew && l.seen%latencyRenewal == 0 {
		sorted := slices.Sorted(slices.Values(l.took))
		l.bound = sorted[(len(sorted)-1)*latePercent/100]
	}
}

// late returns what fires once a call that begins now is late, never if there were too few
// to tell, and what stops it.
func (l *latencies) late() (<-chan time.Time, func()) {
	l.mu.Lock()
	bound := l.bound
	l.mu.Unlock()
	if bound == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(bound + 1) // longer than it
	return timer.C, func() { timer.Stop() }
}
