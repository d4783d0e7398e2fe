package limiter

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// call is an ask on its way to Redis.
type call struct {
	ctx    context.Context
	levels []Level
	// words are the script's keys, this many, and arguments, after a header.
	words []any
	keys  int

	result
	done chan struct{} // nil for a call that nobody waits for
}

type result struct {
	verdict Verdict
	at      int64 // Redis' time at the decision, in microseconds
	err     error
}

func (c *call) finish(r result) {
	c.result = r
	if c.done != nil {
		close(c.done)
	}
}

func (c *call) wait() result {
	select {
	case <-c.done:
		return c.result
	case <-c.ctx.Done():
		return result{err: fmt.Errorf("wait for redis: %w", c.ctx.Err())}
	}
}

// lane carries calls to one Redis server. Whoever finds the lane empty flies at
// once, alone. Those who come while others fly share the next flight: one
// pipeline, and in it one run of the script for many of them. So the busier the
// lane, the less each call costs, and no one waits for company.
//
// A call that is given up before its flight begins is not made. One that is
// given up later may still be made, and its charge stays.
type lane struct {
	client  redis.UniversalClient
	script  *script
	breaker *Breaker
	// apart keeps calls of different tags out of one run of the script, as a
	// Redis Cluster demands.
	apart bool

	mu      sync.Mutex
	waiting []*call
	flying  int
}

// Bounds of a lane: one flight is answered while the next is written, and a run
// of the script keeps Redis from other work for less than a millisecond.
const (
	maxFlights  = 2
	maxAboard   = 256
	maxTogether = 32
)

// do makes the call and waits for it, but not past its context's deadline.
func (l *lane) do(c *call) result {
	if l.breaker.Refuses() {
		return result{err: ErrOpen}
	}
	if !l.begin(c) {
		return c.wait()
	}
	l.fly([]*call{c})
	l.land()
	return c.result
}

// start makes the call without waiting for it.
func (l *lane) start(c *call) {
	c.done = make(chan struct{})
	if l.breaker.Refuses() {
		c.finish(result{err: ErrOpen})
		return
	}
	if l.begin(c) {
		go func() {
			l.fly([]*call{c})
			l.land()
		}()
	}
}

// begin is true if the caller is to fly c itself. Otherwise c waits.
func (l *lane) begin(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying < maxFlights {
		l.flying++
		return true
	}
	if c.done == nil {
		c.done = make(chan struct{})
	}
	l.waiting = append(l.waiting, c)
	return false
}

// land ends a flight. Those who wait by now fly on with a goroutine of their
// own: who has just landed has an answer to give.
func (l *lane) land() {
	if next := l.board(); next != nil {
		go l.flyOn(next)
	}
}

func (l *lane) flyOn(next []*call) {
	for ; next != nil; next = l.board() {
		l.fly(next)
	}
}

// board takes those who wait, or ends the flight if there are none.
func (l *lane) board() []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.flying--
		return nil
	}
	n := min(len(l.waiting), maxAboard)
	aboard := l.waiting[:n:n]
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil // or it would keep calls that are over
	}
	return aboard
}

// fly makes the calls and finishes each.
func (l *lane) fly(aboard []*call) {
	ctx, aboard := present(aboard)
	if len(aboard) == 0 {
		return
	}
	runs := l.runs(ctx, aboard)
	err := l.breaker.Do(func() error { return l.exec(ctx, runs) })
	for _, r := range runs {
		r.finish(err)
	}
}

// present drops the calls that were given up, and finds the context with the
// latest deadline among the others.
func present(aboard []*call) (ctx context.Context, live []*call) {
	live = aboard[:0]
	for _, c := range aboard {
		if err := c.ctx.Err(); err != nil {
			c.finish(result{err: err})
			continue
		}
		if ctx == nil || laterThan(c.ctx, ctx) {
			ctx = c.ctx
		}
		live = append(live, c)
	}
	return ctx, live
}

func laterThan(a, b context.Context) bool {
	one, bounded := a.Deadline()
	two, otherBounded := b.Deadline()
	return otherBounded && (!bounded || one.After(two))
}

// exec fails if every run does: then it is the server that fails. One that says
// where a slot is now does not.
func (l *lane) exec(ctx context.Context, runs []*run) error {
	l.pipe(ctx, runs)
	var unknown []*run
	for _, r := range runs {
		if err := r.cmd.Err(); err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			r.cmd = redis.NewCmd(ctx, r.cmd.Args()...)
			unknown = append(unknown, r)
		}
	}
	if len(unknown) > 0 { // the server was restarted, or flushed
		l.client.ScriptLoad(ctx, l.script.text)
		l.pipe(ctx, unknown)
	}
	var last error
	for _, r := range runs {
		if last = r.cmd.Err(); last == nil || moved(last) {
			return nil
		}
	}
	return fmt.Errorf("ask redis: %w", last)
}

func (l *lane) pipe(ctx context.Context, runs []*run) {
	if len(runs) == 1 {
		_ = l.client.Process(ctx, runs[0].cmd) // the command has its error
		return
	}
	p := l.client.Pipeline()
	for _, r := range runs {
		_ = p.Process(ctx, r.cmd) // sends nothing yet
	}
	_, _ = p.Exec(ctx)
}
