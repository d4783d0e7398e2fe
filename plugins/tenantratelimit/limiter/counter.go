package limiter

import (
	"math"
	"time"
)

// counter is what a node knows of one counter and owes to it. Times are in
// microseconds.
type counter struct {
	// state is the counter as this node sees it: what Redis last said, and what
	// this node admitted since, as many times as there are nodes.
	state state
	// limit is the one that was last asked with here.
	limit *Limit

	heard heard
	// stale says that state is from before what was heard.
	stale bool

	// alone is when this node first decided without Redis since it last heard, and
	// asked when it last did; zero if it did not.
	alone, asked int64
	// nodes is among how many it did.
	nodes int64
	// owed is the units that were admitted here and not charged in Redis; below
	// zero, those that were charged there and given to nobody, the first of them
	// at that time of Redis'. Those that are on their way to be charged are sent.
	owed, sent, unspentAt int64
}

// heard is what Redis said of a counter, of which limit, and when by its clock,
// which was that much ahead of this node's. The time is zero if it said nothing.
type heard struct {
	limit            *Limit
	at, ahead        int64
	remaining, reset int64
}

const (
	// graceTime is how long a node that cannot ask takes it for a pause of Redis'.
	// Others may have used up what was left since it heard of it, so for that long
	// it admits no more than its part of the counter's reserve: all nodes together
	// a tenth more than the limit. After that, it admits its part of what was left.
	graceTime = 10 * time.Second
	// reserve is the part of a limit's capacity that nodes may admit in a pause.
	reserve = 10
	// unsureNodes is how many nodes there may be where that is not known.
	unsureNodes = 4
	// pauseRetry is when to try again what Redis would perhaps admit.
	pauseRetry = breakerPause
)

// clock is the time by the clock of whoever counts.
func (c *counter) clock(now int64) int64 { return now + c.heard.ahead }

// sharers is how many nodes what is left is for.
func (ask *Ask) sharers() int64 {
	if ask.Unsure {
		return max(unsureNodes, ask.Nodes)
	}
	return max(1, ask.Nodes)
}

// weight is what cost counts as where nodes do the same. An unused counter has
// room for a request, however many they are.
func (c *counter) weight(l *Limit, nodes, cost int64) int64 {
	if nodes == 1 {
		return cost
	}
	return max(cost, min(cost*nodes, l.Capacity()))
}

// view is the counter's state at that time, by its own clock.
func (c *counter) view(m meter, at int64) state {
	if c.stale {
		c.stale = false
		h := &c.heard
		c.state = h.limit.meter.heard(h.at, h.remaining, h.reset)
		if open := c.owed + c.sent; open > 0 {
			c.state = h.limit.meter.charge(c.state, c.weight(h.limit, max(1, c.nodes), open))
		}
	}
	return m.advance(c.state, at)
}

// judge says whether a level fits, and if not, when.
func (c *counter) judge(level *Level, ask *Ask, now int64) Outcome {
	m, at, nodes := level.Limit.meter, c.clock(now), ask.sharers()
	s := c.view(m, at)
	wait := m.wait(s, at, c.weight(level.Limit, nodes, level.Cost))
	if !ask.Alone || nodes == 1 {
		return Outcome{Fits: wait == 0, Retry: micros(wait)}
	}
	c.fade(m, s)
	if wait == 0 && (c.heard.at == 0 || c.owed+c.sent+level.Cost <= c.allowance(level.Limit, nodes, now)) {
		return Outcome{Fits: true}
	}
	if m.wait(s, at, level.Cost) == 0 { // Redis would perhaps admit it
		return Outcome{Retry: pauseRetry, Reset: pauseRetry}
	}
	return Outcome{Retry: micros(wait)}
}

// allowance is how many units a node may admit that Redis does not know of.
func (c *counter) allowance(l *Limit, nodes, now int64) int64 {
	if c.alone == 0 {
		return l.Capacity() / (reserve * nodes)
	}
	elapsed := max(0, now-c.alone)
	if elapsed >= graceTime.Microseconds() {
		return math.MaxInt64
	}
	refilled := int64(0)
	if b, ok := l.meter.(bucket); ok { // Redis, which pauses, gave it to nobody
		refilled = elapsed * b.drain / b.unit / nodes
	}
	return l.Capacity()/(reserve*nodes) + refilled
}

// decided notes a decision without Redis.
func (c *counter) decided(level *Level, nodes int64, charged bool, now int64) {
	c.limit, c.nodes, c.asked = level.Limit, nodes, now
	if c.alone == 0 {
		c.alone = now
	}
	if charged {
		c.owed += level.Cost
	}
}

// fade forgets what was admitted so long ago that it no longer counts.
func (c *counter) fade(m meter, s state) {
	if c.owed > 0 {
		c.owed = max(0, min(c.owed, ceilDiv(m.used(s), max(1, c.nodes))-c.sent))
	}
}

// idle is when the counter says no more than an unused one. One that is owed to
// says more than any other.
func (c *counter) idle(now int64) int64 {
	l := c.limit
	if c.heard.at != 0 {
		l = c.heard.limit
	}
	if c.owed != 0 || c.sent != 0 {
		return math.MaxInt64
	}
	if l == nil {
		return now
	}
	at := c.clock(now)
	_, _, idle := l.meter.left(c.view(l.meter, at), at)
	return now + idle
}
