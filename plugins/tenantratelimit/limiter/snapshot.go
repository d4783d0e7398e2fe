package limiter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Snapshot is what a node leaves to the process that takes its place, of its counters:
// what Redis last said of each, what was admitted since, and what is owed. It is
// written as JSON. The zero value is of no counters.
type Snapshot struct{ counters []keyedCounter }

type keyedCounter struct {
	key string
	*counter
}

// First is of no more than that many counters, those that matter most.
func (s Snapshot) First(most int) Snapshot {
	return Snapshot{s.counters[:min(most, len(s.counters))]}
}

// Len is the number of counters.
func (s Snapshot) Len() int { return len(s.counters) }

// HandOver takes all counters out, and leaves the store as one that knows of none:
// what is owed to them is no longer this process' to charge. What is on its way to be
// charged counts as owed, since nobody here will read the answer: charged twice is
// better than not at all. What was charged for nobody is not given back.
func (l *Local) HandOver() Snapshot {
	l.mu.Lock()
	counters := l.counters
	l.counters, l.open = map[string]*counter{}, map[string]*counter{}
	l.openCount.Store(0)
	l.mu.Unlock()
	s := Snapshot{make([]keyedCounter, 0, len(counters))}
	for key, c := range counters {
		if c.limit == nil && c.heardLimit == nil {
			continue // nothing is known of it
		}
		c.Owed, c.sent, c.unspentAt = min(max(0, c.Owed+c.sent), MaxQuota), 0, 0
		s.counters = append(s.counters, keyedCounter{key, c})
	}
	slices.SortFunc(s.counters, byWeight)
	return s
}

// byWeight puts counters that are owed to first, and then those that were used last.
func byWeight(a, b keyedCounter) int {
	return cmp.Or(cmp.Compare(b.Owed, a.Owed), cmp.Compare(b.usedAt(), a.usedAt()), cmp.Compare(a.key, b.key))
}

// usedAt is when the counter was last asked about, by this node's clock.
func (c *counter) usedAt() int64 { return max(c.AskedAt, c.Heard.At-c.Heard.Ahead) }

// TakeOver goes on from what another process of this machine left, and keeps it.
func (l *Local) TakeOver(s Snapshot) {
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range s.counters {
		l.keep(c.key, c.counter, now)
		l.updateOpen(c.key, c.counter)
	}
}

// snapshotJSON is how a [Snapshot] is written. Many counters have the same limit, so
// they name it by its place in Limits, from 1 on; 0 is none.
type snapshotJSON struct {
	Limits   []Spec        `json:"limits"`
	Counters []counterJSON `json:"counters"`
}

type counterJSON struct {
	Key        string `json:"key"`
	Limit      int    `json:"limit,omitempty"`
	HeardLimit int    `json:"heard_limit,omitempty"`
	memory
}

// MarshalJSON implements [json.Marshaler].
func (s Snapshot) MarshalJSON() ([]byte, error) {
	var doc snapshotJSON
	places := map[Spec]int{}
	place := func(l *Limit) int {
		if l == nil {
			return 0
		}
		if places[l.Spec] == 0 {
			doc.Limits = append(doc.Limits, l.Spec)
			places[l.Spec] = len(doc.Limits)
		}
		return places[l.Spec]
	}
	for _, c := range s.counters {
		doc.Counters = append(doc.Counters, counterJSON{c.key, place(c.limit), place(c.heardLimit), c.memory})
	}
	return json.Marshal(doc)
}

// UnmarshalJSON implements [json.Unmarshaler]. Where a limit or a counter makes no
// sense, nothing is read.
func (s *Snapshot) UnmarshalJSON(text []byte) error {
	var doc snapshotJSON
	if err := json.Unmarshal(text, &doc); err != nil {
		return err
	}
	limits := make([]*Limit, 1, 1+len(doc.Limits)) // the first is none
	for _, spec := range doc.Limits {
		l, err := Compile(spec)
		if err != nil {
			return fmt.Errorf("compile limit %q: %w", spec.Name, err)
		}
		limits = append(limits, l)
	}
	counters := make([]keyedCounter, len(doc.Counters))
	for i, c := range doc.Counters {
		if err := c.check(len(limits)); err != nil {
			return fmt.Errorf("read counter %q: %w", c.Key, err)
		}
		counters[i] = keyedCounter{c.Key, &counter{
			limit: limits[cmp.Or(c.Limit, c.HeardLimit)], heardLimit: limits[c.HeardLimit], memory: c.memory,
		}}
	}
	s.counters = counters
	return nil
}

var (
	errOutOfRange = errors.New("a number is out of range")
	errNoLimit    = errors.New("its limit is not there")
)

// MaxNodes bounds how many nodes one may have heard of.
const MaxNodes = 1 << 20

// check refuses what no process writes, by how many limits there are, none included.
func (c *counterJSON) check(limits int) error {
	among := func(place int) bool { return place >= 0 && place < limits }
	heard := c.Heard.At != 0
	switch {
	case c.Key == "" || c.Nodes < 0 || c.Nodes > MaxNodes || c.Owed < 0 || c.Owed > MaxQuota:
		return errOutOfRange
	case !among(c.Limit) || !among(c.HeardLimit) || c.Limit+c.HeardLimit == 0:
		return errNoLimit
	case (heard || c.Stale) && c.HeardLimit == 0:
		return errNoLimit
	}
	return nil
}
