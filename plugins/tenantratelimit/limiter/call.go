package limiter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// call is an ask on its way to Redis.
type call struct {
	ctx     context.Context
	timeout time.Duration // of who waits for it, zero for none but the context's
	began   time.Time
	levels  []Level
	// words are the script's keys, this many, and arguments, after a header.
	words []any
	keys  int

	// local is told what becomes of the call; passes is the ask's, and owed that
	// the call charges what was admitted already.
	local        *Local
	passes, owed bool

	result
	fate   atomic.Int32
	waiter *waiter
	flight *flight  // the lane's mutex guards it; nil before it begins
	alone  [1]*call // itself, for a flight of its own
}

// waiter is what a call is waited for with. Its lane uses it again once it was told.
type waiter struct {
	done  chan struct{} // holds one word
	timer *time.Timer
}

func newWaiter() *waiter {
	w := &waiter{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

type result struct {
	verdict Verdict
	at      int64 // Redis' time at the decision, in microseconds
	err     error
}

// What became of a call: its result comes first, or whoever waits for it leaves.
const (
	pending int32 = iota
	answered
	left
)

// finish is called once for each call, also for one that nobody waits for any more.
func (c *call) finish(r result) {
	c.result = r
	if r.err == nil {
		c.local.hear(c.levels, r.verdict, r.at)
	}
	if c.owed {
		c.local.paid(c.levels, r.err == nil)
	}
	switch {
	case c.fate.CompareAndSwap(pending, answered):
		if c.waiter != nil {
			c.waiter.done <- struct{}{}
		}
	case r.err == nil && !c.owed && !c.passes:
		c.local.spared(c.levels, r.verdict, r.at)
	}
}

// rest is what is left of the timeout.
func (c *call) rest() time.Duration { return c.timeout - time.Since(c.began) }

// wait is for the result, but not past what is left of the timeout, if there is
// one, or the context's end. Where both are there, the result counts.
func (c *call) wait(l *lane, rest time.Duration) result {
	w := c.waiter
	if c.timeout > 0 {
		w.timer.Reset(rest)
	}
	for extended := false; ; extended = true {
		select {
		case <-w.done:
			w.timer.Stop()
			l.waiters.Put(w)
			return c.result
		case <-c.ctx.Done():
			return c.leave(l, c.ctx.Err())
		case <-w.timer.C:
		}
		// A timer that is late means that the process had no processor, to read
		// a reply among other things: those who wait get that time back, once.
		late := -c.rest()
		if extended || late <= 0 {
			return c.leave(l, context.DeadlineExceeded)
		}
		w.timer.Reset(min(late, c.timeout))
	}
}

// leave gives the call up, unless its result is there.
func (c *call) leave(l *lane, reason error) result {
	if !c.fate.CompareAndSwap(pending, left) {
		return c.result
	}
	l.left(c, reason)
	return result{err: fmt.Errorf("wait for redis: %w", reason)}
}
