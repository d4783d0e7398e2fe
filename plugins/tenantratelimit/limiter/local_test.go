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
		v, _ := l.Take(context.Background(), Ask{Levels: []Level{{Limit: limit, Key: key, Cost: 1}}})
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
	levels := []Level{{Limit: shadow, Key: "s", Cost: 2}, {Limit: enforced, Key: "l", Cost: 2}}
	over := func(reset time.Duration) Verdict {
		o := Outcome{Reset: reset, Retry: reset}
		return Verdict{Outcomes: []Outcome{o, o}}
	}
	tests := []struct {
		name  string
		reset time.Duration
		after time.Duration
		ask   []Level
		found bool
	}{
		{"at once", time.Minute, 0, levels, true},
		{"within the second", time.Minute, 999 * time.Millisecond, levels, true},
		{"after a second", time.Minute, time.Second, levels, false},
		{"before an early reset", 300 * time.Millisecond, 299 * time.Millisecond, levels, true},
		{"at an early reset", 300 * time.Millisecond, 300 * time.Millisecond, levels, false},
		{"a smaller cost may fit", time.Minute, 0, []Level{{Limit: enforced, Key: "l", Cost: 1}}, false},
		{"a shadow refuses nobody", time.Minute, 0, levels[:1], false},
		{"somebody else", time.Minute, 0, []Level{{Limit: enforced, Key: "other", Cost: 2}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := NewRefusals(10)
			r.Remember(levels, over(tt.reset), now)
			i, o, found := r.Find(tt.ask, now.Add(tt.after))
			if found != tt.found {
				t.Fatalf("found = %v, want %v", found, tt.found)
			}
			if found && (i != 1 || o.Retry != tt.reset-tt.after) {
				t.Errorf("level %d with retry in %v, want level 1 in %v", i, o.Retry, tt.reset-tt.after)
			}
		})
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(start)
	limit := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 1, Window: time.Minute})
	r := NewRefusals(10)
	denied := Verdict{Outcomes: []Outcome{{Reset: time.Minute, Retry: time.Minute}}}
	level := func(i int) []Level { return []Level{{Limit: limit, Key: fmt.Sprint(i), Cost: 1}} }
	for i := range 50 {
		r.Remember(level(i), denied, now)
	}
	kept := 0
	for i := range 50 {
		if _, _, found := r.Find(level(i), now); found {
			kept++
		}
	}
	if kept != 10 {
		t.Errorf("%d refusals kept, want 10", kept)
	}
	later := now.Add(2 * time.Second)
	r.Remember(level(99), denied, later)
	if _, _, found := r.Find(level(99), later); !found {
		t.Error("after all were over, a new one is not found")
	}
}
