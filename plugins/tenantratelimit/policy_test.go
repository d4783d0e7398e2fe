package tenantratelimit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// everyKind has a limit by each algorithm, costs, and a shadow.
const everyKind = `"costs":[{"methods":["POST"],"cost":3},{"methods":["HEAD"],"cost":0}],"default_user_limit":{"expected_peak":2},"limits":[
	{"name":"bucket","scope":["tenant"],"limit":9,"window_seconds":20,"burst":7},
	{"name":"sliding","scope":["user"],"limit":8,"window_seconds":10,"algorithm":"sliding_window"},
	{"name":"fixed","scope":["ip"],"limit":20,"window_seconds":15,"algorithm":"fixed_window","status":503},
	{"name":"day","scope":["tenant"],"limit":90,"algorithm":"calendar","period":"day","time_zone":"Europe/Berlin"},
	{"name":"shadow","scope":["global"],"limit":4,"window_seconds":5,"mode":"shadow"}]`

// TestLocalDecidesAsRedisDoes: of the same requests at the same times, both policies admit
// the same, deny by the same limit, and tell clients the same.
func TestLocalDecidesAsRedisDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		r, _, pass := onClock(t)
		shared := patient(t, r, `{"observe":false,`+everyKind+`}`)
		local := patient(t, r, `{"policy":"local",`+everyKind+`}`)
		random := rand.New(rand.NewPCG(seed, 21))
		denied := 0
		for step := range 120 {
			pass(time.Duration(random.Int64N(900)) * time.Millisecond)
			if random.IntN(40) == 0 {
				pass(7 * time.Hour)
			}
			req := user(fmt.Sprint("t", random.IntN(2)), fmt.Sprint("u", random.IntN(2)))
			req.Method, req.ClientIP = []string{"GET", "GET", "GET", "POST", "HEAD"}[random.IntN(5)], fmt.Sprint("192.0.2.", random.IntN(2))
			want, got := shared.Limiter().Decide(t.Context(), req), local.Limiter().Decide(t.Context(), req)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(quota.Decision{}), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Fatalf("seed %d, step %d: redis (-) and local (+) differ:\n%s", seed, step, diff)
			}
			if !want.Allowed() {
				denied++
			}
		}
		if denied == 0 {
			t.Errorf("seed %d: nothing was ever denied", seed)
		}
	}
}

// TestLocalCountsEachOnce, however many requests come at once, and asks no Redis.
func TestLocalCountsEachOnce(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	c := patient(t, r, `{"policy":"local","limits":[{"name":"t","scope":["tenant"],"limit":100,"window_seconds":3600,"algorithm":"fixed_window","lease":10}],"default_user_limit":{"expected_peak":1000}}`)
	before := server.CommandCount()
	var admitted atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				if c.Limiter().Decide(context.Background(), user("acme", fmt.Sprint(i))).Allowed() {
					admitted.Add(1)
				}
			}
		})
	}
	all.Wait()
	if admitted.Load() != 100 || server.CommandCount() != before {
		t.Errorf("%d of 400 admitted, want 100; Redis was sent %d commands", admitted.Load(), server.CommandCount()-before)
	}
}

// TestLocalIsPerNode: each node admits all of the limit, a restart in order goes on from
// where it was, and one that was killed begins anew.
func TestLocalIsPerNode(t *testing.T) {
	t.Parallel()
	const config = `{"policy":"local","limits":[{"name":"t","scope":["tenant"],"limit":4,"window_seconds":3600,"algorithm":"fixed_window"}]}`
	admitted := func(r *Runtime, of int) (n int) {
		c := mustProvision(t, r, config)
		for range of {
			if kongtest.Run(t, c.Access, alice).Exit == nil {
				n++
			}
		}
		return n
	}
	first, _ := alone(t)
	second, _ := alone(t)
	if a, b := admitted(first, 3), admitted(second, 9); a != 3 || b != 4 {
		t.Errorf("two nodes admitted %d of 3 and %d of 9, want 3 and 4", a, b)
	}
	text, err := first.HandOver()
	must(t, err)
	next, _ := alone(t)
	must(t, next.TakeOver(text))
	if n := admitted(next, 9); n != 1 {
		t.Errorf("the next process admitted %d, want the 1 of 4 that was left", n)
	}
	killed, _ := alone(t)
	if n := admitted(killed, 9); n != 4 {
		t.Errorf("a process to which nothing was left admitted %d, want 4", n)
	}
}

// TestLocalIsSaid: in the log and a metric, and what it does not read by Warnings.
func TestLocalIsSaid(t *testing.T) {
	t.Parallel()
	r, log := alone(t)
	c := mustProvision(t, r, `{"policy":"local","limits":[`+tenantLimit+`]}`)
	if a, b := testutil.ToFloat64(r.metrics.perNode), testutil.ToFloat64(r.metrics.withoutRedis); a != 1 || b != 0 {
		t.Errorf("%v configs with policy local and %v without a Redis, want 1 and 0", a, b)
	}
	if !strings.Contains(log.String(), "each node admits all of them") || len(c.Warnings()) != 0 {
		t.Errorf("log %s, warnings %v", log, c.Warnings())
	}
	must(t, c.Close())
	if n := testutil.ToFloat64(r.metrics.perNode); n != 0 {
		t.Errorf("%v configs after it was closed", n)
	}
	both := mustProvision(t, r, `{"policy":"local","nodes":3,"redis":{"url":"redis://127.0.0.1:1","wait_replicas":1},"limits":[`+tenantLimit+`]}`)
	var fields []string
	for _, w := range both.Warnings() {
		field, _, _ := strings.Cut(w.Error(), ":")
		fields = append(fields, field)
	}
	if diff := cmp.Diff([]string{"nodes", "redis.url", "redis.wait_replicas"}, fields); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
