package limiter

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// migration takes a slot from one server to another, step by step.
type migration struct {
	t        *testing.T
	slot     int64
	from, to *redistest.Server
}

func (m migration) do(s *redistest.Server, args ...any) {
	m.t.Helper()
	if err := s.Client().Do(m.t.Context(), args...).Err(); err != nil {
		m.t.Fatalf("%v: %v", args, err)
	}
}

func (m migration) begin() {
	m.do(m.to, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.from.ID())
	m.do(m.from, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.to.ID())
}

func (m migration) move(keys ...string) {
	host, port, _ := net.SplitHostPort(m.to.Addr)
	for _, key := range keys {
		m.do(m.from, "MIGRATE", host, port, key, 0, 5000)
	}
}

func (m migration) end() {
	for {
		keys := m.from.Client().ClusterGetKeysInSlot(m.t.Context(), int(m.slot), 100).Val()
		if len(keys) == 0 {
			break
		}
		m.move(keys...)
	}
	m.do(m.to, "CLUSTER", "SETSLOT", m.slot, "NODE", m.to.ID())
	m.do(m.from, "CLUSTER", "SETSLOT", m.slot, "NODE", m.to.ID())
}

// While a slot is on its way from one server to another, with keys here, there and
// nowhere, each request is counted, and neither server is given up on.
func TestMigratingSlotCountsExactly(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	client := clusterOf(t, servers)
	const gateways, phases, each, quota = 3, 5, 25, 300
	tenant := mustCompile(t, Spec{Name: "tenant", Algorithm: FixedWindow, Quota: quota, Window: 24 * time.Hour})
	user := mustCompile(t, Spec{Name: "user", Algorithm: SlidingWindow, Quota: 1000, Window: 24 * time.Hour})
	plenty := mustCompile(t, Spec{Name: "plenty", Algorithm: FixedWindow, Quota: 100_000, Window: 24 * time.Hour})
	of := tenantOn(t, client, tenant, 0, 8000, "moves")
	stays := tenantOn(t, client, plenty, 0, 8000, "stays")
	global := tenantOn(t, client, plenty, 9000, 16000, "global")
	byUser := func(n int) Descriptor {
		return Descriptor{Limit: user, Key: Tag(of.Key) + fmt.Sprint(":user", n), Cost: 1}
	}
	var nodes []*gateway
	for i := range gateways {
		g := newGateway(t, opened(t, clusterURL(servers)), i == 0, gateways)
		g.timeout = 10 * time.Second
		nodes = append(nodes, g)
	}
	var admitted atomic.Int64
	phase := func(n int, meanwhile func()) {
		var asking sync.WaitGroup
		for i, g := range nodes {
			asking.Go(func() {
				for j := range each {
					// Of users, half came in an earlier phase too.
					allowed, err := g.take(context.Background(), of, byUser(100*n*(j%2)+j+i), global)
					_, err2 := g.take(context.Background(), stays)
					if err != nil || err2 != nil {
						t.Errorf("phase %d: errors %v, and for a tenant that stays %v", n, err, err2)
					}
					if allowed {
						admitted.Add(1)
					}
				}
			})
		}
		meanwhile()
		asking.Wait()
	}
	m := migration{t, client.ClusterKeySlot(t.Context(), of.Key).Val(), servers[0], servers[1]}
	phase(0, func() {})
	phase(1, m.begin)
	phase(2, func() { m.move(of.Key, byUser(0).Key, byUser(2).Key) })
	phase(3, func() {})
	phase(4, m.end)
	t.Logf("| a slot moves to another server | | %d | 0 | %d of %d | |", gateways*phases*each, max(0, admitted.Load()-quota), quota)
	if n := admitted.Load(); n != quota {
		t.Errorf("%d of %d requests admitted, want %d", n, gateways*phases*each, quota)
	}
	for i, g := range nodes {
		for _, s := range servers {
			if g.heard("tripped", s.Addr) > 0 {
				t.Errorf("gateway %d has given up on %s", i, s.Addr)
			}
		}
		if g.heard("TRYAGAIN", servers[0].Addr) == 0 {
			t.Errorf("gateway %d was not told that the slot is on its way", i)
		}
	}
	for _, g := range nodes {
		g.store.takeBacks.Wait()
	}
	if left := remaining(t, nodes[1], global); left != 100_000-quota-1 {
		t.Errorf("the limit in the other slot has %d left, want %d", left, 100_000-quota-1)
	}
}

// remaining asks for what a counter has left, once all is taken back that has to be.
func remaining(t *testing.T, g *gateway, d Descriptor) int64 {
	t.Helper()
	g.store.takeBacks.Wait()
	v, err := g.store.Take(t.Context(), Request{Descriptors: []Descriptor{d}})
	if err != nil {
		t.Fatal(err)
	}
	return v.Results[0].Remaining
}

// Overrides count from the next request on, wherever their key is.
func TestOverridesInAMigratingSlot(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	client := clusterOf(t, servers)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: 24 * time.Hour})
	d := tenantOn(t, client, l, 0, 8000, "t")
	store := NewRedis(client, RedisOptions{})
	t.Cleanup(store.Close)
	req := Request{Descriptors: []Descriptor{d}, OverridesKey: Tag(d.Key) + ":overrides"}
	if _, err := store.Take(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	m := migration{t, client.ClusterKeySlot(t.Context(), d.Key).Val(), servers[0], servers[1]}
	m.begin()
	if err := client.Set(t.Context(), req.OverridesKey, "new", redis.KeepTTL).Err(); err != nil {
		t.Fatal(err)
	}
	v, err := store.Take(t.Context(), req)
	if err != nil || v.Changed == nil || *v.Changed != "new" {
		t.Fatalf("verdict %+v, error %v; want that the overrides changed", v, err)
	}
	store.takeBacks.Wait()
	req.Overrides = "new"
	if v, err = store.Take(t.Context(), req); err != nil || v.Results[0].Remaining != 3 {
		t.Errorf("verdict %+v, error %v; want two charges", v, err)
	}
}
