package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// slow is a store whose Redis answers after a while, what reply makes of the time.
func slow(t *testing.T, after time.Duration, reply func(cmd *redis.Cmd)) (*Redis, *Local) {
	client := redistest.Client(t, "redis://127.0.0.1:1")
	client.AddHook(played(func(ctx context.Context, cmd redis.Cmder) error {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			cmd.SetErr(ctx.Err())
			return ctx.Err()
		}
		run, ok := cmd.(*redis.Cmd)
		if !ok {
			cmd.SetErr(errDown)
			return errDown
		}
		reply(run)
		return run.Err()
	}))
	local := NewLocal(100, time.Now)
	store := NewRedis(client, RedisOptions{Local: local})
	t.Cleanup(store.Close)
	return store, local
}

func counted(t *testing.T) Descriptor {
	return Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 365 * 24 * time.Hour}), Key: "p:{t.a}:l", Cost: 1}
}

// An answer that comes too late for its request is used for what it says: the
// request that was admitted meanwhile is charged once.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	const remaining = 60
	says := func(wait int64) func(*redis.Cmd) {
		return func(cmd *redis.Cmd) {
			cmd.SetVal([]any{time.Now().UnixMicro(), wait, int64(remaining), int64(1_000_000)})
		}
	}
	for _, tt := range []struct {
		name   string
		after  time.Duration
		reply  func(*redis.Cmd)
		passes bool // and is not counted here
		owed   int64
		heard  int64
	}{
		{"charged", 60 * time.Millisecond, says(0), false, 0, remaining},
		{"charged, after seconds", 4 * time.Second, says(0), false, 0, remaining},
		{"denied", 60 * time.Millisecond, says(5), false, 1, remaining},
		{"failed", 60 * time.Millisecond, func(cmd *redis.Cmd) { cmd.SetErr(errDown) }, false, 1, 0},
		{"never", time.Hour, says(0), false, 1, 0},
		{"charged, and passed anyhow", 60 * time.Millisecond, says(0), true, 0, remaining},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, local := slow(t, tt.after, tt.reply)
				req := Request{Descriptors: []Descriptor{counted(t)}, Timeout: 20 * time.Millisecond, Passes: tt.passes}
				if _, err := store.Take(t.Context(), req); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("error %v", err)
				}
				if req.Offline = true; !tt.passes {
					if v, err := store.Take(t.Context(), req); err != nil || !v.Allowed {
						t.Fatalf("%+v, error %v", v, err)
					}
				}
				store.settling.Stop() // what is owed stays so
				time.Sleep(3 * answerTime)
				local.mu.Lock()
				defer local.mu.Unlock()
				c := local.find("p:{t.a}:l")
				if c.Owed != tt.owed || c.Heard.Remaining != tt.heard {
					t.Errorf("%d owed and %d heard, want %d and %d", c.Owed, c.Heard.Remaining, tt.owed, tt.heard)
				}
			})
		})
	}
}

// A batch of which nobody waits for the answer any more makes place.
func TestLateFlightsMakePlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, _ := slow(t, time.Hour, func(*redis.Cmd) {})
		began := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				_, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{counted(t)}, Timeout: 20 * time.Millisecond})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			})
		}
		group.Wait()
		if waited := time.Since(began); waited != 20*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
		synctest.Wait()
		store.one.mu.Lock()
		defer store.one.mu.Unlock()
		if store.one.inFlight != 0 {
			t.Errorf("%d still count as inFlight", store.one.inFlight)
		}
	})
}

// An answer and the end of waiting at the same time are an answer.
func TestAnswerWins(t *testing.T) {
	t.Parallel()
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := &call{ctx: ctx, timeout: time.Nanosecond, began: time.Now().Add(-time.Hour), waiter: newWaiter()}
		c.finish(reply{at: 7})
		if r := c.wait(&batcher{}, c.rest()); r.at != 7 {
			t.Fatalf("result %+v", r)
		}
	}
}

// A process that had no processor when its time was over gets it back.
func TestStarvedProcessReadsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for answer, want := range map[time.Duration]bool{15 * time.Millisecond: true, 25 * time.Millisecond: false} {
			// The timer of 20 ms is late by 20 ms: it was to be over a while ago.
			c := &call{ctx: t.Context(), timeout: 20 * time.Millisecond, began: time.Now().Add(-40 * time.Millisecond), waiter: newWaiter()}
			time.AfterFunc(answer, func() { c.finish(reply{at: 7}) })
			if r := c.wait(&batcher{}, c.rest()); (r.err == nil) != want {
				t.Errorf("answered after %v: %+v", answer, r)
			}
			time.Sleep(time.Second)
		}
	})
}

// What was admitted without Redis is charged there in the background where nobody
// asks for the counter, and with the next request where somebody does.
func TestOwedIsChargedOnRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	var settled atomic.Int64
	store := NewRedis(client, RedisOptions{Local: NewLocal(1000, time.Now), Settled: func(n int64) { settled.Add(n) }})
	t.Cleanup(store.Close)
	const counters = 3 * settleTogether
	descriptor := func(i int) Descriptor {
		l := counted(t)
		l.Key = fmt.Sprintf("p:{t.%d}:l", i)
		return l
	}
	alone := func(i, requests int) {
		for range requests {
			if v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{descriptor(i)}, Offline: true}); err != nil || !v.Allowed {
				t.Fatalf("%+v, error %v", v, err)
			}
		}
	}
	left := func(i int) int64 {
		v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{descriptor(i)}})
		if err != nil {
			t.Fatal(err)
		}
		return v.Results[0].Remaining
	}
	alone(0, 7)
	if n := left(0); n != 100-7-1 {
		t.Errorf("%d left for a counter that is asked for, want 92", n)
	}
	for i := range counters {
		alone(1+i, 1+i%2)
	}
	redistest.Await(t, "all is charged", func(context.Context) bool { return store.options.Local.openCount.Load() == 0 })
	for i := range counters {
		if n := left(1 + i); n != 100-1-int64(i%2)-1 {
			t.Fatalf("%d left of counter %d", n, i)
		}
	}
	if n := settled.Load(); n < 7+counters*3/2 {
		t.Errorf("%d units told of, want at least %d", n, 7+counters*3/2)
	}
}

// Redis pauses, and does what it was asked when it goes on: nothing is charged that
// nobody was given, and nothing twice.
func TestPauseChargesOnce(t *testing.T) {
	t.Parallel()
	for _, admits := range []bool{true, false} {
		t.Run(fmt.Sprint("admitted meanwhile: ", admits), func(t *testing.T) {
			t.Parallel()
			server := redistest.Launch(t)
			store := NewRedis(server.Client(), RedisOptions{Local: NewLocal(1000, time.Now)})
			t.Cleanup(store.Close)
			descriptor := counted(t)
			req := Request{Descriptors: []Descriptor{descriptor}, Timeout: time.Second}
			if _, err := store.Take(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			server.Pause()
			const requests = 4
			for range requests {
				if _, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{descriptor}, Timeout: 20 * time.Millisecond}); err == nil {
					t.Fatal("a Redis that pauses answers")
				}
				if !admits {
					continue
				}
				if v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{descriptor}, Offline: true}); err != nil || !v.Allowed {
					t.Fatalf("%+v, error %v", v, err)
				}
			}
			server.Resume()
			want := int64(100 - 1)
			if admits {
				want -= requests
			}
			reads := server.Client()
			redistest.Await(t, "it is charged what was given", func(ctx context.Context) bool {
				text, err := reads.Get(ctx, descriptor.Key).Result()
				var from, to, used int64
				_, err2 := fmt.Sscan(text, &from, &to, &used)
				return err == nil && err2 == nil && used == 100-want && store.options.Local.openCount.Load() == 0
			})
		})
	}
}

// In a cluster, one server's pause is its counters' alone, and is settled likewise.
func TestPauseInACluster(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	store := NewRedis(clusterOf(t, servers), RedisOptions{Local: NewLocal(1000, time.Now)})
	t.Cleanup(store.Close)
	limit := counted(t).Limit
	descriptors := func(i int) []Descriptor {
		return []Descriptor{
			{Limit: limit, Key: Key("p", limit, []Part{{Kind: 't', ID: fmt.Sprint(i)}}), Cost: 1},
			{Limit: limit, Key: Key("p", limit, []Part{{Kind: 'g'}}), Cost: 1},
		}
	}
	const tenants = 10
	total := int64(0)
	decide := func(i int, timeout time.Duration) {
		req := Request{Descriptors: descriptors(i), Timeout: timeout}
		v, err := store.Take(t.Context(), req)
		if err != nil {
			req.Offline = true
			v, err = store.Take(t.Context(), req)
		}
		if err != nil {
			t.Fatal(err)
		}
		if v.Allowed {
			total++
		}
	}
	for i := range tenants {
		decide(i, 5*time.Second)
	}
	servers[1].Pause()
	for i := range tenants {
		decide(i, 20*time.Millisecond)
	}
	servers[1].Resume()
	redistest.Await(t, "all is settled", func(context.Context) bool { return store.options.Local.openCount.Load() == 0 })
	redistest.Await(t, "all that was admitted is charged", func(ctx context.Context) bool {
		v, err := store.Take(ctx, Request{Descriptors: []Descriptor{{Limit: limit, Key: descriptors(0)[1].Key, Cost: 0, More: unconditional}}})
		return err == nil && v.Results[0].Remaining == 100-total
	})
}
