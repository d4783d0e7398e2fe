package releaselock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/release/releaselock"
)

func start(t *testing.T) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

func options(who string) releaselock.Options {
	return releaselock.Options{Gateway: "eu", Who: who, TTL: time.Minute}
}

func take(t *testing.T, client redis.UniversalClient, who string) *releaselock.Lock {
	t.Helper()
	l, err := releaselock.Try(t.Context(), client, options(who))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release(context.WithoutCancel(t.Context())) })
	return l
}

// TestOneAtOnce: of many that want the lock one has it at a time, and each has a higher
// fence than the one before.
func TestOneAtOnce(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	var holders, last atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			l, err := releaselock.Take(t.Context(), client, options("alice"), func(*releaselock.Taken) {})
			if err != nil {
				t.Error(err)
				return
			}
			if holders.Add(1) != 1 || last.Swap(l.Fence()) >= l.Fence() {
				t.Error("two have the lock, or a fence went back")
			}
			holders.Add(-1)
			if err := l.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestTaken(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	take(t, client, "alice on host-1")
	_, err := releaselock.Try(t.Context(), client, options("bob"))
	var taken *releaselock.Taken
	if !errors.As(err, &taken) || taken.Who != "alice on host-1" || taken.For > time.Minute || taken.For < 50*time.Second {
		t.Errorf("error %v", err)
	}
	other := options("bob")
	other.Gateway = "us"
	l, err := releaselock.Try(t.Context(), client, other)
	if err != nil {
		t.Fatalf("another gateway's lock: %v", err)
	}
	_ = l.Release(t.Context())
}

// TestLost: a lock that ended is not this one's any more, nor is another's taken away.
func TestLost(t *testing.T) {
	t.Parallel()
	server, client := start(t)
	first := take(t, client, "alice")
	if err := first.Hold(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	server.FastForward(2 * time.Minute)
	second := take(t, client, "bob")
	if err := first.Hold(t.Context(), time.Second); err == nil || !strings.Contains(err.Error(), "the lock is lost") {
		t.Errorf("error %v", err)
	}
	if err := first.Mark(t.Context(), nil); err == nil {
		t.Error("who has lost the lock marks a release")
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Hold(t.Context(), time.Second); err != nil || second.Fence() <= first.Fence() {
		t.Errorf("error %v, fences %d and %d", err, first.Fence(), second.Fence())
	}
}

// TestRedisGone: what is left of the lock has to do, and is counted down here.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	server, client := start(t)
	l := take(t, client, "alice")
	server.SetError("LOADING")
	if err := l.Hold(t.Context(), 30*time.Second); err != nil {
		t.Errorf("error %v", err)
	}
	if err := l.Hold(t.Context(), 2*time.Minute); err == nil || !strings.Contains(err.Error(), "the lock is held for") {
		t.Errorf("error %v", err)
	}
	server.SetError("")
}

func TestMark(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	l := take(t, client, "alice")
	if open, err := l.Unfinished(t.Context()); open != nil || err != nil {
		t.Fatalf("%+v, error %v", open, err)
	}
	want := releaselock.Open{ID: "r1", Who: "alice", Host: "host-1", State: "/var/lib/x", Since: time.Now().UTC().Truncate(time.Second), Fence: l.Fence()}
	if err := l.Mark(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := take(t, client, "bob")
	if open, err := next.Unfinished(t.Context()); err != nil || open == nil || *open != want {
		t.Fatalf("%+v, error %v", open, err)
	}
	if err := next.Mark(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if open, err := next.Unfinished(t.Context()); open != nil || err != nil {
		t.Errorf("%+v, error %v", open, err)
	}
}
