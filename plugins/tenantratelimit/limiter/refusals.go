package limiter

import (
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/internal/expiring"
)

// Refusals remembers counters that are known to be out of budget, so that
// clients that try again and again cost no Redis call. A refusal is remembered until
// its reset or for a second, whichever is sooner: a limit that is raised
// meanwhile takes effect within that second, and at once where the raise is
// known here.
type Refusals struct {
	// any is false as long as nobody was refused: there is no need to look into known.
	any   atomic.Bool
	known *expiring.Cache[string, *refusal]
}

type refusal struct {
	at     time.Time
	cost   int64
	limit  *Limit
	result Result
}

// refusalMemory is how long a refusal is remembered at most.
const refusalMemory = time.Second

// NewRefusals remembers at most capacity refusals.
func NewRefusals(capacity int) *Refusals {
	return &Refusals{known: expiring.New[string, *refusal](capacity)}
}

// Find says which descriptor is known to be out of budget at now, if any, with its
// result as of now.
func (r *Refusals) Find(descriptors []Descriptor, now time.Time) (index int, result Result, found bool) {
	if !r.any.Load() {
		return 0, Result{}, false
	}
	for i, d := range descriptors {
		if d.Limit.Shadow {
			continue
		}
		known, ok := r.known.Get(d.Key, now)
		if ok && known.limit == d.Limit && d.Cost >= known.cost {
			result = known.result
			result.Reset -= now.Sub(known.at)
			result.Retry -= now.Sub(known.at)
			return i, result, true
		}
	}
	return 0, Result{}, false
}

// Remember keeps the enforced limits that had no room at now.
func (r *Refusals) Remember(descriptors []Descriptor, v Verdict, now time.Time) {
	if v.Allowed {
		return
	}
	for i, result := range v.Results {
		d := &descriptors[i]
		if result.Fits || d.Limit.Shadow {
			continue
		}
		until := now.Add(min(result.Reset, result.Retry, refusalMemory))
		r.known.Put(d.Key, &refusal{at: now, cost: d.Cost, limit: d.Limit, result: result}, until)
		r.any.Store(true)
	}
}
