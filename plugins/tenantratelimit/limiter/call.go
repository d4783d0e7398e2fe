package limiter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// call is a request on its way to Redis.
type call struct {
	ctx         context.Context
	timeout     time.Duration // of who waits for it, zero for none but the context's
	began       time.Time
	descriptors []Descriptor
	// words are the script's keys, this many, and arguments, after a header.
	words []any
	keys  int
	// replicas are to have the charge; see [Request].
	replicas int

	// local is told what becomes of the call. passes is the request's; settles says
	// that the call charges what was admitted already.
	local           *Local
	passes, settles bool

	reply
	fate   atomic.Int32
	waiter *waiter
	batch  *batch   // the batcher's mutex guards it; nil before it is sent
	alone  [1]*call // itself, for a batch of its own
}

// waiter is what a call is waited for with. Its batcher uses it again after it was told.
type waiter struct {
	done  chan struct{} // holds one word
	timer *time.Timer
}

func newWaiter() *waiter {
	w := &waiter{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// reply is what Redis said to a call, or why it said nothing.
type reply struct {
	verdict Verdict
	at      int64 // Redis' time at the decision, in microseconds
	err     error
}

// The fate of a call. Either the reply comes first, or whoever waits for it gives up;
// one compare-and-swap from pending decides which, so both sides agree.
const (
	pending int32 = iota
	answered
	givenUp
)

// finish is called once for each call, also for one that nobody waits for any more.
// What such an answer says is still used: it may have charged a request that was
// decided here meanwhile.
func (c *call) finish(r reply) {
	c.reply = r
	if r.err == nil {
		c.local.hear(c.descriptors, r.verdict, r.at)
	}
	if c.settles {
		c.local.endSettlement(c.descriptors, r.err == nil)
	}
	switch {
	case c.fate.CompareAndSwap(pending, answered):
		if c.waiter != nil {
			c.waiter.done <- struct{}{}
		}
	case r.err == nil && !c.settles && !c.passes:
		c.local.chargedLate(c.descriptors, r.verdict, r.at)
	}
}

// rest is what is left of the timeout.
func (c *call) rest() time.Duration { return c.timeout - time.Since(c.began) }

// wait waits for the reply, but not longer than rest, if there is a timeout, nor past
// the context's end. If both are there at once, the reply counts.
func (c *call) wait(b *batcher, rest time.Duration) reply {
	w := c.waiter
	if c.timeout > 0 {
		w.timer.Reset(rest)
	}
	for extended := false; ; extended = true {
		select {
		case <-w.done:
			w.timer.Stop()
			b.waiters.Put(w)
			return c.reply
		case <-c.ctx.Done():
			return c.giveUp(b, c.ctx.Err())
		case <-w.timer.C:
		}
		// A timer that fires late means that the process had no processor, so it may
		// not have read a reply that has arrived. Those who wait get that time back,
		// once.
		late := -c.rest()
		if extended || late <= 0 {
			return c.giveUp(b, context.DeadlineExceeded)
		}
		w.timer.Reset(min(late, c.timeout))
	}
}

// giveUp stops waiting, unless the reply is there.
func (c *call) giveUp(b *batcher, reason error) reply {
	if !c.fate.CompareAndSwap(pending, givenUp) {
		return c.reply
	}
	b.gaveUp(c, reason)
	return reply{err: fmt.Errorf("wait for redis: %w", reason)}
}
