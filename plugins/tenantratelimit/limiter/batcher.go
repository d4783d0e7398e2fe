package limiter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// batcher sends calls to one Redis server. A call that finds fewer than maxInFlight
// batches in flight is sent at once, as a batch of its own. Calls that come while so many
// are in flight wait, and share the next batch: one pipeline, and in it one run of
// the script for many of them. So the busier the server, the less each call costs,
// and no call waits just so that others may join it.
//
// A call that is given up before its batch is sent is not made. One that is given up
// later may still be made. Its answer is waited for, for what it says, but it keeps
// nobody else waiting.
type batcher struct {
	client  redis.UniversalClient
	script  *script
	breaker *Breaker
	local   *Local
	// watch is told of each answer that is an error, and of answers that are late.
	watch func(error)
	// answers counts the batches that were answered.
	answers *atomic.Uint64
	// apart keeps calls of different tags out of one run of the script, as a
	// Redis Cluster demands.
	apart bool
	// waiters are *waiter.
	waiters sync.Pool

	mu       sync.Mutex
	waiting  []*call
	inFlight int // batches
	// idle are goroutines that wait for a batch, once the batcher is busy: after
	// idleAfter goroutines ran out of calls. drained counts those.
	idle      []chan []*call
	drained   int
	deadlines deadlines

	telling sync.Mutex
	retired bool // nothing is told of its server any more
}

// batch is calls that are sent together. The batcher's mutex guards it.
type batch struct {
	calls     int // that somebody waited for as it was sent
	abandoned int // those of them that nobody waits for any more
	// permitted says that the breaker lets the batch be sent.
	permitted bool
	// answered is true when the batch's answer is there; replaced, when nobody waits for
	// it and another batch has taken its place; late, when the breaker was told that no
	// answer came in time.
	answered, replaced, late bool
}

// Bounds of a batcher.
const (
	// maxInFlight lets one batch be answered while the next is written.
	maxInFlight = 2
	// maxBatch is how many calls share a pipeline, and maxRun how many of them a run of
	// the script, which keeps Redis from other work for less than a millisecond.
	maxBatch = 256
	maxRun   = 32
	// idleAfter is how many goroutines ran out of calls before others are kept: a
	// goroutine that has sent a batch has a stack that is large enough.
	idleAfter = 64
)

var errLate = errors.New("no answer in time")

func (b *batcher) newWaiter() *waiter {
	if w, ok := b.waiters.Get().(*waiter); ok {
		return w
	}
	return newWaiter()
}

// do makes the call and waits for it.
func (b *batcher) do(c *call) reply {
	if b.breaker.Refuses() {
		return reply{err: ErrOpen}
	}
	c.waiter = b.newWaiter()
	b.add(c)
	return c.wait(b, c.timeout)
}

// start makes the call without waiting for it.
func (b *batcher) start(c *call) {
	c.waiter = b.newWaiter()
	c.local = b.local
	if b.breaker.Refuses() {
		c.finish(reply{err: ErrOpen})
		return
	}
	b.add(c)
}

// add sends c at once, or has it wait for the next batch.
func (b *batcher) add(c *call) {
	c.local = b.local
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inFlight >= maxInFlight {
		b.waiting = append(b.waiting, c)
		return
	}
	b.inFlight++
	c.alone[0] = c
	b.hand(c.alone[:])
}

// hand gives calls to a goroutine that is idle, or to a new one. The caller holds b.mu.
func (b *batcher) hand(calls []*call) {
	if last := len(b.idle) - 1; last >= 0 {
		b.idle[last] <- calls
		b.idle = b.idle[:last]
		return
	}
	go b.flushAll(calls)
}

// flushAll flushes batch after batch while calls wait, and then is idle or ends.
func (b *batcher) flushAll(calls []*call) {
	wake := make(chan []*call, 1)
	for calls != nil {
		if b.flush(calls).replaced {
			return // another goroutine has its place
		}
		if calls = b.next(wake); calls == nil {
			calls = <-wake
		}
	}
}

// next takes those who wait. If there are none, the goroutine's batch is over, and wake
// is told what comes then: other calls, or nil for the end.
func (b *batcher) next(wake chan []*call) []*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	if calls := b.takeWaiting(); calls != nil {
		return calls
	}
	b.inFlight--
	if b.drained++; b.drained < idleAfter || len(b.idle) >= maxInFlight {
		wake <- nil
		return nil
	}
	b.idle = append(b.idle, wake)
	return nil
}

// close waits no longer for the answers to batches, and keeps no goroutine.
func (b *batcher) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadlines.end()
	b.endIdle()
}

// endIdle keeps no goroutine from now on. The caller holds b.mu.
func (b *batcher) endIdle() {
	for _, wake := range b.idle {
		wake <- nil
	}
	b.idle, b.drained = nil, math.MinInt
}

// retire is the end of a batcher whose server has no slots any more. Answers that are
// still out are waited for.
func (b *batcher) retire() {
	b.tell(func() { b.retired = true })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endIdle()
}

// tell tells news of the server, unless the batcher is retired.
func (b *batcher) tell(news func()) {
	b.telling.Lock()
	defer b.telling.Unlock()
	if !b.retired {
		news()
	}
}

// takeWaiting is the next batch's calls. The caller holds b.mu.
func (b *batcher) takeWaiting() []*call {
	if len(b.waiting) == 0 {
		return nil
	}
	n := min(len(b.waiting), maxBatch)
	calls := b.waiting[:n:n]
	if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
		b.waiting = nil // or it would keep calls that are over
	}
	return calls
}

// flush sends a batch, waits for the answer, and finishes each call.
func (b *batcher) flush(calls []*call) *batch {
	sent, calls, ctx := b.begin(calls)
	if len(calls) == 0 {
		return sent
	}
	runs := b.runs(ctx, b.withSettlements(calls))
	err := ErrOpen
	if sent.permitted {
		err = b.exec(ctx, runs)
	}
	if err == nil {
		b.answers.Add(1)
	}
	if b.end(sent) {
		b.breaker.end(errors.Join(err, unconfirmed(runs)))
	}
	for _, r := range runs {
		if failed := r.cmd.Err(); failed != nil {
			b.watch(failed)
		}
		r.finish(err)
	}
	return sent
}

// begin makes a batch of the calls but for those that were given up, which it finishes.
func (b *batcher) begin(waited []*call) (*batch, []*call, context.Context) {
	made, calls := &batch{}, waited[:0]
	var gone []*call
	b.mu.Lock()
	for _, c := range waited {
		if c.fate.Load() == givenUp {
			gone = append(gone, c)
			continue
		}
		c.batch = made
		calls = append(calls, c)
	}
	made.calls = len(calls)
	made.permitted = made.calls > 0 && b.breaker.begin()
	ctx := b.deadlines.context(waited[0].began)
	b.mu.Unlock()
	for _, c := range gone {
		c.finish(reply{err: context.Canceled}) // and was not made
	}
	return made, calls, ctx
}

// end notes that the answer is there, and is true if the breaker is still to be told.
func (b *batcher) end(sent *batch) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent.answered = true
	return sent.permitted && !sent.late
}

// gaveUp is told of a call that nobody waits for any more. A batch of only such calls
// makes place for another, and has failed if they waited as long as they wanted to.
func (b *batcher) gaveUp(c *call, reason error) {
	b.mu.Lock()
	of := c.batch
	if of == nil || of.answered {
		b.mu.Unlock()
		return
	}
	of.abandoned++
	of.replaced = of.abandoned == of.calls
	of.late = of.replaced && of.permitted && errors.Is(reason, context.DeadlineExceeded)
	if of.replaced {
		b.replace()
	}
	late := of.late
	b.mu.Unlock()
	if late {
		b.watch(errLate)
		b.breaker.end(errLate)
	}
}

// replace gives a batch's place to those who wait. The caller holds b.mu.
func (b *batcher) replace() {
	if calls := b.takeWaiting(); calls != nil {
		b.hand(calls)
		return
	}
	b.inFlight--
}

// withSettlements puts before each call a charge of what was admitted without Redis of
// its counters, so that the call is decided by all that was admitted.
func (b *batcher) withSettlements(calls []*call) []*call {
	var all []*call // nil as long as no call has one
	for i, c := range calls {
		charges := b.local.takeOwed(c.descriptors)
		if len(charges) > 0 && all == nil {
			all = append(make([]*call, 0, 2*len(calls)), calls[:i]...)
		}
		if len(charges) > 0 {
			all = append(all, b.settlement(charges))
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

// settlement is a call that charges descriptors whether there is room or not.
func (b *batcher) settlement(charges []Descriptor) *call {
	c := newCall(context.Background(), Request{Descriptors: charges}, b.local.now())
	c.local, c.settles = b.local, true
	return c
}

// exec makes the runs, and once more those of which the server does not have the
// script. It fails if every run does: then it is the server that fails, or none of its
// slots can be asked. One that says where a slot is, or that this user may not, does not
// fail.
func (b *batcher) exec(ctx context.Context, runs []*run) error {
	b.pipe(ctx, runs)
	var unknown []*run
	for _, r := range runs {
		if err := r.cmd.Err(); err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			r.cmd = redis.NewCmd(ctx, r.cmd.Args()...)
			unknown = append(unknown, r)
		}
	}
	if len(unknown) > 0 { // the server was restarted, or flushed
		b.client.ScriptLoad(ctx, b.script.text)
		b.pipe(ctx, unknown)
	}
	var last error
	for _, r := range runs {
		if last = r.cmd.Err(); last == nil || wordOf(last).serves() || refused(last) {
			return nil
		}
	}
	return fmt.Errorf("ask redis: %w", last)
}

func (b *batcher) pipe(ctx context.Context, runs []*run) {
	confirmed := newConfirmation(runs)
	if len(runs) == 1 && confirmed.replicas == 0 {
		_ = b.client.Process(ctx, runs[0].cmd) // the command has its error
		return
	}
	p := b.client.Pipeline()
	for _, r := range runs {
		_ = p.Process(ctx, r.cmd) // sends nothing yet
	}
	confirmed.join(ctx, p)
	_, _ = p.Exec(ctx)
	confirmed.tell(runs)
}
