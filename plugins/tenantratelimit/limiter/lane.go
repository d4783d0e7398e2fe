package limiter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/redis/go-redis/v9"
)

// lane carries calls to one Redis server. Whoever finds the lane empty flies at
// once, alone. Those who come while others fly share the next flight: one
// pipeline, and in it one run of the script for many of them. So the busier the
// lane, the less each call costs, and no one waits for company.
//
// A call that is given up before its flight begins is not made. One that is
// given up later may still be made. Its answer is waited for, for the sake of
// what it says, but keeps nobody else waiting.
type lane struct {
	client  redis.UniversalClient
	script  *script
	breaker *Breaker
	local   *Local
	// apart keeps calls of different tags out of one run of the script, as a
	// Redis Cluster demands.
	apart bool
	// waiters are *waiter.
	waiters sync.Pool

	mu      sync.Mutex
	waiting []*call
	flying  int
	// parked are goroutines that wait for a flight, once so many have flown.
	parked  []chan []*call
	flown   int
	horizon horizon
}

// flight is calls that are made together. The lane's mutex guards it.
type flight struct {
	calls int // that somebody waited for as it began
	left  int // those of them that nobody waits for any more
	// permitted is the breaker's word. over is true when the flight is answered, empty
	// when its place in the lane is another's already, and late when the breaker was
	// told that no answer came in time.
	permitted, over, empty, late bool
}

// Bounds of a lane: one flight is answered while the next is written, and a run
// of the script keeps Redis from other work for less than a millisecond.
const (
	maxFlights  = 2
	maxAboard   = 256
	maxTogether = 32
	// parkAfter is how many flights make a lane one that keeps goroutines for more.
	parkAfter = 64
)

var errLate = errors.New("no answer in time")

func newLane(client redis.UniversalClient, s *script, b *Breaker, local *Local, apart bool) *lane {
	return &lane{client: client, script: s, breaker: b, local: local, apart: apart}
}

func (l *lane) newWaiter() *waiter {
	if w, ok := l.waiters.Get().(*waiter); ok {
		return w
	}
	return newWaiter()
}

// do makes the call and waits for it.
func (l *lane) do(c *call) result {
	if l.breaker.Refuses() {
		return result{err: ErrOpen}
	}
	c.waiter = l.newWaiter()
	l.begin(c)
	return c.wait(l, c.timeout)
}

// start makes the call without waiting for it.
func (l *lane) start(c *call) {
	c.waiter = l.newWaiter()
	c.local = l.local
	if l.breaker.Refuses() {
		c.finish(result{err: ErrOpen})
		return
	}
	l.begin(c)
}

// begin makes c fly, or wait for the next flight.
func (l *lane) begin(c *call) {
	c.local = l.local
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying >= maxFlights {
		l.waiting = append(l.waiting, c)
		return
	}
	l.flying++
	c.alone[0] = c
	l.hand(c.alone[:])
}

// hand gives calls to a goroutine that is parked, or to a new one. The caller holds
// l.mu.
func (l *lane) hand(calls []*call) {
	if last := len(l.parked) - 1; last >= 0 {
		l.parked[last] <- calls
		l.parked = l.parked[:last]
		return
	}
	go l.flyOn(calls)
}

// flyOn flies as long as there is somebody to carry, and then parks: a goroutine
// that has flown has a stack that is large enough.
func (l *lane) flyOn(calls []*call) {
	next := make(chan []*call, 1)
	for calls != nil {
		if l.fly(calls).empty {
			return
		}
		if calls = l.board(next); calls == nil {
			calls = <-next
		}
	}
}

// board takes those who wait. If there are none, the flight ends, and next is told
// what comes then: other calls, or nil for the end.
func (l *lane) board(next chan []*call) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	if calls := l.takeWaiting(); calls != nil {
		return calls
	}
	l.flying--
	if l.flown++; l.flown < parkAfter || len(l.parked) >= maxFlights {
		next <- nil
		return nil
	}
	l.parked = append(l.parked, next)
	return nil
}

// giveUp waits no longer for the answers to flights, and keeps no goroutine.
func (l *lane) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.horizon.end()
	for _, next := range l.parked {
		next <- nil
	}
	l.parked, l.flown = nil, math.MinInt
}

// takeWaiting is the next flight's calls. The caller holds l.mu.
func (l *lane) takeWaiting() []*call {
	if len(l.waiting) == 0 {
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
func (l *lane) fly(aboard []*call) *flight {
	f, calls, ctx := l.depart(aboard)
	if len(calls) == 0 {
		return f
	}
	runs := l.runs(ctx, l.withCharges(calls))
	err := ErrOpen
	if f.permitted {
		err = l.exec(ctx, runs)
	}
	if l.arrive(f) {
		l.breaker.end(err)
	}
	for _, r := range runs {
		r.finish(err)
	}
	return f
}

// depart leaves behind the calls that were given up.
func (l *lane) depart(aboard []*call) (*flight, []*call, context.Context) {
	f, live := &flight{}, aboard[:0]
	var gone []*call
	l.mu.Lock()
	for _, c := range aboard {
		if c.fate.Load() == left {
			gone = append(gone, c)
			continue
		}
		c.flight = f
		live = append(live, c)
	}
	f.calls = len(live)
	f.permitted = f.calls > 0 && l.breaker.begin()
	ctx := l.horizon.context(aboard[0].began)
	l.mu.Unlock()
	for _, c := range gone {
		c.finish(result{err: context.Canceled}) // and was not made
	}
	return f, live, ctx
}

// arrive ends a flight, and is true if the breaker is still to be told how.
func (l *lane) arrive(f *flight) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.over = true
	return f.permitted && !f.late
}

// left is told of a call that nobody waits for any more. A flight that carries
// only such calls makes place for another, and has failed if they waited as long
// as they wanted to.
func (l *lane) left(c *call, reason error) {
	l.mu.Lock()
	f := c.flight
	if f == nil || f.over {
		l.mu.Unlock()
		return
	}
	f.left++
	f.empty = f.left == f.calls
	f.late = f.empty && f.permitted && errors.Is(reason, context.DeadlineExceeded)
	if f.empty {
		l.replace()
	}
	late := f.late
	l.mu.Unlock()
	if late {
		l.breaker.end(errLate)
	}
}

// replace gives a flight's place to those who wait. The caller holds l.mu.
func (l *lane) replace() {
	if calls := l.takeWaiting(); calls != nil {
		l.hand(calls)
		return
	}
	l.flying--
}

// withCharges puts before each call what was admitted without Redis of its
// counters, so that it is decided by all that was admitted.
func (l *lane) withCharges(calls []*call) []*call {
	var all []*call
	for i, c := range calls {
		charges := l.local.due(c.levels)
		if len(charges) > 0 && all == nil {
			all = append(make([]*call, 0, 2*len(calls)), calls[:i]...)
		}
		if len(charges) > 0 {
			all = append(all, l.charge(charges))
		}
		if all != nil {
			all = append(all, c)
		}
	}
	if all == nil {
		return calls
	}
	return all
}

// charge is a call that charges levels whether there is room or not.
func (l *lane) charge(levels []Level) *call {
	c := newCall(context.Background(), Ask{Levels: levels}, l.local.now())
	c.local, c.owed = l.local, true
	return c
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
