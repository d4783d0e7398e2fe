package propagation

import (
	"sync"
	"time"
)

// Allowance counts the traces that are sampled only because a client said so. The zero
// value is ready to use. It is safe for concurrent use.
type Allowance struct {
	mu    sync.Mutex
	began time.Time
	count int
	taken map[string]struct{}
}

// Take reports whether the request of an id is among the first most of its second, and
// counts it. A second begins with the first request after the last one. A request that
// asks again, as in another phase, is counted once.
func (a *Allowance) Take(id string, most int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken == nil {
		a.taken = make(map[string]struct{})
	}
	if now.Sub(a.began) >= time.Second {
		a.began, a.count = now, 0
		clear(a.taken)
	}
	if _, again := a.taken[id]; again {
		return true
	}
	if a.count >= most {
		return false
	}
	a.count++
	if id != "" {
		a.taken[id] = struct{}{}
	}
	return true
}
