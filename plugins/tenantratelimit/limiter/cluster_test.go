package limiter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// What is taken back leaves a counter as if the request had never come, or with
// less room than that: never with more.
func TestTakeBackGivesNoMoreThanWasTaken(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, remote clocked, now *time.Time) {
		for seed := range uint64(12) {
			*now = time.UnixMicro(start)
			r := rand.New(rand.NewPCG(seed, 6))
			limits := randomLimits(t, r)
			never := NewLocal(1000, func() time.Time { return *now }) // knows nothing of what is taken back
			var late []*call                                          // to be taken back at some time
			for step := range 80 {
				*now = now.Add(time.Duration(r.IntN(900_000)) * time.Microsecond)
				remote.set(*now)
				if len(late) > 0 && r.IntN(3) == 0 {
					giveBack(t, remote, late[0])
					late = late[1:]
				}
				l := limits[r.IntN(len(limits))]
				req := Request{Descriptors: []Descriptor{{Limit: l, Key: fmt.Sprintf("%d:%s", seed, l.Name), Cost: 1 + r.Int64N(2)}}}
				c := newCall(t.Context(), req, *now)
				if remote.one.flush([]*call{c}); c.err != nil {
					t.Fatal(c.err)
				}
				got := c.verdict.Results[0]
				if r.IntN(2) == 0 {
					late = append(late, c)
					continue
				}
				v, _ := never.Take(t.Context(), req)
				want := v.Results[0]
				if got.Fits && !want.Fits || got.Fits == want.Fits && got.Remaining > want.Remaining {
					t.Fatalf("seed %d step %d, %s: %+v, and without what was taken back %+v", seed, step, l.Name, got, want)
				}
				if got.Fits != want.Fits { // keep the two alike
					never, late = NewLocal(1000, func() time.Time { return *now }), nil
					remote.one.client.FlushDB(t.Context())
					remote.set(*now)
				}
			}
		}
	})
}

// giveBack takes back what a call was charged.
func giveBack(t *testing.T, remote clocked, c *call) {
	t.Helper()
	keys, args := takeBackArgs(&part{descriptors: c.descriptors, reply: c.reply})
	if len(keys) == 0 {
		return
	}
	if err := takeBackScript.Run(t.Context(), remote.one.client, keys, args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// Taken back at once, a charge leaves nothing.
func TestTakeBackAtOnce(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	remote := onMiniredis(t, func() time.Time { return now })
	remote.set(now)
	for _, l := range randomLimits(t, rand.New(rand.NewPCG(1, 7))) {
		take := func() *call {
			c := newCall(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: l.Name, Cost: 2, More: 1}}}, now)
			remote.one.flush([]*call{c})
			return c
		}
		first := take()
		giveBack(t, remote, first)
		if diff := cmp.Diff(first.verdict.Results[0].Remaining, take().verdict.Results[0].Remaining); diff != "" {
			t.Errorf("%s: left after the first request and after the second:\n%s", l.Name, diff)
		}
	}
}

// What was charged in a window that is over is not given back to the next.
func TestTakeBackOfAWindowThatIsOver(t *testing.T) {
	t.Parallel()
	for _, s := range []Spec{
		{Algorithm: TokenBucket, Quota: 9, Window: 10 * time.Second},
		{Algorithm: SlidingWindow, Quota: 9, Window: 10 * time.Second},
		{Algorithm: FixedWindow, Quota: 9, Window: 10 * time.Second},
		{Algorithm: Calendar, Quota: 9, Period: Day},
	} {
		t.Run(string(s.Algorithm), func(t *testing.T) {
			t.Parallel()
			l := mustCompile(t, s)
			now := time.UnixMicro(start)
			remote := onMiniredis(t, func() time.Time { return now })
			take := func() *call {
				remote.set(now)
				c := newCall(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: "k", Cost: 2}}}, now)
				remote.one.flush([]*call{c})
				return c
			}
			first := take()
			now = now.Add(24 * time.Hour)
			take()
			giveBack(t, remote, first)
			if left := take().verdict.Results[0].Remaining; left != 5 {
				t.Errorf("%d left after two requests of 2 out of 9, want 5", left)
			}
		})
	}
}

func clusterOf(t *testing.T, servers []*redistest.Server) *redis.ClusterClient {
	t.Helper()
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, s.Addr)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, Protocol: 2, ContextTimeoutEnabled: true, MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// On a real cluster, descriptors in several slots are one decision: no budget is
// overspent by however many nodes, and a denial in one slot leaves nothing
// charged in another.
func TestCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3)
	const nodes, goroutines, takes, tenants, budget = 4, 60, 10, 20, 13
	day := 24 * time.Hour
	tenant := mustCompile(t, Spec{Name: "tenant", Algorithm: FixedWindow, Quota: budget, Window: day})
	user := mustCompile(t, Spec{Name: "user", Algorithm: TokenBucket, Quota: 1000, Window: day})
	global := mustCompile(t, Spec{Name: "global", Algorithm: SlidingWindow, Quota: 10_000, Window: day})
	descriptors := func(tenantID int) []Descriptor {
		name := Part{Kind: 't', ID: fmt.Sprint("tenant", tenantID)}
		return []Descriptor{
			{Limit: global, Key: Key("p", global, []Part{{Kind: 'g'}}), Cost: 1},
			{Limit: tenant, Key: Key("p", tenant, []Part{name}), Cost: 1},
			{Limit: user, Key: Key("p", user, []Part{name, {Kind: 'u', ID: "u"}}), Cost: 1},
		}
	}
	var stores [nodes]*Redis
	for i := range stores {
		stores[i] = NewRedis(clusterOf(t, servers), RedisOptions{})
	}
	var admitted [tenants]atomic.Int64
	var total atomic.Int64
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for i := range takes {
				id := (g + i) % tenants
				v, err := stores[g%nodes].Take(context.Background(), Request{Descriptors: descriptors(id)})
				if err != nil {
					t.Error(err)
				}
				if v.Allowed {
					admitted[id].Add(1)
					total.Add(1)
				}
			}
		})
	}
	group.Wait()
	for _, s := range stores {
		s.Close()
	}
	for id := range admitted {
		if n := admitted[id].Load(); n != budget {
			t.Errorf("tenant %d: %d admitted, want %d", id, n, budget)
		}
	}
	v, err := stores[0].Take(context.Background(), Request{Descriptors: descriptors(0)[:1]})
	if left := 10_000 - total.Load() - 1; err != nil || v.Results[0].Remaining != left {
		t.Errorf("global has %d left, error %v; want %d: what was charged for %d requests", v.Results[0].Remaining, err, left, total.Load())
	}
	v, err = stores[0].Take(context.Background(), Request{Descriptors: descriptors(0)})
	if err != nil || v.Allowed || v.Results[0].Remaining != 10_000-total.Load()-1 {
		t.Errorf("a denied request is told %+v, error %v; want the global descriptor as it was", v, err)
	}
	stores[0].Close()

	t.Run("overrides that changed are so for all slots", func(t *testing.T) {
		req := Request{Descriptors: descriptors(99), OverridesKey: OverridesKey("p", Part{Kind: 't', ID: "tenant99"}), Overrides: "old"}
		v, err := stores[0].Take(context.Background(), req)
		if err != nil || v.Changed == nil || *v.Changed != "" {
			t.Fatalf("verdict %+v, error %v; want that the overrides changed", v, err)
		}
		stores[0].Close()
		req.Overrides = ""
		v, err = stores[0].Take(context.Background(), req)
		if err != nil || !v.Allowed || v.Results[0].Remaining != 10_000-total.Load()-2 || v.Results[1].Remaining != budget-1 {
			t.Errorf("verdict %+v, error %v; want nothing charged before", v, err)
		}
	})
	t.Run("a server that fails is one breaker's", func(t *testing.T) { oneServerFails(t, servers, tenant) })
}

func oneServerFails(t *testing.T, servers []*redistest.Server, l *Limit) {
	tripped := map[string]int{}
	var mu sync.Mutex
	store := NewRedis(clusterOf(t, servers), RedisOptions{Tripped: func(addr string, _ error) {
		mu.Lock()
		defer mu.Unlock()
		tripped[addr]++
	}})
	take := func(i int) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		key := Key("q", l, []Part{{Kind: 't', ID: fmt.Sprint(i)}})
		_, err := store.Take(ctx, Request{Descriptors: []Descriptor{{Limit: l, Key: key, Cost: 1}}})
		return err
	}
	for i := range 30 {
		if err := take(i); err != nil {
			t.Fatal(err)
		}
	}
	servers[2].Kill()
	failed := 0
	for i := range 60 {
		if take(i) != nil {
			failed++
		}
	}
	if failed < 5 || failed > 50 {
		t.Errorf("%d of 60 tenants failed, want about a third", failed)
	}
	if len(tripped) != 1 || tripped[servers[2].Addr] != 1 {
		t.Errorf("breakers track: %v, want that of %s once", tripped, servers[2].Addr)
	}
}

func TestFollowsMovedSlots(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	client := clusterOf(t, servers)
	store := NewRedis(client, RedisOptions{})
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: 24 * time.Hour})
	req := Request{Descriptors: []Descriptor{{Limit: l, Key: Key("p", l, []Part{{Kind: 't', ID: "acme"}}), Cost: 1}}}
	if _, err := store.Take(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	slot := client.ClusterKeySlot(t.Context(), req.Descriptors[0].Key).Val()
	var ids []string
	for _, s := range servers {
		ids = append(ids, s.Client().Do(t.Context(), "CLUSTER", "MYID").Val().(string))
	}
	owner := 0
	if slot >= 8192 {
		owner = 1
	}
	// Without the keys: what is tested is where the script is sent.
	for _, s := range servers {
		c := s.Client()
		c.FlushAll(t.Context())
	}
	for _, i := range []int{1 - owner, owner} {
		if err := servers[i].Client().Do(t.Context(), "CLUSTER", "SETSLOT", slot, "NODE", ids[1-owner]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(3) {
		v, err := store.Take(t.Context(), req)
		if err != nil || v.Results[0].Remaining != 4-i {
			t.Errorf("request %d: %+v, error %v", i, v, err)
		}
	}
}
