package limiter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Local counts in this process' memory with the algorithms of [Redis]. It is
// what a node goes on with while Redis does not answer, so it knows what Redis
// last said of each counter, and what is to be charged there later; see
// [Local.hear] and [Local.due]. It is bounded: past its capacity, the counters
// that matter least make room.
type Local struct {
	now      func() time.Time
	capacity int
	// See [RedisOptions]; wake is called when there is something to tell Redis. They
	// are called with the lock held.
	settled, forgot func(units int64)
	wake            func()

	mu       sync.Mutex
	counters map[string]*counter
	// open are the counters about which Redis has to be told or asked.
	open map[string]*counter
	// owing is the size of open, to be looked at without the lock.
	owing atomic.Int64
}

// NewLocal keeps at most capacity counters, about 350 bytes each.
func NewLocal(capacity int, now func() time.Time) *Local {
	return &Local{
		now: now, capacity: capacity, settled: func(int64) {}, forgot: func(int64) {}, wake: func() {},
		counters: map[string]*counter{}, open: map[string]*counter{},
	}
}

// attach makes the store one that tells Redis what it admitted.
func (l *Local) attach(wake func(), settled, forgot func(int64)) {
	l.wake = wake
	if settled != nil {
		l.settled = settled
	}
	if forgot != nil {
		l.forgot = forgot
	}
}

// Take implements [Store]; it never fails, and knows no overrides.
//
// An ask of a node that is alone among others is decided as if each of them did
// as this one does: each unit counts as many times as there are nodes. So each
// has its part of what was left, of what comes back meanwhile, and of windows
// that begin.
func (l *Local) Take(_ context.Context, ask Ask) (Verdict, error) {
	now := l.now().UnixMicro()
	outcomes := make([]Outcome, len(ask.Levels))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range ask.Levels {
		level := &ask.Levels[i]
		outcomes[i] = l.find(level.Key).judge(level, &ask, now)
	}
	v := verdict(ask.Levels, outcomes)
	for i := range ask.Levels {
		l.settle(&ask.Levels[i], &outcomes[i], &ask, v.Allowed, now)
	}
	return v, nil
}

// find is the counter, or an unused one that is not kept yet.
func (l *Local) find(key string) *counter {
	if c := l.counters[key]; c != nil {
		return c
	}
	return &counter{}
}

// settle charges a level if it is to be charged, and completes its outcome.
func (l *Local) settle(level *Level, o *Outcome, ask *Ask, allowed bool, now int64) {
	c := l.find(level.Key)
	m, at := level.Limit.meter, c.clock(now)
	nodes := ask.sharers()
	s := c.view(m, at)
	charged := allowed && o.Fits || level.More == unconditional
	if charged {
		if level.More > 0 && !ask.Alone && m.wait(s, at, level.Cost+level.More) == 0 {
			o.More = level.More
		}
		s = m.charge(s, c.weight(level.Limit, nodes, level.Cost+o.More))
	}
	remaining, reset, _ := m.left(s, at)
	o.Remaining = remaining / nodes
	if o.Reset == 0 {
		o.Reset = micros(reset)
	}
	if charged && level.Cost > 0 {
		c.state, c.limit = s, level.Limit
		l.keep(level.Key, c, now)
	}
	if ask.Alone && l.counters[level.Key] == c {
		c.decided(level, nodes, charged, now)
		l.opened(level.Key, c)
	}
}

// evictionSample is how many counters one eviction looks at.
const evictionSample = 16

// keep stores a counter. When full, it drops the idle ones among a random
// sample, or else the one of the sample that would be idle first.
func (l *Local) keep(key string, c *counter, now int64) {
	if _, ok := l.counters[key]; !ok && len(l.counters) >= l.capacity {
		l.evict(now)
	}
	l.counters[key] = c
}

func (l *Local) evict(now int64) {
	seen, victim, soonest := 0, "", int64(0)
	for key, c := range l.counters {
		idle := c.idle(now)
		if idle <= now {
			l.drop(key)
		} else if victim == "" || idle < soonest {
			victim, soonest = key, idle
		}
		if seen++; seen == evictionSample {
			break
		}
	}
	if len(l.counters) >= l.capacity {
		l.drop(victim)
	}
}

func (l *Local) drop(key string) {
	c := l.counters[key]
	if c.owed > 0 {
		l.forgot(c.owed)
	}
	delete(l.counters, key)
	delete(l.open, key)
	l.owing.Store(int64(len(l.open)))
}

// Len is the number of counters held.
func (l *Local) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.counters)
}
