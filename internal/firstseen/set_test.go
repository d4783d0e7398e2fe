package firstseen

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestAdd(t *testing.T) {
	t.Parallel()
	set := NewSet[string](2)
	for _, tt := range []struct {
		key  string
		want bool
	}{{"a", true}, {"a", true}, {"b", true}, {"c", false}, {"b", true}, {"c", false}, {"a", true}} {
		if got := set.Add(tt.key); got != tt.want {
			t.Errorf("add %s: %t, want %t", tt.key, got, tt.want)
		}
	}
}

// TestAddAtOnce: the bound holds for concurrent callers too.
func TestAddAtOnce(t *testing.T) {
	t.Parallel()
	set := NewSet[int](10)
	var added atomic.Int64
	var all sync.WaitGroup
	for key := range 100 {
		all.Go(func() {
			if set.Add(key) {
				added.Add(1)
			}
		})
	}
	all.Wait()
	if got := added.Load(); got != 10 {
		t.Errorf("%d of 100 keys are in a set of at most 10", got)
	}
}
