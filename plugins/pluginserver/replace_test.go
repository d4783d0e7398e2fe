package pluginserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"
)

func TestReplacedOnlyWhenSomethingRunsOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		usage func(since time.Duration) usage
		after time.Duration // 0 for never
		says  string
	}{
		"nothing": {func(time.Duration) usage { return usage{10, 100} }, 0, ""},
		"goroutines": {func(since time.Duration) usage {
			return usage{10 + int(since/(10*time.Minute)), 100}
		}, 10 * time.Minute, "11 goroutines, the limit is 10"},
		"memory": {func(time.Duration) usage { return usage{1, 1<<20 + 1} }, time.Minute, "1 MiB of memory, the limit is 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := pipe(t, Options{MaxGoroutines: 10, MaxMemory: 1 << 20}, accessPlugin(func(*pdk.PDK) {}))
				began := time.Now()
				srv.usage = func() usage { return tt.usage(time.Since(began)) }
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Hour, func() { cancel(nil) })
				srv.watchUsage(ctx, cancel)
				want := tt.after
				if want == 0 {
					want = time.Hour
				}
				if took := time.Since(began); took != want || errors.Is(context.Cause(ctx), ErrReplace) != (tt.after > 0) {
					t.Errorf("ended after %v with %v, want %v", took, context.Cause(ctx), want)
				}
				if !strings.Contains(srv.logs.String(), tt.says) {
					t.Errorf("logged %s, want %q", srv.logs, tt.says)
				}
			})
		})
	}
}

// TestWhatACollectionFreesHasNotRunOut looks twice.
func TestWhatACollectionFreesHasNotRunOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
		looks := 0
		srv.usage = func() usage { looks++; return usage{memory: int64(looks%2) << 40} }
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Minute, func() { cancel(nil) })
		srv.watchUsage(ctx, cancel)
		if errors.Is(context.Cause(ctx), ErrReplace) || looks < 10 {
			t.Errorf("ended with %v after %d looks", context.Cause(ctx), looks)
		}
	})
}

func TestUsageOfThisProcess(t *testing.T) {
	t.Parallel()
	u := processUsage()
	if u.goroutines < 1 || u.memory < 1<<20 || u.memory > 1<<40 {
		t.Errorf("this process uses %+v", u)
	}
	if reason := (Options{MaxGoroutines: 100_000, MaxMemory: defaultMemory()}).exhausted(u); reason != "" {
		t.Errorf("a test has run out: %s", reason)
	}
}

// TestServeIsReplaced drains as it does on a signal.
func TestServeIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(Options{}, accessPlugin(func(*pdk.PDK) {}))
		if err != nil {
			t.Fatal(err)
		}
		srv.usage = func() usage { return usage{goroutines: 1 << 30} }
		if err := srv.Serve(t.Context(), newSilentListener()); !errors.Is(err, ErrReplace) {
			t.Errorf("Serve = %v, want ErrReplace", err)
		}
	})
}
