package limiter

import (
	"sync"
	"sync/atomic"
	"time"
)

// Refusals remembers counters that are known to be out of budget, so that
// those who keep knocking cost no Redis call. A refusal is remembered until
// its reset or for a second, whichever is sooner: a limit that is raised
// meanwhile takes effect within that second, and at once where the raise is
// known here.
type Refusals struct {
	capacity int
	size     atomic.Int64

	mu   sync.RWMutex
	byID map[string]refusal
}

type refusal struct {
	at, until time.Time
	cost      int64
	limit     *Limit
	outcome   Outcome
}

// refusalMemory is how long a refusal is remembered at most.
const refusalMemory = time.Second

// NewRefusals remembers at most capacity refusals.
func NewRefusals(capacity int) *Refusals {
	return &Refusals{capacity: capacity, byID: map[string]refusal{}}
}

// Find says which level is known to be out of budget at now, if any, with its
// outcome as of now.
func (r *Refusals) Find(levels []Level, now time.Time) (index int, o Outcome, found bool) {
	if r.size.Load() == 0 {
		return 0, Outcome{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i, l := range levels {
		if l.Limit.Shadow {
			continue
		}
		known, ok := r.byID[l.Key]
		if ok && known.limit == l.Limit && now.Before(known.until) && l.Cost >= known.cost {
			o = known.outcome
			o.Reset -= now.Sub(known.at)
			o.Retry -= now.Sub(known.at)
			return i, o, true
		}
	}
	return 0, Outcome{}, false
}

// Remember keeps the enforced levels that had no room at now.
func (r *Refusals) Remember(levels []Level, v Verdict, now time.Time) {
	if v.Allowed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, o := range v.Outcomes {
		if o.Fits || levels[i].Limit.Shadow {
			continue
		}
		if len(r.byID) >= r.capacity && !r.sweep(now) {
			return
		}
		until := now.Add(min(o.Reset, o.Retry, refusalMemory))
		r.byID[levels[i].Key] = refusal{at: now, until: until, cost: levels[i].Cost, limit: levels[i].Limit, outcome: o}
	}
	r.size.Store(int64(len(r.byID)))
}

// sweep drops what is over, and says whether that made room.
func (r *Refusals) sweep(now time.Time) bool {
	for key, known := range r.byID {
		if !now.Before(known.until) {
			delete(r.byID, key)
		}
	}
	return len(r.byID) < r.capacity
}
