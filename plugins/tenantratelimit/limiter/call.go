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
	done   chan struct{}
	flight *flight // the lane's mutex guards it; nil before it begins
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
		if c.done != nil {
			close(c.done)
		}
	case r.err == nil && !c.owed && !c.passes:
		c.local.spared(c.levels, r.verdict, r.at)
	}
}

// wait is for the result, but not past the timeout or the context's end. Where
// both are there, the result counts.
func (c *call) wait(l *lane) result {
	var timer *time.Timer
	var over <-chan time.Time
	if c.timeout > 0 {
		timer = time.NewTimer(c.timeout - time.Since(c.began))
		defer timer.Stop()
		over = timer.C
	}
	for extended := false; ; extended = true {
		select {
		case <-c.done:
			return c.result
		case <-c.ctx.Done():
			return c.leave(l, c.ctx.Err())
		case <-over:
		}
		// A timer that is late means that the process had no processor, to read
		// a reply among other things: those who wait get that time back, once.
		late := time.Since(c.began) - c.timeout
		if extended || late <= 0 {
			return c.leave(l, context.DeadlineExceeded)
		}
		timer.Reset(min(late, c.timeout))
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
