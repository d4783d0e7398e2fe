package limiter

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

func TestPerSecondMakesEachDecisionOnce(t *testing.T) {
	var made, sum atomic.Int64
	perSecond, err := perSecond(t.Context(), func(_ context.Context, n int) error {
		made.Add(1)
		sum.Add(int64(n))
		return nil
	})
	if err != nil || perSecond <= 0 || made.Load() != decisions || sum.Load() != decisions*(decisions+1)/2 {
		t.Errorf("%v a second, %d made, error %v", perSecond, made.Load(), err)
	}
}

func TestPerSecondEndsWithTheFirstError(t *testing.T) {
	failed := errors.New("no peer")
	var made atomic.Int64
	_, err := perSecond(t.Context(), func(context.Context, int) error { made.Add(1); return failed })
	if !errors.Is(err, failed) || made.Load() > callers {
		t.Errorf("error %v after %d decisions", err, made.Load())
	}
}
