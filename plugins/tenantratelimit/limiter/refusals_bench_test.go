package limiter

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkRefusals measures what each request pays: one of three descriptors, the last, is
// known to be out of budget, or none is, or the table is empty.
func BenchmarkRefusals(b *testing.B) {
	now := time.Unix(1_800_000_000, 0)
	limit := mustCompile(b, Spec{Name: "l", Algorithm: FixedWindow, Quota: 1, Window: time.Minute})
	descriptors := func(of string) (all []Descriptor) {
		for i := range 3 {
			all = append(all, Descriptor{Limit: limit, Key: fmt.Sprintf("rl:{%s}:descriptor%d", of, i), Cost: 1})
		}
		return all
	}
	out := Result{Reset: time.Minute, Retry: time.Minute}
	filled := NewRefusals(100_000)
	for i := range 10_000 {
		filled.Remember(descriptors(fmt.Sprint(i))[2:], Verdict{Results: []Result{out}}, now)
	}
	for _, bm := range []struct {
		name string
		r    *Refusals
		of   string
	}{{"empty", NewRefusals(10), "7"}, {"hit", filled, "7"}, {"miss", filled, "nobody"}} {
		req := descriptors(bm.of)
		b.Run(bm.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bm.r.Find(req, now)
				}
			})
		})
		if _, _, found := bm.r.Find(req, now); found != (bm.name == "hit") {
			b.Errorf("%s: found = %v", bm.name, found)
		}
	}
	full := NewRefusals(10_000)
	asks := make([][]Descriptor, 1<<14)
	for i := range asks {
		asks[i] = descriptors(fmt.Sprint(i))[2:]
	}
	b.Run("remember", func(b *testing.B) {
		b.ReportAllocs()
		at := now
		for i := 0; b.Loop(); i++ {
			if i%len(asks) == 0 {
				at = at.Add(time.Second)
			}
			full.Remember(asks[i%len(asks)], Verdict{Results: []Result{out}}, at)
		}
	})
}
