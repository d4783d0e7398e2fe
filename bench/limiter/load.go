package limiter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// perSecond runs decide by callers at once, decisions times in all, and returns
// how many there were in a second. n counts up for each.
func perSecond(ctx context.Context, decide func(ctx context.Context, n int) error) (float64, error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	began := time.Now()
	for range callers {
		group.Go(func() {
			for {
				n := int(next.Add(1))
				if n > decisions || failed.Load() != nil {
					return
				}
				if err := decide(ctx, n); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return decisions / time.Since(began).Seconds(), nil
}
