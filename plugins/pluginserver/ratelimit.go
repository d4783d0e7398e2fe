package pluginserver

import (
	"sync"
	"time"
)

// logInterval is how often the same kind of thing is logged.
const logInterval = time.Second

// rateLimit lets something through once in a logInterval, and counts the rest.
// The zero value is ready to use.
type rateLimit struct {
	mu         sync.Mutex
	next       time.Time
	suppressed int
}

// allow reports whether to go ahead, and how many were held back before.
func (r *rateLimit) allow(now time.Time) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.next) {
		r.suppressed++
		return 0, false
	}
	suppressed, r.suppressed = r.suppressed, 0
	r.next = now.Add(logInterval)
	return suppressed, true
}
