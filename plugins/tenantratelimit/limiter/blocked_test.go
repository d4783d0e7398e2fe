package limiter

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// blocking is the limit, of 0.
func blocking(t *testing.T, l *Limit) *Limit {
	t.Helper()
	s := l.Spec
	s.Quota = 0
	return mustCompile(t, s)
}

// everyAlgorithm is a limit of 5 by each.
func everyAlgorithm(t *testing.T) []*Limit {
	t.Helper()
	return []*Limit{
		mustCompile(t, Spec{Name: "l", Algorithm: TokenBucket, Quota: 5, Window: time.Hour, Burst: 5}),
		mustCompile(t, Spec{Name: "l", Algorithm: SlidingWindow, Quota: 5, Window: time.Hour}),
		mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour}),
		mustCompile(t, Spec{Name: "l", Algorithm: Calendar, Quota: 5, Period: Month, Zone: "Europe/Berlin"}),
	}
}

// TestZeroBlocks: a limit of 0 has room for nothing, in the script, in this process, and
// while Redis is away, and what was used before counts when it is raised.
func TestZeroBlocks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, remote clocked, now *time.Time) {
		*now = time.UnixMicro(start)
		remote.set(*now)
		stores := map[string]struct {
			store   Store
			offline bool
		}{
			"script":  {remote, false},
			"local":   {NewLocal(100, func() time.Time { return *now }), false},
			"offline": {NewLocal(100, func() time.Time { return *now }), true},
		}
		for name, s := range stores {
			for _, l := range everyAlgorithm(t) {
				take := func(l *Limit, cost int64) Verdict {
					t.Helper()
					v, err := s.store.Take(t.Context(), Request{
						Descriptors: []Descriptor{{Limit: l, Key: name + string(l.Algorithm), Cost: cost}}, Offline: s.offline, Nodes: 1,
					})
					if err != nil {
						t.Fatal(err)
					}
					return v
				}
				if v := take(l, 3); !v.Allowed {
					t.Fatalf("%s, %s: 3 of 5 are denied", name, l.Algorithm)
				}
				none := blocking(t, l)
				denied := Verdict{Results: []Result{{Reset: blockedWait, Retry: blockedWait}}}
				for _, cost := range []int64{1, 3, 1} {
					if diff := cmp.Diff(denied, take(none, cost)); diff != "" {
						t.Errorf("%s, %s: a limit of 0 says (-want +got):\n%s", name, l.Algorithm, diff)
					}
				}
				if v := take(l, 2); !v.Allowed || v.Results[0].Remaining != 0 {
					t.Errorf("%s, %s: raised to 5, of which 3 were used, and 2 are asked for: %+v", name, l.Algorithm, v)
				}
			}
		}
	})
}

// TestZeroChargesNobodyElse: what else applies to a blocked request is not charged, and a
// shadow of 0 denies nobody.
func TestZeroChargesNobodyElse(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, remote clocked, now *time.Time) {
		*now = time.UnixMicro(start)
		remote.set(*now)
		for name, store := range map[string]Store{"script": remote, "local": NewLocal(100, func() time.Time { return *now })} {
			for _, l := range everyAlgorithm(t) {
				key := name + string(l.Algorithm)
				none := blocking(t, l)
				shadow := none.Spec
				shadow.Shadow = true
				for want, zero := range map[bool]*Limit{false: none, true: mustCompile(t, shadow)} {
					v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: key, Cost: 1}, {Limit: zero, Key: key + "zero", Cost: 1}}})
					if err != nil || v.Allowed != want || v.Results[1].Fits {
						t.Errorf("%s, shadow %t: %+v, %v", key, want, v, err)
					}
				}
				v, err := store.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: key, Cost: 1}}})
				if err != nil || v.Results[0].Remaining != 3 {
					t.Errorf("%s: %+v, %v; want 3 of 5 left after 2 that were admitted", key, v, err)
				}
			}
		}
	})
}

// TestBlockedNodeOwesItsDebt: what a node admitted before its limit became 0 is charged in
// Redis all the same, by the limit that it was admitted by.
func TestBlockedNodeOwesItsDebt(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	for _, l := range everyAlgorithm(t) {
		local := NewLocal(100, func() time.Time { return now })
		offline := func(l *Limit) bool {
			v, _ := local.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: l, Key: "k", Cost: 2}}, Offline: true, Nodes: 1})
			return v.Allowed
		}
		none := blocking(t, l)
		if !offline(l) || offline(none) {
			t.Fatalf("%s: 2 of 5 are denied, or 2 of 0 admitted", l.Algorithm)
		}
		blockedRequest := []Descriptor{{Limit: none, Key: "k", Cost: 1}}
		if charges := local.takeOwed(blockedRequest); charges != nil {
			t.Errorf("%s: a request under a limit of 0 takes the debt along: %+v", l.Algorithm, charges)
		}
		local.hear(blockedRequest, Verdict{Results: []Result{{Reset: blockedWait, Retry: blockedWait}}}, now.UnixMicro())
		local.settleAtOnce()
		charges, _ := local.unsettled(10)
		want := []Descriptor{{Limit: l, Key: "k", Cost: 2, More: unconditional}}
		if diff := cmp.Diff(want, charges, cmp.Comparer(func(a, b *Limit) bool { return a == b })); diff != "" {
			t.Errorf("%s: owed (-want +got):\n%s", l.Algorithm, diff)
		}
	}
}

// TestBlockedLeaseGivesNothing: a node gives nothing from a block that it took before the
// limit became 0.
func TestBlockedLeaseGivesNothing(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	clock := func() time.Time { return now }
	l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour, Lease: 10})
	leased := NewLeased(NewLocal(100, clock), 10, clock, func(*Limit, int64) {})
	for _, limit := range []*Limit{l, blocking(t, l)} {
		v, err := leased.Take(t.Context(), Request{Descriptors: []Descriptor{{Limit: limit, Key: "k", Cost: 1}}})
		if err != nil || v.Allowed == limit.Blocks() {
			t.Errorf("a limit of %d: %+v, %v", limit.Quota, v, err)
		}
	}
}
