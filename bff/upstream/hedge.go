package upstream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
)

const (
	// A call that takes longer than this share of the good ones of late gets a second
	// request, once there were enough to tell.
	hedgeQuantile = 0.95
	hedgeMemory   = 1000 // good calls
	hedgeMinimum  = 100  // good calls

	// hedgePrice is how many good calls pay for one hedge: hedges are at most 5 % of them.
	hedgePrice = 20
	// hedgeSaved is how many hedges can be paid for at once. An outage, in which no call is
	// good, has no more than these.
	hedgeSaved = 5
)

// hedges makes a second request where the first is late, and takes the first good answer.
type hedges struct {
	executor failsafe.Executor[any]
	budget   hedgeBudget
	name     string
	observer Observer
}

// newHedges returns those of one service.
func newHedges(name string, observer Observer) *hedges {
	policy := hedgepolicy.NewBuilderWithDelayQuantile[any](hedgeQuantile, hedgeMemory, hedgeMinimum).
		CancelIf(func(_ any, err error) bool { return final(err) }).
		Build()
	return &hedges{executor: failsafe.With(policy), name: name, observer: observer}
}

// final tells whether there is nothing to gain from the other request: it would be
// answered in the same way. Of two failures the later one counts.
func final(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err == nil || ok && e.Kind == Rejected
}

// hedgeKey marks the context of a hedge, which is to have a request of its own: the one
// that it could share is the one that is late.
type hedgeKey struct{}

// errNoBudget is a hedge that was not made.
var errNoBudget = errors.New("no budget for a hedge")

// do runs fn, and once more beside it if that takes long and can be paid for. The
// loser's context ends, and do does not wait for it.
func (h *hedges) do(ctx context.Context, fn func(context.Context) (any, error)) (any, error) {
	v, err := h.executor.WithContext(ctx).GetWithExecution(func(exec failsafe.Execution[any]) (v any, err error) {
		ctx := exec.Context()
		if exec.IsHedge() {
			if !h.budget.pay() {
				return nil, errNoBudget
			}
			h.observer.Hedged(h.name)
			ctx = context.WithValue(ctx, hedgeKey{}, true)
		}
		defer func() { // this is a goroutine of the policy's: a panic would end the process
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		return fn(ctx)
	})
	if err == nil {
		h.budget.earn()
	}
	return v, err
}

// hedgeBudget is filled by good calls only. failsafe's own bounds what is in flight: one
// call at a time could then always have a hedge, and an outage would have twice the
// requests. The zero value is empty.
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
