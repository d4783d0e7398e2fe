// Package throttle keeps what happens often from being logged each time.
package throttle

import (
	"sync"
	"time"
)

// interval is how often the same kind of thing is let through.
const interval = time.Second

// Throttle lets something through once a second, and counts the rest. The zero value
// is ready to use. It is safe for concurrent use.
type Throttle struct {
	mu   sync.Mutex
	next time.Time
	held int
}

// Allow reports whether to go ahead, and how many were held back since the last time.
func (t *Throttle) Allow(now time.Time) (held int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		t.held++
		return 0, false
	}
	held, t.held = t.held, 0
	t.next = now.Add(interval)
	return held, true
}
