package upstream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// hedgePrice is how many good calls pay for one hedge: hedges are at most 5 % of them.
	hedgePrice = 20
	// hedgeSaved is how many hedges can be paid for at once. An outage, in which no call is
	// good, has no more than these.
	hedgeSaved = 5
)

// hedges makes a second request where the first is late, and takes the first good answer.
type hedges struct {
	usual    latencies
	budget   hedgeBudget
	name     string
	observer Observer
}

// newHedges returns those of one service.
func newHedges(name string, observer Observer) *hedges {
	return &hedges{name: name, observer: observer}
}

// hedgeKey marks the context of a hedge, which is to have a request of its own: the one
// that it could share is the one that is late.
type hedgeKey struct{}

// brought is what a request came to.
type brought[T any] struct {
	v   T
	err error
}

// hedged runs fn, and once more beside it if that takes long and can be paid for. What
// fails before is not late: its failure is the result. It returns when ctx ends, and waits
// for no loser, whose context has ended then.
func hedged[T any](ctx context.Context, h *hedges, fn func(context.Context) (T, error)) (T, error) {
	began := time.Now()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan brought[T], 2) // nobody may be there to take the loser's
	start := func(ctx context.Context) { go func() { results <- try(ctx, fn) }() }
	start(inner)
	late, stop := h.usual.late()
	defer stop()
	for underWay := 1; ; {
		select {
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case <-late: // once
			if h.budget.pay() {
				h.observer.Hedged(h.name)
				underWay++
				start(context.WithValue(inner, hedgeKey{}, true))
			}
		case got := <-results:
			underWay--
			if got.err == nil {
				h.budget.earn()
				h.usual.add(time.Since(began)) // of the first request, at least
			}
			if underWay == 0 || final(got.err) {
				return got.v, got.err
			}
		}
	}
}

// final tells whether there is nothing to gain from the other request: it would be
// answered in the same way. Of two failures the later one counts.
func final(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err == nil || ok && e.Kind == Rejected
}

// try runs fn in a goroutine of its own, where a panic would end the process.
func try[T any](ctx context.Context, fn func(context.Context) (T, error)) (got brought[T]) {
	defer func() {
		if p := recover(); p != nil {
			got.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	got.v, got.err = fn(ctx)
	return got
}

// hedgeBudget is filled by good calls only. failsafe's bounds what is in flight: one call
// at a time could then always have a hedge, and an outage would have twice the requests.
// The zero value is empty.
type hedgeBudget struct {
	mu    sync.Mutex
	calls int // good ones that have not paid for a hedge
}

func (b *hedgeBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = min(b.calls+1, hedgeSaved*hedgePrice)
}

func (b *hedgeBudget) pay() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls < hedgePrice {
		return false
	}
	b.calls -= hedgePrice
	return true
}
