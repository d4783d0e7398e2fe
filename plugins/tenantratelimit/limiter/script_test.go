package limiter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// clocked is a script whose clock the test sets.
type clocked struct {
	*Redis
	set func(now time.Time)
}

// onMiniredis runs the script as it is.
func onMiniredis(t *testing.T, now func() time.Time) clocked {
	server := miniredis.RunT(t)
	client := redistest.Client(t, "redis://"+server.Addr())
	return clocked{NewRedis(client, RedisOptions{Now: now}), server.SetTime}
}

// onRedis runs the script on a real Redis, with TIME read from two keys.
func onRedis(t *testing.T, now func() time.Time) clocked {
	client := redistest.Client(t, redistest.Start(t))
	store := NewRedis(client, RedisOptions{Now: now})
	text := strings.Replace(scriptText, "call('TIME')", "call('MGET', 'test:s', 'test:us')", 1)
	if text == scriptText {
		t.Fatal("the script does not ask for the time as expected")
	}
	store.script = newScript(text)
	return clocked{store, func(now time.Time) {
		us := now.UnixMicro()
		if err := client.MSet(context.Background(), "test:s", us/1e6, "test:us", us%1e6).Err(); err != nil {
			t.Fatal(err)
		}
	}}
}

// onEach runs a test on the script as it is and on a real Redis, both with the
// clock that now points to.
func onEach(t *testing.T, test func(t *testing.T, remote clocked, now *time.Time)) {
	for name, open := range map[string]func(*testing.T, func() time.Time) clocked{"miniredis": onMiniredis, "redis": onRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now time.Time
			test(t, open(t, func() time.Time { return now }), &now)
		})
	}
}

// The two implementations give the same verdicts, to the microsecond, over
// random sequences of descriptors, costs, pauses and clock steps.
func TestScriptAgreesWithGo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, remote clocked, now *time.Time) {
		for seed := range uint64(12) {
			*now = time.UnixMicro(start)
			local := NewLocal(1000, func() time.Time { return *now })
			r := rand.New(rand.NewPCG(seed, 3))
			limits := randomLimits(t, r)
			for step := range 40 {
				*now = now.Add(randomPause(r))
				remote.set(*now)
				req := Request{Descriptors: randomDescriptors(r, limits, seed)}
				want, _ := local.Take(t.Context(), req)
				got, err := remote.Take(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d step %d: Go (-) and script (+) differ:\n%s", seed, step, diff)
				}
			}
		}
	})
}

func randomLimits(t *testing.T, r *rand.Rand) []*Limit {
	seconds := func() time.Duration { return time.Duration(1+r.IntN(40)) * time.Second }
	quota := func() int64 { return 3 + r.Int64N(15) }
	return []*Limit{
		mustCompile(t, Spec{Name: "bucket", Algorithm: TokenBucket, Quota: quota(), Window: seconds(), Burst: quota()}),
		mustCompile(t, Spec{Name: "fine", Algorithm: TokenBucket, Quota: 999_983, Window: 24 * time.Hour, Burst: 7}),
		mustCompile(t, Spec{Name: "fixed", Algorithm: FixedWindow, Quota: quota(), Window: seconds()}),
		mustCompile(t, Spec{Name: "sliding", Algorithm: SlidingWindow, Quota: quota(), Window: seconds()}),
		mustCompile(t, Spec{Name: "day", Algorithm: Calendar, Quota: 60, Period: Day, Zone: "Europe/Berlin"}),
		mustCompile(t, Spec{Name: "month", Algorithm: Calendar, Quota: 100, Period: Month}),
		mustCompile(t, Spec{Name: "none", Algorithm: TokenBucket, Window: seconds(), Shadow: true}),
		mustCompile(t, Spec{Name: "shadow", Algorithm: SlidingWindow, Quota: 2, Window: 5 * time.Second, Shadow: true}),
	}
}

func randomPause(r *rand.Rand) time.Duration {
	pause := time.Duration(r.Int64N(1500)) * time.Millisecond
	switch r.IntN(30) {
	case 0:
		return -pause
	case 1:
		return 9 * time.Hour
	case 2:
		return -26 * time.Hour
	}
	return pause + time.Duration(r.IntN(1000))*time.Microsecond
}

func randomDescriptors(r *rand.Rand, limits []*Limit, seed uint64) []Descriptor {
	var descriptors []Descriptor
	for _, l := range limits {
		if r.IntN(4) > 0 {
			descriptors = append(descriptors, Descriptor{Limit: l, Key: fmt.Sprintf("%d:%s", seed, l.Name), Cost: 1 + r.Int64N(2), More: r.Int64N(4)})
		}
	}
	if descriptors == nil {
		return []Descriptor{{Limit: limits[0], Key: fmt.Sprintf("%d:%s", seed, limits[0].Name), Cost: 1}}
	}
	return descriptors
}

func TestDenialChargesNothing(t *testing.T) {
	t.Parallel()
	tight := mustCompile(t, Spec{Name: "tight", Algorithm: FixedWindow, Quota: 1, Window: time.Hour})
	shadow := mustCompile(t, Spec{Name: "shadow", Algorithm: FixedWindow, Quota: 1, Window: time.Hour, Shadow: true})
	var others []Descriptor
	for _, a := range []Algorithm{TokenBucket, SlidingWindow, FixedWindow} {
		l := mustCompile(t, Spec{Name: string(a), Algorithm: a, Quota: 50, Window: time.Hour})
		others = append(others, Descriptor{Limit: l, Key: string(a), Cost: 1})
	}
	descriptors := append([]Descriptor{}, others...)
	descriptors = append(descriptors, Descriptor{Limit: tight, Key: "tight", Cost: 1}, Descriptor{Limit: shadow, Key: "shadow", Cost: 1})
	remote := onMiniredis(t, time.Now)
	remote.set(time.UnixMicro(start))
	for name, store := range map[string]Store{"script": remote, "go": NewLocal(100, func() time.Time { return time.UnixMicro(start) })} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				if _, err := store.Take(context.Background(), Request{Descriptors: descriptors}); err != nil {
					t.Fatal(err)
				}
			}
			v, err := store.Take(context.Background(), Request{Descriptors: others})
			if err != nil || !v.Allowed {
				t.Fatalf("verdict %+v, error %v", v, err)
			}
			for i, o := range v.Results {
				if o.Remaining != 48 {
					t.Errorf("%s has %d left after 2 admitted and 4 denied, want 48", others[i].Key, o.Remaining)
				}
			}
		})
	}
}

// A budget is a budget however many nodes and goroutines spend it.
func TestConcurrentTakersNeverOverspend(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	const nodes, goroutines, takes, budget = 4, 200, 5, 333
	var descriptors []Descriptor
	for _, a := range []Algorithm{TokenBucket, SlidingWindow, FixedWindow} {
		// A day's window, so that nothing comes back while the test runs.
		l := mustCompile(t, Spec{Name: string(a), Algorithm: a, Quota: budget, Window: 24 * time.Hour})
		descriptors = append(descriptors, Descriptor{Limit: l, Key: "k:" + string(a), Cost: 1})
	}
	var stores [nodes]*Redis
	for i := range stores {
		stores[i] = NewRedis(redistest.Client(t, url), RedisOptions{})
	}
	var admitted atomic.Int64
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for range takes {
				v, err := stores[g%nodes].Take(context.Background(), Request{Descriptors: descriptors})
				if err != nil {
					t.Error(err)
				}
				if v.Allowed {
					admitted.Add(1)
				}
			}
		})
	}
	group.Wait()
	if admitted.Load() != budget {
		t.Errorf("%d of %d admitted, want %d", admitted.Load(), goroutines*takes, budget)
	}
}

func TestScriptOnDamagedStore(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	client := redistest.Client(t, url)
	ctx := context.Background()
	store := NewRedis(client, RedisOptions{})
	var descriptors []Descriptor
	for _, a := range []Algorithm{TokenBucket, SlidingWindow, FixedWindow} {
		l := mustCompile(t, Spec{Name: string(a), Algorithm: a, Quota: 5, Window: time.Minute})
		descriptors = append(descriptors, Descriptor{Limit: l, Key: string(a), Cost: 1})
	}
	damage := map[string]func(key string) error{
		"nothing":       func(string) error { return nil },
		"text":          func(key string) error { return client.Set(ctx, key, "}{ nonsense", 0).Err() },
		"too few":       func(key string) error { return client.Set(ctx, key, "7", 0).Err() },
		"another type":  func(key string) error { return client.LPush(ctx, key, "1").Err() },
		"flushed cache": func(string) error { return client.ScriptFlush(ctx).Err() },
	}
	for name, harm := range damage {
		for _, l := range descriptors {
			client.Del(ctx, l.Key)
			if err := harm(l.Key); err != nil {
				t.Fatal(err)
			}
		}
		v, err := store.Take(ctx, Request{Descriptors: descriptors})
		if err != nil || !v.Allowed {
			t.Fatalf("%s: verdict %+v, error %v", name, v, err)
		}
		for _, l := range descriptors {
			if ttl := client.PTTL(ctx, l.Key).Val(); ttl <= 0 || ttl > 70*time.Second {
				t.Errorf("%s: %s lives for %v", name, l.Key, ttl)
			}
		}
	}
}

func TestOverridesAreComparedInTheSameTrip(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redistest.Client(t, "redis://"+server.Addr())
	store := NewRedis(client, RedisOptions{})
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: 24 * time.Hour})
	descriptors := []Descriptor{{Limit: l, Key: "k", Cost: 1}}
	take := func(overrides string) (Verdict, string, bool) {
		v, err := store.Take(context.Background(), Request{Descriptors: descriptors, OverridesKey: "o", Overrides: overrides})
		if err != nil {
			t.Fatal(err)
		}
		if v.Changed == nil {
			return v, overrides, false
		}
		return v, *v.Changed, true
	}
	if v, _, stale := take(""); stale || v.Results[0].Remaining != 4 {
		t.Errorf("without overrides: %+v, stale %v", v, stale)
	}
	if err := server.Set("o", "new"); err != nil {
		t.Fatal(err)
	}
	if _, text, stale := take(""); !stale || text != "new" {
		t.Errorf("overrides: %q, stale %v", text, stale)
	}
	if v, _, stale := take("new"); stale || v.Results[0].Remaining != 3 {
		t.Errorf("known: %+v, stale %v; a stale take must not charge", v, stale)
	}
	server.Del("o")
	if _, text, stale := take("new"); !stale || text != "" {
		t.Errorf("removed: %q, stale %v", text, stale)
	}
}
