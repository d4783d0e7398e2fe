package limiter

import (
	"context"
	"sync"
	"time"
)

// Leased takes units from a store in blocks, for limits whose Lease is not zero, and
// gives them to requests without asking.
//
// The first request of a counter asks the store for its own cost and, if there is
// room, for a block: as much more as makes up a lease. The requests after it are
// served from the block, until it is used up or a second old. Then the next request
// brings a new block. While one request does that, others ask for themselves alone.
//
// A unit is given only after the store was charged for it, so a limit's total is
// kept. But it is given up to [leaseLife] after the charge, when the counter may have
// forgotten the charge: in any span of time, a counter's requests get at most Lease
// units for each node more than the store alone would have let through. A fixed
// window or calendar quota gets none more: its blocks end with its window.
//
// Where a whole block does not fit any more, the store is asked for each request, so
// that a budget is used to its end. What is left of a block when it is over is wasted.
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
	units int64 // not given yet
	until time.Time
	// remaining and reset are what the store said at since.
	remaining int64
	reset     time.Duration
	since     time.Time
}

// leaseLife is how long a block is given from. It bounds waste, and how long a
// limit that was changed at run time goes unnoticed.
const leaseLife = time.Second

// NewLeased keeps at most capacity blocks, about 250 bytes each; counters past
// that are asked for one by one.
func NewLeased(store Store, capacity int, now func() time.Time, wasted func(*Limit, int64)) *Leased {
	return &Leased{store: store, now: now, wasted: wasted, capacity: capacity, blocks: map[string]*block{}, asking: map[string]struct{}{}}
}

// Take implements [Store]. Nothing is asked where all descriptors have a block.
func (s *Leased) Take(ctx context.Context, req Request) (Verdict, error) {
	if !anyLease(req.Descriptors) {
		return s.store.Take(ctx, req)
	}
	now := s.now()
	results := make([]Result, len(req.Descriptors))
	rest, index, from := s.draw(req.Descriptors, results, now)
	if len(rest) == 0 {
		return Verdict{Allowed: true, Results: results}, nil
	}
	all := req.Descriptors
	req.Descriptors = rest
	v, err := s.store.Take(ctx, req)
	s.keepBlocks(rest, v, now)
	if err != nil || !v.Allowed {
		s.putBack(all, from, results)
	}
	if err != nil || v.Changed != nil {
		return v, err
	}
	for i, r := range v.Results {
		r.Remaining += r.More // in the block
		results[index[i]] = r
	}
	v.Results = results
	return v, nil
}

func anyLease(descriptors []Descriptor) bool {
	for i := range descriptors {
		if descriptors[i].Limit.Lease > 0 {
			return true
		}
	}
	return false
}

// draw gives from blocks where it can, and returns the other descriptors, with where
// they stand. Their results are left for the store.
func (s *Leased) draw(descriptors []Descriptor, results []Result, now time.Time) (rest []Descriptor, index []int, from []*block) {
	from = make([]*block, len(descriptors))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range descriptors {
		if b := s.blocks[d.Key]; b != nil && !d.Limit.Blocks() && now.Before(b.until) && b.units >= d.Cost {
			b.units -= d.Cost
			results[i], from[i] = b.result(now), b
			continue
		}
		if d.More = d.Limit.Lease - d.Cost; d.More > 0 && s.mayAsk(d.Key) {
			s.asking[d.Key] = struct{}{}
		} else {
			d.More = 0
		}
		rest, index = append(rest, d), append(index, i)
	}
	return rest, index, from
}

// mayAsk is true if a block may be brought for the counter now.
func (s *Leased) mayAsk(key string) bool {
	_, asking := s.asking[key]
	_, known := s.blocks[key]
	return !asking && (known || len(s.blocks)+len(s.asking) < s.capacity)
}

// result is what a request is told that was served from the block.
func (b *block) result(now time.Time) Result {
	return Result{Fits: true, Remaining: b.remaining + b.units, Reset: max(0, b.reset-now.Sub(b.since))}
}

// keepBlocks keeps the blocks that the store gave for descriptors.
func (s *Leased) keepBlocks(descriptors []Descriptor, v Verdict, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range descriptors {
		if d.More == 0 {
			continue
		}
		delete(s.asking, d.Key)
		if i < len(v.Results) && v.Results[i].More > 0 {
			s.keep(d, v.Results[i], now)
		}
	}
}

// keep replaces a counter's block. now is from before the store was asked, so
// that a block of a window is over no later than the window.
func (s *Leased) keep(d Descriptor, r Result, now time.Time) {
	life := leaseLife
	if d.Limit.Algorithm == FixedWindow || d.Limit.Algorithm == Calendar {
		life = min(life, r.Reset)
	}
	s.drop(d.Key)
	s.sweep(now)
	s.blocks[d.Key] = &block{
		limit: d.Limit, units: r.More, until: now.Add(life),
		remaining: r.Remaining, reset: r.Reset, since: now,
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
func (s *Leased) putBack(descriptors []Descriptor, from []*block, results []Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range from {
		if b == nil {
			continue
		}
		results[i].Remaining += descriptors[i].Cost
		if s.blocks[descriptors[i].Key] == b {
			b.units += descriptors[i].Cost
		} else {
			s.wasted(b.limit, descriptors[i].Cost)
		}
	}
}
