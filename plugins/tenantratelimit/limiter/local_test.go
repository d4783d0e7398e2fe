package limiter

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestLocalIsBounded(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	l := NewLocal(100, func() time.Time { return now })
	limit := mustCompile(t, Spec{Name: "l", Algorithm: TokenBucket, Quota: 1, Window: time.Minute})
	take := func(key string) bool {
		v, _ := l.Take(context.Background(), Request{Descriptors: []Descriptor{{Limit: limit, Key: key, Cost: 1}}})
		return v.Allowed
	}
	for i := range 1000 {
		take(fmt.Sprint(i))
	}
	if l.Len() != 100 {
		t.Errorf("%d counters kept, want 100", l.Len())
	}
	if !take("last") || take("last") {
		t.Error("a full store does not count")
	}
	now = now.Add(time.Hour)
	take("an hour later")
	if l.Len() >= 100 {
		t.Errorf("%d counters kept after all went idle, want fewer", l.Len())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	enforced := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 1, Window: time.Minute})
	shadow := mustCompile(t, Spec{Name: "s", Algorithm: FixedWindow, Quota: 1, Window: time.Minute, Shadow: true})
	descriptors := []Descriptor{{Limit: shadow, Key: "s", Cost: 2}, {Limit: enforced, Key: "l", Cost: 2}}
	over := func(reset time.Duration) Verdict {
		o := Result{Reset: reset, Retry: reset}
		return Verdict{Results: []Result{o, o}}
	}
	tests := []struct {
		name  string
		reset time.Duration
		after time.Duration
		req   []Descriptor
		found bool
	}{
		{"at once", time.Minute, 0, descriptors, true},
		{"within the second", time.Minute, 999 * time.Millisecond, descriptors, true},
		{"after a second", time.Minute, time.Second, descriptors, false},
		{"before an early reset", 300 * time.Millisecond, 299 * time.Millisecond, descriptors, true},
		{"at an early reset", 300 * time.Millisecond, 300 * time.Millisecond, descriptors, false},
		{"a smaller cost may fit", time.Minute, 0, []Descriptor{{Limit: enforced, Key: "l", Cost: 1}}, false},
		{"a shadow refuses nobody", time.Minute, 0, descriptors[:1], false},
		{"somebody else", time.Minute, 0, []Descriptor{{Limit: enforced, Key: "other", Cost: 2}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := NewRefusals(10)
			r.Remember(descriptors, over(tt.reset), now)
			i, o, found := r.Find(tt.req, now.Add(tt.after))
			if found != tt.found {
				t.Fatalf("found = %v, want %v", found, tt.found)
			}
			if found && (i != 1 || o.Retry != tt.reset-tt.after) {
				t.Errorf("descriptor %d with retry in %v, want descriptor 1 in %v", i, o.Retry, tt.reset-tt.after)
			}
		})
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	limit := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 1, Window: time.Minute})
	r := NewRefusals(10)
	denied := Verdict{Results: []Result{{Reset: time.Minute, Retry: time.Minute}}}
	descriptor := func(i int) []Descriptor { return []Descriptor{{Limit: limit, Key: fmt.Sprint(i), Cost: 1}} }
	for i := range 50 {
		r.Remember(descriptor(i), denied, now)
	}
	kept := 0
	for i := range 50 {
		if _, _, found := r.Find(descriptor(i), now); found {
			kept++
		}
	}
	if kept != 10 {
		t.Errorf("%d refusals kept, want 10", kept)
	}
	later := now.Add(2 * time.Second)
	r.Remember(descriptor(99), denied, later)
	if _, _, found := r.Find(descriptor(99), later); !found {
		t.Error("after all were over, a new one is not found")
	}
}
