package limiter

import "time"

// This file keeps a [Local] and Redis together. Redis tells the Local what its counters
// are at (hear), and the Local tells Redis what it admitted in the meantime:
//
//   - A decision without Redis makes a counter Owed its units (decidedOffline).
//   - Whoever charges them in Redis takes them first (takeOwed, unsettled), so that they
//     are not charged twice, and then says what became of them (endSettlement).
//   - A call that was given up may have been charged in Redis all the same. If such an
//     answer comes late, its units are no longer owed (chargedLate). If the request was
//     denied here meanwhile, they go below zero, and are given back.
//
// A nil Local does nothing.

// staleAfter is by how much an answer may be older than what was heard last and is then
// passed over, in microseconds. One that seems older still is of a Redis whose clock is
// behind, as after a failover.
const staleAfter = int64(time.Minute / time.Microsecond)

// hear keeps what Redis said of descriptors when its clock was at.
func (l *Local) hear(descriptors []Descriptor, v Verdict, at int64) {
	if l == nil || v.Changed != nil {
		return
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range v.Results {
		d := &descriptors[i]
		if d.Limit.Blocks() {
			continue // which says nothing of what is used
		}
		c := l.counters[d.Key]
		if c == nil {
			c = &counter{}
			l.keep(d.Key, c, now)
		}
		if c.Heard.At > at && c.Heard.At-at < staleAfter {
			continue // a later answer came first
		}
		if c.OfflineSince != 0 || c.Owed != 0 {
			c.forgive(d.Limit.meter, c.view(d.Limit.meter, c.clock(now)))
			c.OfflineSince = 0
			l.updateOpen(d.Key, c)
		}
		c.Stale = true
		c.heardLimit, c.Heard = d.Limit, heard{at, at - now, r.Remaining, r.Reset.Microseconds()}
	}
}

// updateOpen puts a counter among those about which Redis has to be told or asked, or
// takes it out.
func (l *Local) updateOpen(key string, c *counter) {
	if c.Owed >= 0 {
		c.unspentAt = 0
	}
	open := c.OfflineSince != 0 || c.Owed != 0 || c.sent != 0
	if _, known := l.open[key]; known == open {
		return
	}
	if open {
		l.open[key] = c
		l.wake()
	} else {
		delete(l.open, key)
	}
	l.openCount.Store(int64(len(l.open)))
}

// takeOwed is what was admitted here and is to be charged in Redis, of the counters of
// descriptors. Whoever takes it calls endSettlement.
func (l *Local) takeOwed(descriptors []Descriptor) (charges []Descriptor) {
	if l == nil || l.openCount.Load() == 0 {
		return nil
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range descriptors {
		c := l.open[descriptors[i].Key]
		if c != nil && c.Owed > 0 && !descriptors[i].Limit.Blocks() {
			charges = append(charges, c.send(descriptors[i].Limit, descriptors[i].Key, now))
		}
	}
	return charges
}

// send is the charge of what is owed.
func (c *counter) send(limit *Limit, key string, now int64) Descriptor {
	c.forgive(limit.meter, c.view(limit.meter, c.clock(now)))
	units := max(0, c.Owed)
	c.Owed, c.sent = c.Owed-units, c.sent+units
	return Descriptor{Limit: limit, Key: key, Cost: units, More: unconditional}
}

// endSettlement says that charges were made in Redis, or may not have been. They are then
// owed as before: charged twice is better than not at all.
func (l *Local) endSettlement(charges []Descriptor, made bool) {
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
			c.Owed += charge.Cost
		}
		l.updateOpen(charge.Key, c)
	}
}

// chargedLate notes that descriptors were charged in Redis for a request that was
// decided here, since the answer came too late.
func (l *Local) chargedLate(descriptors []Descriptor, v Verdict, at int64) {
	if l == nil || v.Changed != nil || !v.Allowed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range v.Results {
		d := &descriptors[i]
		c := l.counters[d.Key]
		if c == nil || !r.Fits {
			continue
		}
		if c.Owed -= d.Cost + r.More; c.Owed < 0 && c.unspentAt == 0 {
			c.unspentAt = at
		}
		if c.limit == nil {
			c.limit = d.Limit
		}
		l.updateOpen(d.Key, c)
	}
}

// refund is what was charged in Redis and given to nobody.
type refund struct {
	descriptor Descriptor
	at         int64 // of the charge, by Redis' clock
}

// settleAfter is how long after its last request a counter is settled in the
// background: the next request of a busy one brings what is owed along.
const settleAfter = 250 * time.Millisecond

// unsettled are up to most counters about which Redis has to be told or asked
// and for which no request does it. A charge may be of no units: it asks.
func (l *Local) unsettled(most int) (charges []Descriptor, refunds []refund) {
	if l.openCount.Load() == 0 {
		return nil, nil
	}
	now := l.now().UnixMicro()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, c := range l.open {
		if c.sent > 0 || now-c.AskedAt < settleAfter.Microseconds() {
			continue
		}
		c.AskedAt = now
		if c.Owed < 0 {
			refunds = append(refunds, refund{Descriptor{Limit: c.limit, Key: key, Cost: -c.Owed}, c.unspentAt})
			c.Owed, c.unspentAt = 0, 0
			l.updateOpen(key, c)
		} else {
			charges = append(charges, c.send(c.limit, key, now))
		}
		if len(charges)+len(refunds) >= most {
			break
		}
	}
	return charges, refunds
}

// settleAtOnce has unsettled find all that is open, however recent.
func (l *Local) settleAtOnce() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.AskedAt = 0
	}
}
