package limiter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Local counts in this process' memory with the algorithms of [Redis]. It is
// what a node decides by while Redis does not answer, so it knows what Redis
// last said of each counter ([Local.hear]), and what is to be charged there later
// ([Local.takeOwed]). It is bounded: past its capacity, the counters that matter least
// make room.
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
	// openCount is the size of open, to be looked at without the lock.
	openCount atomic.Int64
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
// Where a request is Offline and there are other nodes, it is decided as if each of
// them did as this one does: a unit that is admitted here counts as many times as there
// are nodes. So each node has its part of what Redis last said was left, of what comes
// back meanwhile, and of windows that begin, and all of them together stay within the
// limit without asking each other.
func (l *Local) Take(_ context.Context, req Request) (Verdict, error) {
	return l.decide(req, true), nil
}

// decide charges nothing where the request is denied by others.
func (l *Local) decide(req Request, allowed bool) Verdict {
	now := l.now().UnixMicro()
	results := make([]Result, len(req.Descriptors))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range req.Descriptors {
		d := &req.Descriptors[i]
		results[i] = l.find(d.Key).evaluate(d, &req, now)
	}
	v := verdict(req.Descriptors, results)
	for i := range req.Descriptors {
		l.charge(&req.Descriptors[i], &results[i], &req, allowed && v.Allowed, now)
	}
	return v
}

// find is the counter, or an unused one that is not kept yet.
func (l *Local) find(key string) *counter {
	if c := l.counters[key]; c != nil {
		return c
	}
	return &counter{}
}

// charge charges a descriptor if it is to be charged, and completes its result.
func (l *Local) charge(d *Descriptor, r *Result, req *Request, allowed bool, now int64) {
	c := l.find(d.Key)
	m, at := d.Limit.meter, c.clock(now)
	nodes := req.sharers()
	s := c.view(m, at)
	charged := !d.Limit.Blocks() && (allowed && r.Fits || d.More == unconditional)
	if charged {
		if d.More > 0 && !req.Offline && m.wait(s, at, d.Cost+d.More) == 0 {
			r.More = d.More
		}
		s = m.charge(s, weight(d.Limit, nodes, d.Cost+r.More))
	}
	remaining, reset, _ := m.left(s, at)
	r.Remaining = remaining / nodes
	if r.Reset == 0 {
		r.Reset = micros(reset)
	}
	if charged && d.Cost > 0 {
		c.State, c.limit = s, d.Limit
		c.AskedAt = now
		l.keep(d.Key, c, now)
	}
	if req.Offline && !d.Limit.Blocks() && l.counters[d.Key] == c {
		c.decidedOffline(d, nodes, charged, now)
		l.updateOpen(d.Key, c)
	}
}

// evictionSample is how many counters one eviction looks at.
const evictionSample = 16

// keep stores a counter, for which another makes room if there are too many.
func (l *Local) keep(key string, c *counter, now int64) {
	if _, ok := l.counters[key]; !ok && len(l.counters) >= l.capacity {
		l.evict(now)
	}
	l.counters[key] = c
}

// evict drops the idle ones among a random sample of the counters, or else the one of
// the sample that would be idle first.
func (l *Local) evict(now int64) {
	seen, victim, soonest := 0, "", int64(0)
	for key, c := range l.counters {
		idle := c.idleAt(now)
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
	if c.Owed > 0 {
		l.forgot(c.Owed)
	}
	delete(l.counters, key)
	delete(l.open, key)
	l.openCount.Store(int64(len(l.open)))
}

// Len is the number of counters held.
func (l *Local) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.counters)
}
