package limiter

import (
	"context"
	"sync"
	"time"
)

// Leased takes from a store in blocks, for limits whose Lease is not zero, and
// gives to requests from its blocks without asking.
//
// A unit is given only after the store was charged for it, so that a limit's
// total is kept. But it is given up to [leaseLife] after the charge, when the
// counter may have forgotten it: in any span of time, a counter's requests get
// at most Lease units for each node more than the store alone would have let
// through. A fixed window or calendar quota gets none: its blocks end with it.
//
// Where the block no longer fits, the store is asked for each request, so that
// a budget is used to its end.
type Leased struct {
	store Store
	now   func() time.Time
	// wasted is told about units that were charged and not given.
	wasted   func(l *Limit, units int64)
	capacity int

	mu     sync.Mutex
	blocks map[string]*block
	// asking are the counters for which a request brings the next block: one at
	// a time, or the bound would be a multiple.
	asking map[string]struct{}
}

// block is what this node has of one counter.
type block struct {
	limit *Limit
	units int64
	until time.Time
	// left and reset are what the store said at since.
	left  int64
	reset time.Duration
	since time.Time
}

// leaseLife is how long a block is given from. It bounds waste, and how long a
// limit that was changed at run time goes unnoticed.
const leaseLife = time.Second

// NewLeased keeps at most capacity blocks, about 250 bytes each; counters past
// that are asked for one by one.
func NewLeased(store Store, capacity int, now func() time.Time, wasted func(*Limit, int64)) *Leased {
	return &Leased{store: store, now: now, wasted: wasted, capacity: capacity, blocks: map[string]*block{}, asking: map[string]struct{}{}}
}

// Take implements [Store]. Nothing is asked where all levels have a block.
func (s *Leased) Take(ctx context.Context, ask Ask) (Verdict, error) {
	if !anyLease(ask.Levels) {
		return s.store.Take(ctx, ask)
	}
	now := s.now()
	outcomes := make([]Outcome, len(ask.Levels))
	rest, index, from := s.draw(ask.Levels, outcomes, now)
	if len(rest) == 0 {
		return Verdict{Allowed: true, Outcomes: outcomes}, nil
	}
	all := ask.Levels
	ask.Levels = rest
	v, err := s.store.Take(ctx, ask)
	s.settle(rest, v, now)
	if err != nil || !v.Allowed {
		s.putBack(all, from, outcomes)
	}
	if err != nil || v.News != nil {
		return v, err
	}
	for i, o := range v.Outcomes {
		o.Remaining += o.More // in the block
		outcomes[index[i]] = o
	}
	v.Outcomes = outcomes
	return v, nil
}

func anyLease(levels []Level) bool {
	for i := range levels {
		if levels[i].Limit.Lease > 0 {
			return true
		}
	}
	return false
}

// draw gives from blocks where it can, and returns the other levels, with where
// they stand. Their outcomes are left for the store.
func (s *Leased) draw(levels []Level, outcomes []Outcome, now time.Time) (rest []Level, index []int, from []*block) {
	from = make([]*block, len(levels))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range levels {
		if b := s.blocks[l.Key]; b != nil && now.Before(b.until) && b.units >= l.Cost {
			b.units -= l.Cost
			outcomes[i], from[i] = b.outcome(now), b
			continue
		}
		if l.More = l.Limit.Lease - l.Cost; l.More > 0 && s.mayAsk(l.Key) {
			s.asking[l.Key] = struct{}{}
		} else {
			l.More = 0
		}
		rest, index = append(rest, l), append(index, i)
	}
	return rest, index, from
}

// mayAsk is true if a block may be brought for the counter now.
func (s *Leased) mayAsk(key string) bool {
	_, asking := s.asking[key]
	_, known := s.blocks[key]
	return !asking && (known || len(s.blocks)+len(s.asking) < s.capacity)
}

// outcome is what a request is told that was given from the block.
func (b *block) outcome(now time.Time) Outcome {
	return Outcome{Fits: true, Remaining: b.left + b.units, Reset: max(0, b.reset-now.Sub(b.since))}
}

// settle keeps the blocks that the store gave for levels.
func (s *Leased) settle(levels []Level, v Verdict, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range levels {
		if l.More == 0 {
			continue
		}
		delete(s.asking, l.Key)
		if i < len(v.Outcomes) && v.Outcomes[i].More > 0 {
			s.keep(l, v.Outcomes[i], now)
		}
	}
}

// keep replaces a counter's block. now is from before the store was asked, so
// that a block of a window is over no later than the window.
func (s *Leased) keep(l Level, o Outcome, now time.Time) {
	life := leaseLife
	if l.Limit.Algorithm == FixedWindow || l.Limit.Algorithm == Calendar {
		life = min(life, o.Reset)
	}
	s.drop(l.Key)
	s.sweep(now)
	s.blocks[l.Key] = &block{
		limit: l.Limit, units: o.More, until: now.Add(life),
		left: o.Remaining, reset: o.Reset, since: now,
	}
}

// sweepSample is how many blocks each new one looks at, to drop those that are
// over: enough to keep up, few enough to cost nothing.
const sweepSample = 4

func (s *Leased) sweep(now time.Time) {
	seen := 0
	for key, b := range s.blocks {
		if !now.Before(b.until) {
			s.drop(key)
		}
		if seen++; seen == sweepSample {
			return
		}
	}
}

func (s *Leased) drop(key string) {
	b := s.blocks[key]
	if b == nil {
		return
	}
	delete(s.blocks, key)
	if b.units > 0 {
		s.wasted(b.limit, b.units)
	}
}

// putBack returns what a request drew that was not admitted after all.
func (s *Leased) putBack(levels []Level, from []*block, outcomes []Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range from {
		if b == nil {
			continue
		}
		outcomes[i].Remaining += levels[i].Cost
		if s.blocks[levels[i].Key] == b {
			b.units += levels[i].Cost
		} else {
			s.wasted(b.limit, levels[i].Cost)
		}
	}
}
