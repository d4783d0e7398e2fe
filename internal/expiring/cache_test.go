package expiring_test

import (
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/expiring"
)

var start = time.Unix(1_800_000_000, 0)

func want(t *testing.T, c *expiring.Cache[string, int], key string, now time.Time, value int, ok bool) {
	t.Helper()
	if got, found := c.Get(key, now); got != value || found != ok {
		t.Errorf("Get(%q) after %v = %d, %v; want %d, %v", key, now.Sub(start), got, found, value, ok)
	}
}

func TestValuesExpire(t *testing.T) {
	t.Parallel()
	c := expiring.New[string, int](2)
	want(t, c, "a", start, 0, false)
	c.Put("a", 1, start.Add(time.Second))
	want(t, c, "a", start.Add(time.Second-1), 1, true)
	want(t, c, "a", start.Add(time.Second), 0, false)
	c.Put("a", 2, start.Add(time.Minute))
	want(t, c, "a", start.Add(time.Second), 2, true)
}

func TestFirstPutGoesFirst(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"two": 2, "the least": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := expiring.New[string, int](size)
			until := start.Add(time.Second)
			c.Put("a", 1, until)
			c.Put("b", 2, until)
			want(t, c, "a", start, min(1, size), size == 2) // to be read does not keep it
			c.Put("c", 3, until)
			want(t, c, "a", start, 0, false)
			want(t, c, "b", start, size, size == 2)
			want(t, c, "c", start, 3, true)
		})
	}
}
