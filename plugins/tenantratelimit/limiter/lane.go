package limiter

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// call is one run of a script.
type call struct {
	ctx    context.Context
	script *script
	keys   []string
	args   []any

	reply any
	err   error
	done  chan struct{} // nil for a call that nobody waits for
}

// command is EVALSHA of the call's script, whose keys and arguments follow.
func (c *call) command() []any {
	command := make([]any, 0, 3+len(c.keys)+len(c.args))
	command = append(command, "evalsha", c.script.sha, len(c.keys))
	for _, key := range c.keys {
		command = append(command, key)
	}
	return append(command, c.args...)
}

func (c *call) wait() (any, error) {
	select {
	case <-c.done:
		return c.reply, c.err
	case <-c.ctx.Done():
		return nil, fmt.Errorf("wait for redis: %w", c.ctx.Err())
	}
}

func (c *call) finish(reply any, err error) {
	c.reply, c.err = reply, err
	if c.done != nil {
		close(c.done)
	}
}

// lane carries calls to one Redis server, in pipelines. Whoever finds the lane
// empty flies at once, alone. Those who come while others fly share the next
// flight, so that the busier the lane, the fewer the system calls for each; no
// one waits for company.
//
// A call that is given up before its flight begins is not made. One that is
// given up later may still be made, and its charge stays.
type lane struct {
	client  redis.UniversalClient
	scripts *scripts
	breaker *Breaker

	mu      sync.Mutex
	waiting []*call
	flying  int
}

// Bounds of a lane: one flight is answered while the next is written, and a
// flight's calls keep Redis from other work for a few milliseconds at most.
const (
	maxFlights = 2
	maxAboard  = 128
)

// do makes the call and waits for it, but not past its context's deadline.
func (l *lane) do(c *call) (any, error) {
	if l.breaker.Refuses() {
		return nil, ErrOpen
	}
	if l.begin(c) {
		l.fly([]*call{c})
		l.land()
		return c.reply, c.err
	}
	return c.wait()
}

// start makes the call without waiting for it.
func (l *lane) start(c *call) {
	c.done = make(chan struct{})
	if l.breaker.Refuses() {
		c.finish(nil, ErrOpen)
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
// own: whose flight has landed has an answer to give.
func (l *lane) land() {
	if next := l.board(); next != nil {
		go func() {
			for ; next != nil; next = l.board() {
				l.fly(next)
			}
		}()
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
	l.waiting = l.waiting[n:]
	return aboard
}

// fly makes the calls in one pipeline and finishes each.
func (l *lane) fly(aboard []*call) {
	ctx, aboard := soundings(aboard)
	if len(aboard) == 0 {
		return
	}
	cmds := make([]*redis.Cmd, len(aboard))
	err := l.breaker.Do(func() error { return l.exec(ctx, aboard, cmds) })
	for i, c := range aboard {
		if err != nil {
			c.finish(nil, err)
			continue
		}
		c.finish(cmds[i].Val(), cmds[i].Err())
	}
}

// soundings drops the calls that were given up, and finds the context with
// the latest deadline among the others.
func soundings(aboard []*call) (ctx context.Context, live []*call) {
	live = aboard[:0]
	for _, c := range aboard {
		if err := c.ctx.Err(); err != nil {
			c.finish(nil, err)
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

// exec fails if every call does: then it is the server that fails.
func (l *lane) exec(ctx context.Context, aboard []*call, cmds []*redis.Cmd) error {
	for i, c := range aboard {
		cmds[i] = redis.NewCmd(ctx, c.command()...)
	}
	l.pipe(ctx, cmds)
	if slices.ContainsFunc(cmds, lacksScript) {
		l.load(ctx, cmds)
	}
	var last error
	for _, cmd := range cmds {
		if last = cmd.Err(); last == nil {
			return nil
		}
	}
	return fmt.Errorf("ask redis: %w", last)
}

func (l *lane) pipe(ctx context.Context, cmds []*redis.Cmd) {
	p := l.client.Pipeline()
	for _, cmd := range cmds {
		_ = p.Process(ctx, cmd) // sends nothing yet
	}
	_, _ = p.Exec(ctx) // each command has its error
}

func lacksScript(cmd *redis.Cmd) bool { return redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") }

// load gives a server that was restarted, or flushed, its scripts, and makes the
// calls again that lacked them.
func (l *lane) load(ctx context.Context, cmds []*redis.Cmd) {
	p := l.client.Pipeline()
	p.ScriptLoad(ctx, l.scripts.take.text)
	p.ScriptLoad(ctx, l.scripts.takeBack.text)
	for i, cmd := range cmds {
		if lacksScript(cmd) {
			cmds[i] = redis.NewCmd(ctx, cmd.Args()...)
			_ = p.Process(ctx, cmds[i])
		}
	}
	_, _ = p.Exec(ctx)
}
