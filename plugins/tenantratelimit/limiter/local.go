package limiter

import (
	"context"
	"sync"
	"time"
)

// Local counts in this process' memory with the algorithms of [Redis]. It is
// what a node falls back to, so it is bounded: past its capacity, the counters
// that matter least make room.
type Local struct {
	now      func() time.Time
	capacity int

	mu       sync.Mutex
	counters map[string]counter
}

type counter struct {
	state state
	// idle is when the counter says no more than an unused one, in microseconds.
	idle int64
}

// NewLocal keeps at most capacity counters, about 200 bytes each.
func NewLocal(capacity int, now func() time.Time) *Local {
	return &Local{now: now, capacity: capacity, counters: map[string]counter{}}
}

// Take implements [Store]; it never fails, and knows no overrides.
func (l *Local) Take(_ context.Context, ask Ask) (Verdict, error) {
	levels := ask.Levels
	now := l.now().UnixMicro()
	outcomes := make([]Outcome, len(levels))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, level := range levels {
		m := level.Limit.meter
		wait := m.wait(m.advance(l.counters[level.Key].state, now), now, level.Cost)
		outcomes[i] = Outcome{Fits: wait == 0, Retry: micros(wait)}
	}
	v := verdict(levels, outcomes)
	for i, level := range levels {
		l.settle(level, &outcomes[i], v.Allowed, now)
	}
	return v, nil
}

// settle charges a level if it is to be charged, and completes its outcome.
func (l *Local) settle(level Level, o *Outcome, allowed bool, now int64) {
	m := level.Limit.meter
	s := m.advance(l.counters[level.Key].state, now)
	charged := allowed && o.Fits
	if charged {
		if level.More > 0 && m.wait(s, now, level.Cost+level.More) == 0 {
			o.More = level.More
		}
		s = m.charge(s, level.Cost+o.More)
	}
	remaining, reset, idle := m.left(s, now)
	o.Remaining, o.Reset = remaining, micros(reset)
	if charged {
		l.save(level.Key, counter{state: s, idle: now + idle}, now)
	}
}

// evictionSample is how many counters one eviction looks at.
const evictionSample = 16

// save stores a counter. When full, it drops the idle ones among a random
// sample, or else the one of the sample that would be idle first.
func (l *Local) save(key string, c counter, now int64) {
	if _, ok := l.counters[key]; !ok && len(l.counters) >= l.capacity {
		l.evict(now)
	}
	l.counters[key] = c
}

func (l *Local) evict(now int64) {
	seen, victim, soonest := 0, "", int64(0)
	for key, c := range l.counters {
		if c.idle <= now {
			delete(l.counters, key)
		} else if victim == "" || c.idle < soonest {
			victim, soonest = key, c.idle
		}
		if seen++; seen == evictionSample {
			break
		}
	}
	if len(l.counters) >= l.capacity {
		delete(l.counters, victim)
	}
}

// Len is the number of counters held.
func (l *Local) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.counters)
}
