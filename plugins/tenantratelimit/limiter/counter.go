package limiter

import (
	"math"
	"time"
)

// counter is what a node knows of one counter, and what Redis does not know of it yet.
type counter struct {
	// limit is the one that was last asked with here.
	limit *Limit
	// heardLimit is the limit of which Redis said what is in Heard.
	heardLimit *Limit
	memory
	// sent is the part of what was Owed that is on its way to be charged. unspentAt is
	// the time by Redis' clock of the first charge that was given to nobody, while Owed
	// is below zero.
	sent, unspentAt int64
}

// memory is what of a counter is handed over to the next process. Times are in
// microseconds.
type memory struct {
	// State is the counter as this node sees it: what Redis last said, and what
	// this node admitted since, as many times as there are nodes.
	State state `json:"state,omitzero"`
	// Stale says that State is from before what was heard.
	Stale bool  `json:"stale,omitempty"`
	Heard heard `json:"heard,omitzero"`
	// OfflineSince is when this node first decided without Redis since it last heard,
	// and AskedAt when it last did; zero if it did not.
	OfflineSince int64 `json:"offline_since,omitempty"`
	AskedAt      int64 `json:"asked_at,omitempty"`
	// Nodes is among how many it did.
	Nodes int64 `json:"nodes,omitempty"`
	// Owed is the units that were admitted here and are still to be charged in Redis.
	// Below zero, it is units that were charged there and given to nobody.
	Owed int64 `json:"owed,omitempty"`
}

// heard is what Redis said of a counter, and when by its clock, which was that much
// ahead of this node's. The time is zero if it said nothing.
type heard struct {
	At        int64 `json:"at"`
	Ahead     int64 `json:"ahead"`
	Remaining int64 `json:"remaining"`
	Reset     int64 `json:"reset"`
}

const (
	// graceTime is how long a node that gets no answer takes it for a pause of Redis'.
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
func (c *counter) clock(now int64) int64 { return now + c.Heard.Ahead }

// sharers is for how many nodes what is left has to do.
func (req *Request) sharers() int64 {
	if req.Unsure {
		return max(unsureNodes, req.Nodes)
	}
	return max(1, req.Nodes)
}

// weight is what a cost counts as if each of the nodes admits the same. It is at most
// the limit's capacity, so that an unused counter has room for one request, however
// many nodes there are.
func weight(l *Limit, nodes, cost int64) int64 {
	if nodes == 1 {
		return cost
	}
	return max(cost, min(cost*nodes, l.Capacity()))
}

// view is the counter's state at that time, by its own clock. If Redis was heard since
// State was written, State begins anew from what it said, plus what it does not know.
func (c *counter) view(m meter, at int64) state {
	if c.Stale {
		c.Stale = false
		c.State = c.heardLimit.meter.heard(c.Heard.At, c.Heard.Remaining, c.Heard.Reset)
		if unknown := c.Owed + c.sent; unknown > 0 {
			c.State = c.heardLimit.meter.charge(c.State, weight(c.heardLimit, max(1, c.Nodes), unknown))
		}
	}
	return m.advance(c.State, at)
}

// evaluate says whether a descriptor fits, and if not, when.
func (c *counter) evaluate(d *Descriptor, req *Request, now int64) Result {
	m, at, nodes := d.Limit.meter, c.clock(now), req.sharers()
	s := c.view(m, at)
	wait := m.wait(s, at, weight(d.Limit, nodes, d.Cost))
	if !req.Offline || nodes == 1 {
		return Result{Fits: wait == 0, Retry: micros(wait)}
	}
	c.forgive(m, s)
	neverHeard := c.Heard.At == 0
	if wait == 0 && (neverHeard || c.Owed+c.sent+d.Cost <= c.allowance(d.Limit, nodes, now)) {
		return Result{Fits: true}
	}
	if m.wait(s, at, d.Cost) == 0 { // Redis would perhaps admit it
		return Result{Retry: pauseRetry, Reset: pauseRetry}
	}
	return Result{Retry: micros(wait)}
}

// allowance is how many units this node may admit that Redis does not know of: in a
// pause its part of the reserve, and after graceTime any number that has room.
func (c *counter) allowance(l *Limit, nodes, now int64) int64 {
	if c.OfflineSince == 0 {
		return l.Capacity() / (reserve * nodes)
	}
	elapsed := max(0, now-c.OfflineSince)
	if elapsed >= graceTime.Microseconds() {
		return math.MaxInt64
	}
	refilled := int64(0)
	if b, ok := l.meter.(bucket); ok { // Redis, which pauses, gave it to nobody
		refilled = elapsed * b.drain / b.unit / nodes
	}
	return l.Capacity()/(reserve*nodes) + refilled
}

// decidedOffline notes a decision without Redis.
func (c *counter) decidedOffline(d *Descriptor, nodes int64, charged bool, now int64) {
	c.limit, c.Nodes, c.AskedAt = d.Limit, nodes, now
	if c.OfflineSince == 0 {
		c.OfflineSince = now
	}
	if charged {
		c.Owed += d.Cost
	}
}

// forgive lowers what is owed to what still counts: units that have drained, or belong
// to a window that is over, are not charged in Redis any more.
func (c *counter) forgive(m meter, s state) {
	if c.Owed > 0 {
		c.Owed = max(0, min(c.Owed, ceilDiv(m.used(s), max(1, c.Nodes))-c.sent))
	}
}

// idleAt is when the counter says no more than an unused one. A counter that Redis has
// to be told of matters more than any other, and is never idle.
func (c *counter) idleAt(now int64) int64 {
	l := c.limit
	if c.Heard.At != 0 {
		l = c.heardLimit
	}
	if c.Owed != 0 || c.sent != 0 {
		return math.MaxInt64
	}
	if l == nil {
		return now
	}
	at := c.clock(now)
	_, _, idle := l.meter.left(c.view(l.meter, at), at)
	return now + idle
}
