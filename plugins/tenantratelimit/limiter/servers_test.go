package limiter

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// watched is a store on the Redis at url, and how often it was given up on and
// came back.
func watched(t *testing.T, url string) (store *Redis, tripped, recovered *atomic.Int64) {
	t.Helper()
	client, err := redisurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	tripped, recovered = new(atomic.Int64), new(atomic.Int64)
	return NewRedis(client, RedisOptions{
		Tripped:   func(string, error) { tripped.Add(1) },
		Recovered: func(string) { recovered.Add(1) },
	}), tripped, recovered
}

func takeWithin(t *testing.T, store Store, l *Limit, patience time.Duration) (Verdict, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return store.Take(ctx, Request{Descriptors: []Descriptor{{Limit: l, Key: "p:{t.a}:k", Cost: 1}}})
}

// A Redis that crashes and comes back, empty and without its script, is given up
// on once and used again by itself.
func TestRestart(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	server.Client()
	store, tripped, recovered := watched(t, "redis://"+server.Addr)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 24 * time.Hour})
	if v, err := takeWithin(t, store, l, time.Second); err != nil || v.Results[0].Remaining != 99 {
		t.Fatalf("%+v, error %v", v, err)
	}
	server.Kill()
	for range 20 {
		if _, err := takeWithin(t, store, l, 20*time.Millisecond); err == nil {
			t.Fatal("a Redis that is gone answers")
		}
	}
	server.Start()
	// One that is given up may be charged all the same: be patient.
	redistest.Await(t, "the store is back", func(context.Context) bool {
		v, err := takeWithin(t, store, l, 5*time.Second)
		return err == nil && v.Results[0].Remaining == 99
	})
	if tripped.Load() != 1 || recovered.Load() != 1 {
		t.Errorf("given up on %d times, back %d times; want once each", tripped.Load(), recovered.Load())
	}
}

// A replica that takes over counts on from what it has.
func TestFailover(t *testing.T) {
	t.Parallel()
	url, master, replica := redistest.Sentinel(t)
	store, tripped, recovered := watched(t, url)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 24 * time.Hour})
	const before = 40
	for range before {
		if _, err := takeWithin(t, store, l, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	reads := replica.Client()
	redistest.Await(t, "the replica has all", func(ctx context.Context) bool {
		text, err := reads.Get(ctx, "p:{t.a}:k").Result()
		return err == nil && text[len(text)-3:] == " 40"
	})
	master.Kill()
	var v Verdict
	// One that is given up may be charged all the same: be patient.
	redistest.Await(t, "the replica counts", func(context.Context) bool {
		var err error
		v, err = takeWithin(t, store, l, 5*time.Second)
		return err == nil
	})
	if left := v.Results[0].Remaining; left != 100-before-1 {
		t.Errorf("%d left after the failover, want %d", left, 100-before-1)
	}
	if tripped.Load() != 1 || recovered.Load() != 1 {
		t.Errorf("given up on %d times, back %d times; want once each", tripped.Load(), recovered.Load())
	}
}

// Counters that nobody uses go by themselves.
func TestCountersExpire(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	store := NewRedis(client, RedisOptions{})
	var descriptors []Descriptor
	for _, a := range []Algorithm{TokenBucket, SlidingWindow, FixedWindow} {
		l := mustCompile(t, Spec{Name: string(a), Algorithm: a, Quota: 5, Window: time.Second})
		descriptors = append(descriptors, Descriptor{Limit: l, Key: string(a), Cost: 5})
	}
	if v, err := store.Take(t.Context(), Request{Descriptors: descriptors}); err != nil || !v.Allowed {
		t.Fatalf("%+v, error %v", v, err)
	}
	if n := client.DBSize(t.Context()).Val(); n != 3 {
		t.Fatalf("%d counters, want 3", n)
	}
	redistest.Await(t, "all counters are gone", func(ctx context.Context) bool { return client.DBSize(ctx).Val() == 0 })
}

// A full Redis, and one whose scripts were flushed in the middle of it all.
func TestFullAndFlushed(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	store, _, recovered := watched(t, "redis://"+server.Addr)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 24 * time.Hour})
	for range 3 {
		client.ScriptFlush(t.Context())
		if _, err := takeWithin(t, store, l, time.Second); err != nil {
			t.Errorf("after a flush: %v", err)
		}
	}
	client.ConfigSet(t.Context(), "maxmemory", "1")
	for range breakerFailures {
		if _, err := takeWithin(t, store, l, time.Second); !redis.HasErrorPrefix(err, "OOM") {
			t.Errorf("a full Redis: error %v", err)
		}
	}
	if _, err := takeWithin(t, store, l, time.Second); err != ErrOpen { //nolint:errorlint // it is that error itself
		t.Errorf("after as many failures: %v", err)
	}
	client.ConfigSet(t.Context(), "maxmemory", "0")
	redistest.Await(t, "it is used again", func(context.Context) bool {
		_, err := takeWithin(t, store, l, time.Second)
		return err == nil && recovered.Load() == 1
	})
}
