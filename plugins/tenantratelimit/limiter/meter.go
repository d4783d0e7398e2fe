package limiter

// meter is one algorithm. Times are microseconds since the Unix epoch, waits
// are microseconds from now. script.lua mirrors each method, line by line.
type meter interface {
	// advance brings saved counters to now. The zero state is an unused counter.
	advance(saved state, now int64) state
	// wait is the time until cost fits, zero when it fits.
	wait(s state, now, cost int64) int64
	// charge takes cost.
	charge(s state, cost int64) state
	// left is the units left, the time until more become available, and the
	// time until the state says no more than an unused counter does.
	left(s state, now int64) (remaining, reset, idle int64)
	// used is the units charged that count at the state's time, rounded up.
	used(s state) int64
	// heard is a state of which left would say the same at that time. Where several
	// are, it is one that gives back no sooner than any other.
	heard(at, remaining, reset int64) state
}

// state is a counter's memory. Its meaning is the algorithm's.
//
// A clock that steps back by no more than a window (NTP, or a failover to a
// replica whose clock is behind) finds a stamp in its future and counts on
// from that stamp, so that the step grants nothing. A larger step means that
// one of the two clocks was wrong; the counter then starts from now.
type state struct {
	// Stamp is when the bucket was last drained, the window's start, or the
	// newest slice's number.
	Stamp int64 `json:"stamp"`
	// Basis is a window's end, or the unit that a bucket's fill is counted in.
	Basis int64 `json:"basis,omitempty"`
	// Count holds the bucket's fill, the window's count, or the sliceCount' counts
	// from the newest to the oldest.
	Count [sliceCount + 1]int64 `json:"count"`
}

// bucket is the token bucket, kept as its fill: empty means unused.
type bucket struct{ unit, drain, burst int64 }

func (b bucket) full() int64 { return b.burst * b.unit }

func (b bucket) advance(s state, now int64) state {
	s = b.rebase(s)
	if ahead := s.Stamp - now; ahead > 0 {
		if ahead > ceilDiv(b.full(), b.drain) {
			s.Stamp = now
		}
		return s
	}
	elapsed := now - s.Stamp
	if elapsed >= ceilDiv(s.Count[0], b.drain) {
		s.Count[0] = 0
	} else {
		s.Count[0] -= elapsed * b.drain
	}
	s.Stamp = now
	return s
}

// rebase keeps the units used when the limit's rate, and so the unit, has
// changed since: a raised limit or another plan does not empty the bucket.
func (b bucket) rebase(s state) state {
	if s.Basis != b.unit {
		if s.Basis > 0 {
			s.Count[0] = min(ceilDiv(s.Count[0], s.Basis), b.burst) * b.unit
		}
		s.Basis = b.unit
	}
	return s
}

func (b bucket) wait(s state, now, cost int64) int64 {
	over := s.Count[0] + cost*b.unit - b.full()
	if over <= 0 {
		return 0
	}
	return ceilDiv(over, b.drain) + s.Stamp - now
}

func (b bucket) charge(s state, cost int64) state {
	s.Count[0] += cost * b.unit
	return s
}

func (b bucket) left(s state, now int64) (remaining, reset, idle int64) {
	fill := s.Count[0]
	remaining = max(0, b.full()-fill) / b.unit
	if fill == 0 {
		return remaining, 0, 0
	}
	next := fill - b.unit*(b.burst-remaining-1)
	ahead := s.Stamp - now
	return remaining, ceilDiv(next, b.drain) + ahead, ceilDiv(fill, b.drain) + ahead
}

func (b bucket) used(s state) int64 { return ceilDiv(s.Count[0], b.unit) }

func (b bucket) heard(at, remaining, reset int64) state {
	s := state{Stamp: at, Basis: b.unit}
	if reset > 0 {
		s.Count[0] = b.unit*(b.burst-remaining-1) + reset*b.drain
	}
	if remaining > 0 { // reset was rounded up
		s.Count[0] = min(s.Count[0], b.unit*(b.burst-remaining))
	}
	return s
}

// fixed counts in windows whose bounds follow from the time alone.
type fixed struct {
	quota  int64
	bounds func(now int64) (start, end int64)
}

// aligned are windows of one length that start at the Unix epoch.
func aligned(length int64) func(int64) (int64, int64) {
	return func(now int64) (int64, int64) {
		start := now - now%length
		return start, start + length
	}
}

func (f fixed) advance(s state, now int64) state {
	start, end := f.bounds(now)
	steppedBack := s.Stamp > start && s.Basis > now && s.Stamp-now <= end-start
	if s.Stamp == start || steppedBack {
		return s
	}
	return state{Stamp: start, Basis: end}
}

func (f fixed) wait(s state, now, cost int64) int64 {
	if s.Count[0]+cost <= f.quota {
		return 0
	}
	return s.Basis - now
}

func (f fixed) charge(s state, cost int64) state {
	s.Count[0] += cost
	return s
}

func (f fixed) left(s state, now int64) (remaining, reset, idle int64) {
	return max(0, f.quota-s.Count[0]), s.Basis - now, s.Basis - now
}

func (f fixed) used(s state) int64 { return s.Count[0] }

func (f fixed) heard(at, remaining, _ int64) state {
	start, end := f.bounds(at)
	return state{Stamp: start, Basis: end, Count: [sliceCount + 1]int64{f.quota - remaining}}
}

// sliceCount is how many parts a sliding window is counted in. The slice being
// filled and the ten before it always cover a whole window.
const sliceCount = 10

// sliding counts in sliceCount; slice number n covers [n×slice, (n+1)×slice).
type sliding struct{ quota, slice int64 }

func (w sliding) advance(s state, now int64) state {
	current := now / w.slice
	shift := current - s.Stamp
	if shift < 0 && -shift <= sliceCount+1 {
		return s
	}
	moved := state{Stamp: current}
	if shift >= 0 && shift <= sliceCount {
		copy(moved.Count[shift:], s.Count[:])
	}
	return moved
}

func (w sliding) wait(s state, now, cost int64) int64 {
	over := w.used(s) + cost - w.quota
	if over <= 0 {
		return 0
	}
	for age := sliceCount; age >= 0; age-- {
		if over -= s.Count[age]; over <= 0 {
			return w.gone(s, age) - now
		}
	}
	return w.gone(s, 0) - now
}

func (w sliding) charge(s state, cost int64) state {
	s.Count[0] += cost
	return s
}

func (w sliding) left(s state, now int64) (remaining, reset, idle int64) {
	remaining = max(0, w.quota-w.used(s))
	for age := sliceCount; age >= 0; age-- {
		if s.Count[age] > 0 {
			return remaining, w.gone(s, age) - now, w.gone(s, 0) - now
		}
	}
	return remaining, 0, 0
}

func (w sliding) used(s state) (sum int64) {
	for _, n := range s.Count {
		sum += n
	}
	return sum
}

// heard has all that was used in the newest slice: which ones it was in, nobody says.
func (w sliding) heard(at, remaining, _ int64) state {
	return state{Stamp: at / w.slice, Count: [sliceCount + 1]int64{w.quota - remaining}}
}

// gone is when the slice of that age leaves the window.
func (w sliding) gone(s state, age int) int64 {
	return (s.Stamp - int64(age) + sliceCount + 1) * w.slice
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
