package fanout_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/bff/fanout"
)

var errBroken = errors.New("broken")

// takes returns a fetch function that gives v after d, unless its context ends.
func takes[T any](d time.Duration, v T, err error) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		select {
		case <-time.After(d):
			return v, err
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	type part struct {
		name     string
		optional bool
		timeout  time.Duration
		takes    time.Duration
		err      error
	}
	for name, tc := range map[string]struct {
		parts    []part
		took     time.Duration
		degraded []string
		err      string
	}{
		"nothing to do":               {nil, 0, nil, ""},
		"side by side":                {[]part{{"a", false, 900 * ms, 300 * ms, nil}, {"b", true, 900 * ms, 200 * ms, nil}}, 300 * ms, nil, ""},
		"optional fails":              {[]part{{"a", false, 900 * ms, 300 * ms, nil}, {"b", true, 900 * ms, 100 * ms, errBroken}}, 300 * ms, []string{"b"}, ""},
		"optional is late":            {[]part{{"a", false, 900 * ms, 100 * ms, nil}, {"b", true, 400 * ms, time.Hour, nil}}, 400 * ms, []string{"b"}, ""},
		"failures in the given order": {[]part{{"c", true, 900 * ms, 200 * ms, errBroken}, {"b", true, 900 * ms, 100 * ms, errBroken}}, 200 * ms, []string{"c", "b"}, ""},
		"required fails, rest ends":   {[]part{{"a", false, 900 * ms, 100 * ms, errBroken}, {"b", false, 900 * ms, 800 * ms, nil}, {"c", true, 900 * ms, 800 * ms, nil}}, 100 * ms, nil, "get a: broken"},
		"required is late":            {[]part{{"a", false, 500 * ms, time.Hour, nil}}, 500 * ms, nil, "get a: context deadline exceeded"},
		"budget ends before timeouts": {[]part{{"a", false, time.Hour, time.Hour, nil}}, 1000 * ms, nil, "get a: context deadline exceeded"},
		"budget ends for an optional": {[]part{{"b", true, time.Hour, time.Hour, nil}}, 1000 * ms, []string{"b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // fails if a goroutine outlives Run
				var parts []fanout.Part
				results := make([]string, len(tc.parts))
				for i, p := range tc.parts {
					kind := fanout.Required
					if p.optional {
						kind = fanout.Optional
					}
					parts = append(parts, kind(p.name, p.timeout, fanout.Into(&results[i], takes(p.takes, "got", p.err))))
				}
				start := time.Now()
				failed, err := fanout.Run(t.Context(), time.Second, parts...)
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				var degraded []string
				for _, f := range failed {
					degraded = append(degraded, f.Part)
				}
				if diff := cmp.Diff(tc.degraded, degraded); diff != "" {
					t.Errorf("degraded (-want +got):\n%s", diff)
				}
				if got := text(err); got != tc.err {
					t.Errorf("error %q, want %q", got, tc.err)
				}
				for i, p := range tc.parts {
					if done := p.err == nil && p.takes < p.timeout && tc.err == ""; done != (results[i] == "got") {
						t.Errorf("result of %s is %q", p.name, results[i])
					}
				}
			})
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRunKeepsTheCause(t *testing.T) {
	t.Parallel()
	_, err := fanout.Run(t.Context(), time.Second, fanout.Required("a", time.Second, func(context.Context) error { return errBroken }))
	part, ok := errors.AsType[*fanout.PartError](err)
	if !ok || part.Part != "a" || !errors.Is(err, errBroken) {
		t.Errorf("error %v: want a *PartError of a that wraps the cause", err)
	}
}

func TestRunEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		var got string
		failed, err := fanout.Run(ctx, time.Second, fanout.Optional("a", time.Second, fanout.Into(&got, takes(time.Hour, "", nil))))
		if !errors.Is(err, context.DeadlineExceeded) || failed != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("after %v: failed %v, error %v: want the caller's error, though the part is optional", time.Since(start), failed, err)
		}
	})
}

// panics is a fetch function with a fault of its own.
func panics(context.Context) error { panic("boom") }

func TestRunSurvivesPanic(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) error { return nil }
	failed, err := fanout.Run(t.Context(), time.Second,
		fanout.Optional("a", time.Second, panics), fanout.Required("b", time.Second, fine))
	if err != nil || len(failed) != 1 || !strings.Contains(failed[0].Error(), "get a: panic: boom") {
		t.Errorf("failed %v, error %v: want a to have failed with the panic", failed, err)
	}
	_, err = fanout.Run(t.Context(), time.Second,
		fanout.Optional("a", time.Second, fine), fanout.Required("b", time.Second, panics))
	if err == nil || !strings.Contains(err.Error(), "get b: panic: boom") || !strings.Contains(err.Error(), "fanout_test.panics") {
		t.Errorf("error %v: want b to have failed with the panic and its stack", err)
	}
}

// TestRunCancelsTheRest: parts that are under way learn at once that the page has failed,
// and it is the first failure that counts, not what became of them.
func TestRunCancelsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended [2]error
		rest := func(i int) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				ended[i] = ctx.Err()
				return ctx.Err()
			}
		}
		_, err := fanout.Run(t.Context(), time.Hour,
			fanout.Required("b", time.Hour, rest(0)), fanout.Optional("c", time.Hour, rest(1)),
			fanout.Required("a", time.Hour, fanout.Into(new(int), takes(10*time.Millisecond, 0, errBroken))))
		if text(err) != "get a: broken" || time.Since(start) != 10*time.Millisecond {
			t.Errorf("after %v: %v; want a's error, when it came", time.Since(start), err)
		}
		for i, err := range ended {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("part %d ended with %v, want it cancelled", i, err)
			}
		}
	})
}

// TestRunLeavesNothingBehind: the bubble fails if a goroutine of Run's is alive when the
// test is over, and time in it would have to go on for a timer that is.
func TestRunLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	wait := fanout.Into(new(int), takes(time.Hour, 0, nil))
	broken := fanout.Into(new(int), takes(0, 0, errBroken))
	for name, parts := range map[string][]fanout.Part{
		"late":      {fanout.Optional("a", time.Second, wait), fanout.Required("b", time.Second, wait)},
		"cancelled": {fanout.Required("a", time.Second, wait), fanout.Required("b", time.Second, broken)},
		"panicked":  {fanout.Required("a", time.Second, wait), fanout.Required("b", time.Second, panics)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if _, err := fanout.Run(t.Context(), time.Minute, parts...); err == nil {
					t.Error("no error, though a required part failed")
				}
			})
		})
	}
}

func TestRunIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var running, most int
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			running += by
			most = max(most, running)
		}
		parts := make([]fanout.Part, 20)
		for i := range parts {
			parts[i] = fanout.Required("p", time.Second, func(context.Context) error {
				count(1)
				time.Sleep(100 * time.Millisecond) // the bubble's time
				count(-1)
				return nil
			})
		}
		if _, err := fanout.Run(t.Context(), time.Second, parts...); err != nil {
			t.Fatal(err)
		}
		if most != 8 {
			t.Errorf("%d parts at once, want 8", most)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	var got [4]int
	for b.Loop() {
		var parts []fanout.Part
		for i := range got {
			parts = append(parts, fanout.Optional("p", time.Second, fanout.Into(&got[i], func(context.Context) (int, error) { return i, nil })))
		}
		if _, err := fanout.Run(b.Context(), time.Second, parts...); err != nil {
			b.Fatal(err)
		}
	}
}
