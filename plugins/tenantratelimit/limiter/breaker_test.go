package limiter

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("down")

// A Redis that is given up on is not back as long as it only says why it cannot decide.
func TestWordsDoNotCloseTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var recoveries atomic.Int32
		b := NewBreaker(func(error) {}, func() { recoveries.Add(1) })
		for range breakerFailures {
			_ = b.Do(func() error { return errDown })
		}
		for range 3 {
			time.Sleep(breakerPause)
			if err := b.Do(func() error { return says("LOADING Redis is loading the dataset in memory") }); errors.Is(err, ErrOpen) {
				t.Fatal("no call was tried after the pause")
			}
			if !b.Refuses() || recoveries.Load() != 0 {
				t.Fatal("a Redis that loads its data is used again")
			}
		}
		time.Sleep(breakerPause)
		if err := b.Do(func() error { return nil }); err != nil || recoveries.Load() != 1 {
			t.Errorf("error %v, %d recoveries; want one", err, recoveries.Load())
		}
	})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var trips, recoveries atomic.Int32
		var reason error
		b := NewBreaker(func(err error) { trips.Add(1); reason = err }, func() { recoveries.Add(1) })
		calls, result := 0, errDown
		do := func() error {
			return b.Do(func() error { calls++; return result })
		}
		for range 20 {
			if do() == nil {
				t.Fatal("a failing call succeeds")
			}
		}
		if calls != breakerFailures || trips.Load() != 1 || !errors.Is(reason, errDown) {
			t.Fatalf("%d calls, %d trips with %v; want %d calls and one trip", calls, trips.Load(), reason, breakerFailures)
		}
		for range 5 {
			time.Sleep(breakerPause)
			if err := do(); !errors.Is(err, errDown) {
				t.Fatalf("after the pause, error %v: one call should have been tried", err)
			}
			if err := do(); !errors.Is(err, ErrOpen) {
				t.Fatalf("after a failed try, error %v, want ErrOpen", err)
			}
		}
		result = nil
		time.Sleep(breakerPause)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if trips.Load() != 1 || recoveries.Load() != 1 {
			t.Errorf("%d trips and %d recoveries reported, want one of each", trips.Load(), recoveries.Load())
		}
	})
}
