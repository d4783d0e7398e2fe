package limiter

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// Half of patience is time enough for a replica on a busy machine, and half of haste is
// what a test waits for one that is gone.
const (
	patience = 20 * time.Second
	haste    = 400 * time.Millisecond
)

// replicated is a master with a replica.
type replicated struct{ master, replica *redistest.Server }

func newReplicated(t testing.TB) replicated {
	t.Helper()
	master := redistest.Launch(t)
	master.Client()
	return replicated{master, redistest.Replica(t, master)}
}

// part has the replica follow nobody that there is: it keeps what it has, and misses
// what the master is told from now on.
func (r replicated) part(t testing.TB) {
	t.Helper()
	r.command(t, r.replica, "replicaof", "127.0.0.1", "1")
	redistest.Await(t, "the master has no replica", func(ctx context.Context) bool {
		return strings.Contains(r.master.Client().Info(ctx, "replication").Val(), "connected_slaves:0")
	})
}

// rejoin has it follow the master again.
func (r replicated) rejoin(t testing.TB) {
	t.Helper()
	host, port, _ := strings.Cut(r.master.Addr, ":")
	r.command(t, r.replica, "replicaof", host, port)
	redistest.Await(t, "the master has a replica", func(ctx context.Context) bool {
		return r.master.Client().Do(ctx, "wait", 1, 10).Val() == int64(1)
	})
}

// failover kills the master and makes the replica one.
func (r replicated) failover(t testing.TB) *redistest.Server {
	t.Helper()
	r.master.Kill()
	r.command(t, r.replica, "replicaof", "no", "one")
	return r.replica
}

func (replicated) command(t testing.TB, s *redistest.Server, args ...any) {
	t.Helper()
	if err := s.Client().Do(context.Background(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// takes asks n times and says how many were admitted. A failure admits nothing.
func takes(store *Redis, d []Descriptor, replicas, n int, timeout time.Duration) (admitted int) {
	for range n {
		v, err := store.Take(context.Background(), Request{Descriptors: d, Timeout: timeout, Replicas: replicas})
		if err == nil && v.Allowed {
			admitted++
		}
	}
	return admitted
}

func yearly(t testing.TB, quota int64) []Descriptor {
	t.Helper()
	limit := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: quota, Window: 365 * 24 * time.Hour})
	return []Descriptor{{Limit: limit, Key: "{t}:l", Cost: 1}}
}

// TestFailoverForgetsNoCharge that a replica was waited for. Without that, what the
// replica had not got is admitted again.
func TestFailoverForgetsNoCharge(t *testing.T) {
	t.Parallel()
	const quota, before, parted = 20, 10, 3
	for _, tt := range []struct {
		name           string
		replicas, want int
	}{
		{"nobody is waited for", 0, quota + parted},
		{"a replica is waited for", 1, quota},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers, d := newReplicated(t), yearly(t, quota)
			store := NewRedis(servers.master.Client(), RedisOptions{})
			defer store.Close()
			admitted := takes(store, d, tt.replicas, before, patience)
			// What is not waited for takes a while, too.
			servers.command(t, servers.master, "wait", 1, 0)
			servers.part(t)
			admitted += takes(store, d, tt.replicas, parted, haste)
			promoted := NewRedis(servers.failover(t).Client(), RedisOptions{})
			defer promoted.Close()
			if admitted += takes(promoted, d, 0, 2*quota, patience); admitted != tt.want {
				t.Errorf("%d admitted of %d, want %d", admitted, quota, tt.want)
			}
		})
	}
}

// TestUnconfirmedCharges are failures of the server: they are told once, open the
// breaker, are given back for requests that are refused, and are over when a replica
// confirms again.
func TestUnconfirmedCharges(t *testing.T) {
	t.Parallel()
	servers, d := newReplicated(t), yearly(t, 1000)
	var tripped, recovered atomic.Int64
	var reason atomic.Value
	store := NewRedis(servers.master.Client(), RedisOptions{
		Local:     NewLocal(10, time.Now),
		Tripped:   func(_ string, err error) { tripped.Add(1); reason.Store(err.Error()) },
		Recovered: func(string) { recovered.Add(1) },
	})
	defer store.Close()
	if takes(store, d, 1, 5, patience) != 5 {
		t.Fatal("a replica does not confirm")
	}
	servers.part(t)
	if n := takes(store, d, 1, breakerFailures+3, haste); n != 0 || tripped.Load() != 1 {
		t.Errorf("%d admitted, breaker tripped %d times", n, tripped.Load())
	}
	if said, _ := reason.Load().(string); !strings.Contains(said, "0 of 1 replicas had the charge after 200ms") {
		t.Errorf("the reason is %q", said)
	}
	redistest.Await(t, "the charges are given back", func(context.Context) bool { return used(t, servers.master) == "5" })
	servers.rejoin(t)
	redistest.Await(t, "charges are confirmed again", func(context.Context) bool { return takes(store, d, 1, 1, patience) == 1 })
	if recovered.Load() != 1 {
		t.Errorf("recovered %d times", recovered.Load())
	}
}

// used is how many units the window of the test's counter has.
func used(t *testing.T, s *redistest.Server) string {
	t.Helper()
	text, err := s.Client().Get(t.Context(), "{t}:l").Result()
	if err != nil {
		t.Fatal(err)
	}
	return text[strings.LastIndexByte(text, ' ')+1:]
}

// TestReplicasOfOthers: who waits for no replica is answered as ever beside one who does,
// and who has no room is refused for that and for nothing else.
func TestReplicasOfOthers(t *testing.T) {
	t.Parallel()
	servers, full := newReplicated(t), yearly(t, 1)
	store := NewRedis(servers.master.Client(), RedisOptions{})
	defer store.Close()
	if takes(store, full, 1, 1, patience) != 1 {
		t.Fatal("a replica does not confirm")
	}
	servers.part(t)
	v, err := store.Take(t.Context(), Request{Descriptors: full, Timeout: haste, Replicas: 1})
	if err != nil || v.Allowed {
		t.Errorf("%v, %v, want a denial", v, err)
	}
	wide := yearly(t, 1000)
	wide[0].Key = "{t}:wide"
	if n := takes(store, wide, 0, 5, patience); n != 5 {
		t.Errorf("%d of 5 admitted who ask for no replica", n)
	}
}

// TestManyShareOneWait: calls that share a pipeline share its WAIT.
func TestManyShareOneWait(t *testing.T) {
	t.Parallel()
	servers, d := newReplicated(t), yearly(t, MaxQuota)
	store := NewRedis(servers.master.Client(), RedisOptions{})
	defer store.Close()
	const calls = 400
	var admitted atomic.Int64
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			v, err := store.Take(context.Background(), Request{Descriptors: d, Timeout: patience, Replicas: 1})
			if err == nil && v.Allowed {
				admitted.Add(1)
			}
		})
	}
	group.Wait()
	stats := servers.master.Client().InfoMap(t.Context(), "commandstats").Item("Commandstats", "cmdstat_wait")
	if admitted.Load() != calls || !strings.HasPrefix(stats, "calls=") || strings.HasPrefix(stats, "calls=400,") {
		t.Errorf("%d of %d admitted, and %s", admitted.Load(), calls, stats)
	}
}

// BenchmarkReplicas is a decision by a master with a replica on the same machine: alone,
// and with 64 callers on each processor.
func BenchmarkReplicas(b *testing.B) {
	servers, d := newReplicated(b), yearly(b, MaxQuota)
	store := NewRedis(redis.NewClient(&redis.Options{Addr: servers.master.Addr, Protocol: 2}), RedisOptions{})
	defer store.Close()
	for _, callers := range []int{1, 64} {
		for _, replicas := range []int{0, 1} {
			b.Run(fmt.Sprintf("replicas=%d/callers=%d", replicas, callers), func(b *testing.B) {
				take := func() {
					if _, err := store.Take(context.Background(), Request{Descriptors: d, Timeout: patience, Replicas: replicas}); err != nil {
						b.Error(err)
					}
				}
				if callers == 1 {
					for b.Loop() {
						take()
					}
					return
				}
				b.SetParallelism(callers)
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						take()
					}
				})
			})
		}
	}
}
