package limiter

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// BenchmarkScript is one decision on a real Redis, by algorithm and number of
// descriptors.
func BenchmarkScript(b *testing.B) {
	store := NewRedis(redistest.Client(b, redistest.Start(b)), RedisOptions{})
	for _, a := range []Algorithm{TokenBucket, FixedWindow, SlidingWindow, Calendar} {
		for _, n := range []int{1, 4, 8} {
			s := Spec{Name: "l", Algorithm: a, Quota: MaxQuota}
			if a == Calendar {
				s.Period = Day
			} else {
				s.Window = time.Minute
			}
			limit := mustCompile(b, s)
			var descriptors []Descriptor
			for i := range n {
				descriptors = append(descriptors, Descriptor{Limit: limit, Key: fmt.Sprintf("%s:%d", a, i), Cost: 1})
			}
			b.Run(fmt.Sprintf("%s/%d", a, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := store.Take(context.Background(), Request{Descriptors: descriptors}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
