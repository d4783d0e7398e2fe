package limiter

import "time"

// What follows keeps a [Local] and Redis together. A nil Local does nothing.

// staleAfter is how much older than what was heard last a reply may be that is
// passed over, in microseconds. An older one is of a Redis whose clock is behind.
const staleAfter = int64(time.Minute / time.Microsecond)

// hear keeps what Redis said of levels when its clock was at.
func (l *Local) hear(levels []Level, v Verdict, at int64) {
	if l == nil || v.News != nil {
		return
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range v.Outcomes {
		level := &levels[i]
		c := l.counters[level.Key]
		if c == nil {
			c = &counter{}
			l.keep(level.Key, c, now)
		}
		if c.heard.at > at && c.heard.at-at < staleAfter {
			continue // a reply that was overtaken
		}
		if c.alone != 0 || c.owed != 0 {
			c.fade(level.Limit.meter, c.view(level.Limit.meter, c.clock(now)))
			c.alone = 0
			l.opened(level.Key, c)
		}
		c.stale = true
		c.heard = heard{level.Limit, at, at - now, o.Remaining, o.Reset.Microseconds()}
	}
}

// opened puts a counter among those about which Redis has to be told or asked, or
// takes it out.
func (l *Local) opened(key string, c *counter) {
	if c.owed >= 0 {
		c.unspentAt = 0
	}
	open := c.alone != 0 || c.owed != 0 || c.sent != 0
	if _, known := l.open[key]; known == open {
		return
	}
	if open {
		l.open[key] = c
		l.wake()
	} else {
		delete(l.open, key)
	}
	l.owing.Store(int64(len(l.open)))
}

// due is what was admitted here and is to be charged in Redis, of the counters of
// levels. Whoever takes it says with paid what became of it.
func (l *Local) due(levels []Level) (charges []Level) {
	if l == nil || l.owing.Load() == 0 {
		return nil
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range levels {
		c := l.open[levels[i].Key]
		if c != nil && c.owed > 0 {
			charges = c.send(charges, levels[i].Limit, levels[i].Key, now)
		}
	}
	return charges
}

// send adds the charge of what is owed.
func (c *counter) send(charges []Level, limit *Limit, key string, now int64) []Level {
	c.fade(limit.meter, c.view(limit.meter, c.clock(now)))
	units := max(0, c.owed)
	c.owed, c.sent = c.owed-units, c.sent+units
	return append(charges, Level{Limit: limit, Key: key, Cost: units, More: unconditional})
}

// paid says that charges were made in Redis, or may not have been. They are then
// owed as before: twice charged is better than not at all.
func (l *Local) paid(charges []Level, made bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, charge := range charges {
		c := l.counters[charge.Key]
		if c == nil {
			if !made {
				l.forgot(charge.Cost)
			}
			continue
		}
		c.sent = max(0, c.sent-charge.Cost)
		if made {
			l.settled(charge.Cost)
		} else {
			c.owed += charge.Cost
		}
		l.opened(charge.Key, c)
	}
}

// spared notes that levels were charged in Redis for a request that was decided
// here, since the answer came too late.
func (l *Local) spared(levels []Level, v Verdict, at int64) {
	if l == nil || v.News != nil || !v.Allowed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range v.Outcomes {
		c := l.counters[levels[i].Key]
		if c == nil || !o.Fits {
			continue
		}
		if c.owed -= levels[i].Cost + o.More; c.owed < 0 && c.unspentAt == 0 {
			c.unspentAt = at
		}
		if c.limit == nil {
			c.limit = levels[i].Limit
		}
		l.opened(levels[i].Key, c)
	}
}

// refund is what was charged in Redis and given to nobody.
type refund struct {
	level Level
	at    int64 // of the charge, by Redis' clock
}

// settleAfter is how long after its last request a counter is charged in the
// background: the next request of a busy one brings what is owed along.
const settleAfter = 250 * time.Millisecond

// settlements are up to most counters about which Redis has to be told or asked
// and for which no request does it. A charge may be of no units: it asks.
func (l *Local) settlements(most int) (charges []Level, refunds []refund) {
	if l.owing.Load() == 0 {
		return nil, nil
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, c := range l.open {
		if c.sent > 0 || now-c.asked < settleAfter.Microseconds() {
			continue
		}
		c.asked = now
		if c.owed < 0 {
			refunds = append(refunds, refund{Level{Limit: c.limit, Key: key, Cost: -c.owed}, c.unspentAt})
			c.owed, c.unspentAt = 0, 0
			l.opened(key, c)
		} else {
			charges = c.send(charges, c.limit, key, now)
		}
		if len(charges)+len(refunds) >= most {
			break
		}
	}
	return charges, refunds
}

// ripen makes settlements of all that is open.
func (l *Local) ripen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.asked = 0
	}
}
