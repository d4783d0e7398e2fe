package limiter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// Requests that share a run of the script are decided as they would be one
// after the other, also where they share counters.
func TestTogetherIsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, remote clocked, now *time.Time) {
		for seed := range uint64(8) {
			*now = time.UnixMicro(start)
			local := NewLocal(1000, func() time.Time { return *now })
			r := rand.New(rand.NewPCG(seed, 5))
			limits := randomLimits(t, r)
			for range 12 {
				*now = now.Add(randomPause(r))
				remote.set(*now)
				var calls []*call
				var want, got []Verdict
				for range 1 + r.IntN(6) {
					req := Request{Descriptors: randomDescriptors(r, limits, seed)}
					v, _ := local.Take(t.Context(), req)
					calls, want = append(calls, newCall(t.Context(), req, *now)), append(want, v)
				}
				remote.one.flush(calls)
				for _, c := range calls {
					if c.err != nil {
						t.Fatal(c.err)
					}
					got = append(got, c.verdict)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d (-alone +together):\n%s", seed, diff)
				}
			}
		}
	})
}

// Overrides that changed for one request in a run do not touch the others.
func TestChangedOverridesAmongOthers(t *testing.T) {
	t.Parallel()
	remote := onMiniredis(t, time.Now)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: 24 * time.Hour})
	of := func(key, overrides string) Request {
		return Request{Descriptors: []Descriptor{{Limit: l, Key: key, Cost: 1}}, OverridesKey: key + ":o", Overrides: overrides}
	}
	calls := []*call{
		newCall(t.Context(), of("a", ""), time.Now()),
		newCall(t.Context(), of("b", "old"), time.Now()),
		newCall(t.Context(), Request{Descriptors: of("a", "").Descriptors}, time.Now()),
		newCall(t.Context(), Request{OverridesKey: "b:o"}, time.Now()),
	}
	remote.one.flush(calls)
	if v := calls[0].verdict; v.Changed != nil || v.Results[0].Remaining != 4 {
		t.Errorf("first: %+v", v)
	}
	if v := calls[1].verdict; v.Changed == nil || *v.Changed != "" {
		t.Errorf("second: %+v, want that there are none now", v)
	}
	if v := calls[2].verdict; len(v.Results) != 1 || v.Results[0].Remaining != 3 {
		t.Errorf("third: %+v", v)
	}
	if v := calls[3].verdict; v.Changed != nil || !v.Allowed || len(v.Results) != 0 {
		t.Errorf("a request of no limits: %+v", v)
	}
}

// played is a hook that plays Redis.
type played func(ctx context.Context, cmd redis.Cmder) error

func (p played) DialHook(next redis.DialHook) redis.DialHook     { return next }
func (p played) ProcessHook(redis.ProcessHook) redis.ProcessHook { return redis.ProcessHook(p) }
func (p played) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			_ = p(ctx, cmd)
		}
		return nil
	}
}

// playing is a store on a Redis that p plays. It is made in the test's bubble.
func playing(t *testing.T, p played) *Redis {
	client := redistest.Client(t, "redis://127.0.0.1:1")
	client.AddHook(p)
	return NewRedis(client, RedisOptions{})
}

func TestCallsGivenUpAreNotMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		release := make(chan struct{})
		store := playing(t, func(_ context.Context, cmd redis.Cmder) error {
			made.Add(1)
			<-release
			cmd.SetErr(errDown)
			return errDown
		})
		l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour})
		take := func(patience time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := store.Take(ctx, Request{Descriptors: []Descriptor{{Limit: l, Key: "k", Cost: 1}}})
			return err
		}
		for range maxInFlight {
			go func() { _ = take(time.Hour) }()
		}
		synctest.Wait()
		began := time.Now()
		if err := take(20 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		if waited := time.Since(began); waited != 20*time.Millisecond {
			t.Errorf("waited %v, want 20ms", waited)
		}
		close(release)
		synctest.Wait()
		if made.Load() != maxInFlight {
			t.Errorf("%d calls were made, want %d", made.Load(), maxInFlight)
		}
	})
}

// However many wait, they share what is sent, and each is answered.
func TestThoseWhoWaitShare(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, redistest.Start(t))
	var sent atomic.Int64
	client.AddHook(counting(&sent))
	store := NewRedis(client, RedisOptions{})
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 1000, Window: 24 * time.Hour})
	const goroutines, takes = 100, 20
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range takes {
				if v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: "k", Cost: 1}}}); err != nil || len(v.Results) != 1 {
					t.Errorf("verdict %+v, error %v", v, err)
				}
			}
		})
	}
	group.Wait()
	if sent.Load() > goroutines*takes/2 {
		t.Errorf("%d decisions took %d pipelines and commands", goroutines*takes, sent.Load())
	}
}

// counting counts what goes to Redis: commands alone, and pipelines.
type countingHook struct{ sent *atomic.Int64 }

func counting(sent *atomic.Int64) redis.Hook { return countingHook{sent} }

func (c countingHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c countingHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.sent.Add(1); return next(ctx, cmd) }
}
func (c countingHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.sent.Add(1); return next(ctx, cmds) }
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour})
	descriptors := []Descriptor{{Limit: l, Cost: 1, More: 3}}
	for _, reply := range [][]any{nil, {}, {int64(0), int64(1)}, {int64(0), "1", int64(2)}, {int64(0), int64(1), nil}} {
		if v, _, err := decode(descriptors, reply); !errors.Is(err, errReply) {
			t.Errorf("%v: %+v, error %v", reply, v, err)
		}
	}
	v, rest, err := decode(descriptors, []any{int64(-1), int64(1), int64(2), "next"})
	want := Verdict{Allowed: true, Results: []Result{{Fits: true, Remaining: 1, Reset: 2 * time.Microsecond, More: 3}}}
	if diff := cmp.Diff(want, v); err != nil || diff != "" || len(rest) != 1 {
		t.Errorf("error %v, rest %v\n%s", err, rest, diff)
	}
	r := newRun(t.Context(), &script{}, []*call{newCall(t.Context(), Request{Descriptors: descriptors}, time.Now())})
	for _, reply := range []any{nil, []any{}, []any{int64(1)}} {
		r.cmd.SetVal(reply)
		if r.finish(nil); !errors.Is(r.calls[0].err, errReply) {
			t.Errorf("the reply %v is an answer: %v", reply, r.calls[0].err)
		}
	}
}

func TestRunsKeepTagsApart(t *testing.T) {
	t.Parallel()
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour})
	var calls []*call
	for i := range 100 {
		key := fmt.Sprintf("p:{t.%d}:l", i%3)
		calls = append(calls, newCall(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: key, Cost: 1}}}, time.Now()))
	}
	for _, apart := range []bool{false, true} {
		total := 0
		for _, r := range (&batcher{script: &script{}, apart: apart}).runs(t.Context(), calls) {
			tags := map[string]bool{}
			for _, c := range r.calls {
				tags[c.tag()] = true
			}
			if apart && len(tags) != 1 || len(r.calls) > maxRun {
				t.Errorf("%d calls of the tags %v share a run", len(r.calls), tags)
			}
			total += len(r.calls)
		}
		if total != len(calls) {
			t.Errorf("%d of %d calls are in runs", total, len(calls))
		}
	}
}
