package limiter

import (
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/internal/expiring"
)

// Refusals remembers counters that are known to be out of budget, so that
// those who keep knocking cost no Redis call. A refusal is remembered until
// its reset or for a second, whichever is sooner: a limit that is raised
// meanwhile takes effect within that second, and at once where the raise is
// known here.
type Refusals struct {
	// any spares those who were never refused the look into known.
	any   atomic.Bool
	known *expiring.Cache[string, *refusal]
}

type refusal struct {
	at      time.Time
	cost    int64
	limit   *Limit
	outcome Outcome
}

// refusalMemory is how long a refusal is remembered at most.
const refusalMemory = time.Second

// NewRefusals remembers at most capacity refusals.
func NewRefusals(capacity int) *Refusals {
	return &Refusals{known: expiring.New[string, *refusal](capacity)}
}

// Find says which level is known to be out of budget at now, if any, with its
// outcome as of now.
func (r *Refusals) Find(levels []Level, now time.Time) (index int, o Outcome, found bool) {
	if !r.any.Load() {
		return 0, Outcome{}, false
	}
	for i, l := range levels {
		if l.Limit.Shadow {
			continue
		}
		known, ok := r.known.Get(l.Key, now)
		if ok && known.limit == l.Limit && l.Cost >= known.cost {
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
	for i, o := range v.Outcomes {
		if o.Fits || levels[i].Limit.Shadow {
			continue
		}
		until := now.Add(min(o.Reset, o.Retry, refusalMemory))
		r.known.Put(levels[i].Key, &refusal{at: now, cost: levels[i].Cost, limit: levels[i].Limit, outcome: o}, until)
		r.any.Store(true)
	}
}
