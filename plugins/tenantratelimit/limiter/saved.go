package limiter

import (
	"cmp"
	"slices"
)

// Saved is what a node leaves to the process that takes its place, of its counters:
// what Redis last said of each, what was admitted since, and what is owed. It is
// written as JSON; see [Saved.MarshalJSON]. The zero value is of no counters.
type Saved struct{ counters []savedCounter }

type savedCounter struct {
	key string
	*counter
}

// First is of no more than that many counters, those that matter most.
func (s Saved) First(most int) Saved { return Saved{s.counters[:min(most, len(s.counters))]} }

// Len is the number of counters.
func (s Saved) Len() int { return len(s.counters) }

// HandOver takes all counters out, and leaves the store as one that knows of none:
// what is owed to them is no longer this process' to charge. What is on its way to be
// charged counts as owed, since nobody here will read the answer: twice charged is
// better than not at all. What was charged for nobody is not given back.
func (l *Local) HandOver() Saved {
	l.mu.Lock()
	counters := l.counters
	l.counters, l.open = map[string]*counter{}, map[string]*counter{}
	l.owing.Store(0)
	l.mu.Unlock()
	s := Saved{make([]savedCounter, 0, len(counters))}
	for key, c := range counters {
		if c.limit == nil && c.heard.at == 0 {
			continue // nothing is known of it
		}
		c.owed, c.sent, c.unspentAt = min(max(0, c.owed+c.sent), MaxQuota), 0, 0
		s.counters = append(s.counters, savedCounter{key, c})
	}
	slices.SortFunc(s.counters, byWeight)
	return s
}

// byWeight puts counters that are owed to first, and then those in use last.
func byWeight(a, b savedCounter) int {
	return cmp.Or(cmp.Compare(b.owed, a.owed), cmp.Compare(b.used(), a.used()), cmp.Compare(a.key, b.key))
}

// used is when the counter was last asked about, by this node's clock.
func (c *counter) used() int64 { return max(c.asked, c.heard.at-c.heard.ahead) }

// TakeOver goes on from what another process of this machine left, and keeps it.
func (l *Local) TakeOver(s Saved) {
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range s.counters {
		l.keep(c.key, c.counter, now)
		l.opened(c.key, c.counter)
	}
}
