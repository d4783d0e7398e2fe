package limiter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// admission is one request that was let through.
type admission struct{ at, units int64 }

// TestLeasesKeepTheirBound: in any span, what nodes with leases let through is no
// more than what the limit allows in it, and a lease for each node.
func TestLeasesKeepTheirBound(t *testing.T) {
	t.Parallel()
	const nodes, lease = 4, 7
	tests := []struct {
		name string
		spec Spec
		// most is what the limit allows from the admission first to that of at.
		most func(first, at int64) int64
		over int64
	}{
		{"bucket", Spec{Algorithm: TokenBucket, Quota: 20, Window: 2 * time.Second, Burst: 12},
			func(first, at int64) int64 { return 12 + (at-first)*20/2e6 }, nodes * lease},
		{"sliding", Spec{Algorithm: SlidingWindow, Quota: 30, Window: 2 * time.Second},
			func(first, at int64) int64 { return 30 * (1 + (at-first)/2e6) }, nodes * lease},
		{"fixed", Spec{Algorithm: FixedWindow, Quota: 30, Window: 2 * time.Second},
			func(first, at int64) int64 { return 30 * (1 + at/2e6 - first/2e6) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Lease = lease
			limit := mustCompile(t, tt.spec)
			local := 0
			for seed := range uint64(40) {
				admitted, kept := leasedTraffic(limit, nodes, seed)
				local += kept
				holdBound(t, admitted, tt.most, tt.over)
			}
			if local < 100 {
				t.Errorf("only %d requests were given from a block", local)
			}
		})
	}
}

// leasedTraffic sends random requests to nodes that share a store. local is how
// many of them the store was not asked for.
func leasedTraffic(limit *Limit, nodes int, seed uint64) (admitted []admission, local int) {
	r := rand.New(rand.NewPCG(seed, 8))
	now := time.UnixMicro(start)
	clock := func() time.Time { return now }
	store := &countingStore{Store: NewLocal(10, clock)}
	leased := make([]*Leased, nodes)
	for i := range leased {
		leased[i] = NewLeased(store, 10, clock, func(*Limit, int64) {})
	}
	asked := 0
	for range 600 {
		now = now.Add(time.Duration(r.IntN(60_000)) * time.Microsecond)
		cost := 1 + r.Int64N(2)
		v, _ := leased[r.IntN(nodes)].Take(context.Background(), Request{Descriptors: []Descriptor{{Limit: limit, Key: "k", Cost: cost}}})
		if asked++; v.Allowed {
			admitted = append(admitted, admission{now.UnixMicro(), cost})
		}
	}
	return admitted, asked - store.asked
}

type countingStore struct {
	Store
	asked int
}

func (c *countingStore) Take(ctx context.Context, req Request) (Verdict, error) {
	c.asked++
	return c.Store.Take(ctx, req)
}

func holdBound(t *testing.T, admitted []admission, most func(first, at int64) int64, over int64) {
	t.Helper()
	for i, first := range admitted {
		sum := int64(0)
		for _, a := range admitted[i:] {
			if sum += a.units; sum > most(first.at, a.at)+over {
				t.Fatalf("%d units within %dµs, want at most %d and %d", sum, a.at-first.at, most(first.at, a.at), over)
			}
		}
	}
}

// On a real Redis, no unit is given that was not charged, and of a budget that
// is used up no more is left over than what lies in blocks.
func TestLeasesOnRedis(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	const nodes, goroutines, takes, budget, lease = 4, 200, 6, 777, 20
	leased := mustCompile(t, Spec{Name: "leased", Algorithm: TokenBucket, Quota: budget, Window: 24 * time.Hour, Lease: lease})
	exact := mustCompile(t, Spec{Name: "exact", Algorithm: FixedWindow, Quota: budget - 50, Window: 24 * time.Hour})
	for name, tt := range map[string]struct {
		descriptors []Descriptor
		least       int64
		most        int64
	}{
		"alone":         {[]Descriptor{{Limit: leased, Key: "a", Cost: 1}}, budget - nodes*lease, budget},
		"with an exact": {[]Descriptor{{Limit: leased, Key: "b", Cost: 1}, {Limit: exact, Key: "c", Cost: 1}}, budget - 50, budget - 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stores [nodes]*Leased
			for i := range stores {
				stores[i] = NewLeased(NewRedis(redistest.Client(t, url), RedisOptions{}), 100, time.Now, func(*Limit, int64) {})
			}
			var admitted atomic.Int64
			var group sync.WaitGroup
			for g := range goroutines {
				group.Go(func() {
					for range takes {
						v, err := stores[g%nodes].Take(context.Background(), Request{Descriptors: tt.descriptors})
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
			if n := admitted.Load(); n < tt.least || n > tt.most {
				t.Errorf("%d of %d admitted, want %d to %d", n, goroutines*takes, tt.least, tt.most)
			}
		})
	}
}

func TestLeased(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	clock := func() time.Time { return now }
	store := &countingStore{Store: NewLocal(10, clock)}
	wasted := map[string]int64{}
	s := NewLeased(store, 2, clock, func(l *Limit, n int64) { wasted[l.Name] += n })
	leased := mustCompile(t, Spec{Name: "leased", Algorithm: TokenBucket, Quota: 100, Window: time.Hour, Lease: 10})
	tight := mustCompile(t, Spec{Name: "tight", Algorithm: FixedWindow, Quota: 2, Window: time.Hour})
	one := Request{Descriptors: []Descriptor{{Limit: leased, Key: "k", Cost: 1}}}
	both := Request{Descriptors: append(one.Descriptors, Descriptor{Limit: tight, Key: "t", Cost: 1})}
	steps := []struct {
		name      string
		req       Request
		later     time.Duration
		allowed   bool
		remaining int64
		asked     int
		wasted    int64
	}{
		{name: "brings a block", req: one, allowed: true, remaining: 99, asked: 1},
		{name: "from the block", req: one, allowed: true, remaining: 98, asked: 1},
		{name: "another descriptor is asked for", req: both, allowed: true, remaining: 97, asked: 2},
		{name: "and again", req: both, allowed: true, remaining: 96, asked: 3},
		{name: "a denial puts back", req: both, remaining: 96, asked: 4},
		{name: "so that there is as much", req: one, allowed: true, remaining: 95, asked: 4},
		{name: "a block ends after a second, and the rest is waste", later: time.Second, req: one, allowed: true, remaining: 89, asked: 5, wasted: 5},
		{name: "a second later still", later: time.Second, req: one, allowed: true, remaining: 79, asked: 6, wasted: 14},
	}
	for _, step := range steps {
		now = now.Add(step.later)
		v, err := s.Take(t.Context(), step.req)
		if err != nil || v.Allowed != step.allowed || store.asked != step.asked || wasted["leased"] != step.wasted {
			t.Fatalf("%s: verdict %+v, error %v, asked %d times, wasted %v", step.name, v, err, store.asked, wasted)
		}
		if got := v.Results[0]; got.Remaining != step.remaining || !got.Fits {
			t.Errorf("%s: %+v, want %d left", step.name, got, step.remaining)
		}
	}
}

// failing is a store that fails, or says that the overrides changed.
type failing struct {
	err     error
	changed *string
}

func (f failing) Take(context.Context, Request) (Verdict, error) {
	return Verdict{Changed: f.changed}, f.err
}

func TestLeasedPassesOnWhatItCannotDecide(t *testing.T) {
	t.Parallel()
	changed := "changed"
	leased := mustCompile(t, Spec{Name: "l", Algorithm: TokenBucket, Quota: 100, Window: time.Hour, Lease: 10})
	for _, f := range []failing{{err: errDown}, {changed: &changed}} {
		s := NewLeased(f, 10, time.Now, func(*Limit, int64) {})
		for range 2 { // the second time, no block is on its way any more
			v, err := s.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: leased, Key: "k", Cost: 1}}})
			if !errors.Is(err, f.err) || v.Changed != f.changed || len(s.asking) != 0 {
				t.Errorf("verdict %+v, error %v, asking %v", v, err, s.asking)
			}
		}
	}
}

func TestLeasedIsBounded(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	clock := func() time.Time { return now }
	waste := int64(0)
	s := NewLeased(NewLocal(1000, clock), 10, clock, func(_ *Limit, n int64) { waste += n })
	leased := mustCompile(t, Spec{Name: "l", Algorithm: TokenBucket, Quota: 100, Window: time.Hour, Lease: 10})
	take := func(i int) {
		if v, _ := s.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: leased, Key: fmt.Sprint(i), Cost: 1}}}); !v.Allowed {
			t.Errorf("request %d is denied", i)
		}
	}
	for i := range 50 {
		take(i)
	}
	if len(s.blocks) != 10 {
		t.Errorf("%d blocks kept, want 10", len(s.blocks))
	}
	now = now.Add(2 * time.Second)
	for i := range 10 {
		take(i)
	}
	if diff := cmp.Diff(int64(90), waste); diff != "" {
		t.Errorf("units wasted:\n%s", diff)
	}
}
