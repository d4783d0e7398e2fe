package limiter

import (
	"context"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// go-redis closes its client of a server that leaves the Cluster for a minute, and has
// another when the server is back: that one is used then.
func TestServerThatWasAwayIsUsedAgain(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	client := clusterOf(t, servers)
	g := newGateway(t, client, false, 1)
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 24 * time.Hour})
	d := tenantOn(t, client, l, 0, 8000, "t")
	if _, err := g.take(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	closed := redistest.Client(t, "redis://"+servers[0].Addr)
	_ = closed.Close()
	g.store.masters.mu.Lock()
	g.store.masters.byAddr[servers[0].Addr].client = closed
	g.store.masters.mu.Unlock()
	for range 3 {
		if _, err := g.take(t.Context(), d); err != nil {
			t.Fatalf("the server is back, and a request fails: %v", err)
		}
	}
	if n := g.heard("gone", servers[0].Addr); n != 1 {
		t.Errorf("it was said %d times that the server is gone, want once", n)
	}
}

// A request has limits on two servers, and one of them is dead.
func TestDeadServerIsOneOfTwo(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 2)
	client := clusterOf(t, servers)
	const quota, used, plenty = 50, 45, 1000
	tight := mustCompile(t, Spec{Name: "tight", Algorithm: FixedWindow, Quota: quota, Window: 24 * time.Hour})
	wide := mustCompile(t, Spec{Name: "wide", Algorithm: FixedWindow, Quota: plenty, Window: 24 * time.Hour})
	dead := func(name string) Descriptor { return tenantOn(t, client, tight, 9000, 16000, name) }
	well := func(name string) Descriptor { return tenantOn(t, client, wide, 0, 8000, name) }
	local, strict := newGateway(t, opened(t, clusterURL(servers)), true, 1), newGateway(t, opened(t, clusterURL(servers)), false, 1)
	global, tenant, full := dead("global"), well("tenant"), tenantOn(t, client, tight, 0, 8000, "full")
	other, stays, passes := dead("other"), well("stays"), well("passes")
	for range used {
		if _, err := local.take(t.Context(), global); err != nil {
			t.Fatal(err)
		}
	}
	full.Cost = quota
	for _, d := range []Descriptor{full, other} {
		if allowed, err := local.take(t.Context(), d); err != nil || !allowed {
			t.Fatalf("allowed %v, error %v", allowed, err)
		}
	}
	servers[1].Kill()

	began, reads := time.Now(), slotsRead(t, servers[0])
	admitted := 0
	for range 4 * quota {
		allowed, err := local.take(t.Context(), tenant, global)
		if err != nil {
			t.Fatalf("a limit whose server is well is not asked: %v", err)
		}
		if allowed {
			admitted++
		}
		if allowed, _ = local.take(t.Context(), full, other); allowed {
			t.Fatal("a limit that is used up admits")
		}
	}
	if admitted != quota-used {
		t.Errorf("%d admitted by the node alone, want %d: what was left", admitted, quota-used)
	}
	if left := remaining(t, local, tenant); left != plenty-int64(admitted)-1 {
		t.Errorf("the limit whose server is well has %d left, want %d", left, plenty-admitted-1)
	}

	for range 20 {
		if _, err := strict.take(t.Context(), stays, global); err == nil {
			t.Fatal("a request is decided without one of its limits")
		}
		if allowed, err := strict.take(t.Context(), stays); err != nil || !allowed {
			t.Fatalf("a request of which all servers are well: allowed %v, error %v", allowed, err)
		}
	}
	if left := remaining(t, strict, stays); left != plenty-20-1 {
		t.Errorf("%d left, want %d: what was charged for requests that failed is given back", left, plenty-20-1)
	}

	v, err := strict.store.Take(t.Context(), Request{Descriptors: []Descriptor{passes, global}, Timeout: time.Second, Passes: true})
	if err != nil || !v.Allowed || !v.Partly || !v.Results[1].Unasked || v.Results[0].Remaining != plenty-1 {
		t.Errorf("verdict %+v, error %v; want that one limit is asked", v, err)
	}

	time.Sleep(time.Second)
	read, most := slotsRead(t, servers[0])-reads, 2*(2+int(time.Since(began)/rereadEvery))
	if read < 2 || read > most {
		t.Errorf("the slots were read %d times in %v, want up to %d", read, time.Since(began), most)
	}
}

// slotsRead is how often a server was asked for the Cluster's slots.
func slotsRead(t *testing.T, s *redistest.Server) int {
	t.Helper()
	info := s.Client().Info(context.Background(), "commandstats").Val()
	found := regexp.MustCompile(`cmdstat_cluster\|slots:calls=(\d+)`).FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1])
	return n
}
