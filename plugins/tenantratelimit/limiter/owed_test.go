package limiter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a counter is after Redis told of it is what it was there, in all that it
// says at that time, and later gives back no sooner.
func TestHeardIsWhatWasSaid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		now := start
		for _, l := range randomLimits(t, r) {
			var s state
			for range 30 {
				now += r.Int64N(2_000_000)
				s = l.meter.advance(s, now)
				if cost := 1 + r.Int64N(2); l.meter.wait(s, now, cost) == 0 || r.IntN(5) == 0 { // an unconditional charge
					s = l.meter.charge(s, cost)
				}
				remaining, reset, _ := l.meter.left(s, now)
				told := l.meter.heard(now, remaining, reset)
				if got, _, _ := l.meter.left(told, now); got != remaining {
					t.Fatalf("seed %d, %s: %d left as told, %d in truth", seed, l.Name, got, remaining)
				}
				for _, later := range []int64{1, 100_000, 900_000, 5_000_000, 100_000_000} {
					got, _, _ := l.meter.left(l.meter.advance(told, now+later), now+later)
					want, _, _ := l.meter.left(l.meter.advance(s, now+later), now+later)
					if over := remaining == 0 && l.Algorithm != TokenBucket; got > want && !over {
						t.Fatalf("seed %d, %s, %dµs later: %d left as told, %d in truth", seed, l.Name, later, got, want)
					}
				}
			}
		}
	}
}

// book is a Local beside a Redis that the test plays: the same limits, in memory.
type book struct {
	*Local
	now   time.Time
	redis *Local
}

func newBook(capacity int) *book {
	b := &book{now: time.UnixMicro(start)}
	clock := func() time.Time { return b.now }
	b.Local, b.redis = NewLocal(capacity, clock), NewLocal(1000, clock)
	return b
}

// ask is a request that Redis answers.
func (b *book) ask(descriptors ...Descriptor) Verdict {
	b.charge(descriptors...)
	v, _ := b.redis.Take(context.Background(), Request{Descriptors: descriptors})
	b.hear(descriptors, v, b.now.UnixMicro())
	return v
}

// charge is what goes before it.
func (b *book) charge(descriptors ...Descriptor) {
	if due := b.takeOwed(descriptors); len(due) > 0 {
		v, _ := b.redis.Take(context.Background(), Request{Descriptors: due})
		b.hear(due, v, b.now.UnixMicro())
		b.endSettlement(due, true)
	}
}

// offline is how many of some requests this node admits without Redis.
func (b *book) offline(nodes int64, requests int, descriptors ...Descriptor) (admitted int64) {
	for range requests {
		if v, _ := b.Take(context.Background(), Request{Descriptors: descriptors, Offline: true, Nodes: nodes}); v.Allowed {
			admitted++
		}
	}
	return admitted
}

// used is what Redis has charged.
func (b *book) used(l Descriptor) int64 {
	l.Cost, l.More = 0, unconditional
	v, _ := b.redis.Take(context.Background(), Request{Descriptors: []Descriptor{l}})
	return l.Limit.Capacity() - v.Results[0].Remaining
}

func TestAlone(t *testing.T) {
	t.Parallel()
	fixed := Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: 24 * time.Hour}
	bucket := Spec{Name: "l", Algorithm: TokenBucket, Quota: 60, Window: time.Minute, Burst: 120}
	sliding := Spec{Name: "l", Algorithm: SlidingWindow, Quota: 100, Window: time.Minute}
	month := Spec{Name: "l", Algorithm: Calendar, Quota: 100, Period: Month}
	for _, tt := range []struct {
		name  string
		spec  Spec
		nodes int64
		cost  int64
		// spent is what this node was admitted by Redis, before it was alone, for
		// long where after is.
		spent int
		after time.Duration
		want  int64 // requests admitted
	}{
		{"never heard of", fixed, 3, 1, 0, 0, 33},
		{"never heard of, more nodes than room", fixed, 300, 1, 0, 0, 1},
		{"never heard of, larger than a part", fixed, 3, 40, 0, 0, 1},
		{"the only node", fixed, 1, 1, 30, 0, 70},
		{"the only node, a cost", fixed, 1, 7, 30, 0, 10},
		{"a pause", fixed, 3, 1, 30, 0, 3},
		{"a pause, a cost", fixed, 3, 2, 30, 0, 1},
		{"a pause, too large a cost", fixed, 3, 4, 30, 0, 0},
		{"a pause, used up", fixed, 3, 1, 100, 0, 0},
		{"a pause, next to nothing left", fixed, 3, 1, 98, 0, 0},
		{"an outage: a third of what is left", fixed, 3, 1, 31, graceTime, 23},
		{"an outage, one left for three", fixed, 3, 1, 99, graceTime, 0},
		{"an outage, another window", fixed, 3, 1, 100, 24 * time.Hour, 33},
		{"a bucket in a pause", bucket, 3, 1, 60, 0, 4},
		{"a bucket in a pause, with what comes back meanwhile", bucket, 3, 1, 60, 6 * time.Second, 6},
		{"a bucket, used up, with what comes back", bucket, 3, 1, 120, 6 * time.Second, 2},
		{"a bucket in an outage", bucket, 3, 1, 60, 30 * time.Second, 30},
		{"the only node's bucket", bucket, 1, 1, 120, 6 * time.Second, 6},
		{"sliding in a pause", sliding, 3, 1, 30, 0, 3},
		{"sliding in an outage", sliding, 3, 1, 40, graceTime, 20},
		{"sliding, a window later", sliding, 3, 1, 100, 67 * time.Second, 33},
		{"calendar in a pause", month, 3, 1, 30, 0, 3},
		{"calendar, another month", month, 3, 1, 100, 31 * 24 * time.Hour, 33},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(100)
			descriptor := Descriptor{Limit: mustCompile(t, tt.spec), Key: "k", Cost: 1}
			for range tt.spent {
				if !b.ask(descriptor).Allowed {
					t.Fatal("not admitted")
				}
			}
			descriptor.Cost = tt.cost
			if tt.after > 0 { // the pause begins with a request that is too large
				b.offline(tt.nodes, 1, Descriptor{Limit: descriptor.Limit, Key: "k", Cost: 1000})
				b.now = b.now.Add(tt.after)
			}
			if got := b.offline(tt.nodes, 200, descriptor); got != tt.want {
				t.Errorf("%d requests admitted, want %d", got, tt.want)
			}
		})
	}
}

// However often nodes are alone for a while, all that they admit is charged, and
// that is no more than a tenth above the limit.
func TestPausesOfManyNodes(t *testing.T) {
	t.Parallel()
	const nodes, quota = 3, 100
	for _, algorithm := range []Algorithm{FixedWindow, SlidingWindow, TokenBucket} {
		limit := mustCompile(t, Spec{Name: "l", Algorithm: algorithm, Quota: quota, Window: 365 * 24 * time.Hour})
		descriptor := Descriptor{Limit: limit, Key: "k", Cost: 1}
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 10))
			redis := NewLocal(10, func() time.Time { return time.UnixMicro(start) })
			books := make([]*book, nodes)
			admitted := int64(0)
			for i := range books {
				books[i] = newBook(100)
				books[i].redis = redis
				books[i].ask(descriptor)
				admitted++
			}
			for range 600 {
				b := books[min(r.IntN(nodes), r.IntN(nodes))] // some more than others
				if r.IntN(3) == 0 {
					admitted += b.offline(nodes, 1, descriptor)
				} else if b.ask(descriptor).Allowed {
					admitted++
				}
			}
			for _, b := range books {
				b.charge(descriptor)
			}
			if admitted > quota*11/10 || admitted < quota {
				t.Errorf("%s, seed %d: %d admitted", algorithm, seed, admitted)
			}
		}
	}
}

func TestOwedIsChargedOnce(t *testing.T) {
	t.Parallel()
	l := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}), Key: "k", Cost: 1}
	other := l
	other.Key = "other"
	charged := Verdict{Allowed: true, Results: []Result{{Fits: true}}}
	for _, tt := range []struct {
		name string
		do   func(b *book)
		want int64 // owed
	}{
		{"nothing", func(*book) {}, 5},
		{"another counter's request", func(b *book) { b.charge(other) }, 5},
		{"its request", func(b *book) { b.charge(l) }, 0},
		{"a charge on its way", func(b *book) { b.takeOwed([]Descriptor{l}) }, 0},
		{"a charge that failed", func(b *book) { b.endSettlement(b.takeOwed([]Descriptor{l}), false) }, 5},
		{"a charge that arrived", func(b *book) { b.endSettlement(b.takeOwed([]Descriptor{l}), true) }, 0},
		{"a late answer", func(b *book) { b.chargedLate([]Descriptor{l}, charged, 1) }, 4},
		{"a late refusal", func(b *book) { b.chargedLate([]Descriptor{l}, Verdict{Results: []Result{{}}}, 1) }, 5},
		{"a late answer after the charge", func(b *book) { b.charge(l); b.chargedLate([]Descriptor{l}, charged, 1) }, -1},
		{"a window that is over", func(b *book) { b.now = b.now.Add(time.Hour); b.charge(l) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(100)
			b.ask(l)
			b.offline(1, 5, l)
			tt.do(b)
			if got := b.counters["k"].Owed; got != tt.want {
				t.Errorf("%d owed, want %d", got, tt.want)
			}
		})
	}
}

// What was admitted in a window that is over is not charged to the next, and what
// has drained meanwhile not at all.
func TestOwedFades(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		spec  Spec
		later time.Duration
		want  int64 // used in Redis after 30 requests alone, and that time
	}{
		{Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}, time.Minute, 30},
		{Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}, time.Hour, 0},
		{Spec{Name: "l", Algorithm: SlidingWindow, Quota: 100, Window: time.Hour}, 30 * time.Minute, 30},
		{Spec{Name: "l", Algorithm: SlidingWindow, Quota: 100, Window: time.Hour}, 70 * time.Minute, 0},
		{Spec{Name: "l", Algorithm: TokenBucket, Quota: 60, Window: time.Minute}, 10 * time.Second, 20},
		{Spec{Name: "l", Algorithm: TokenBucket, Quota: 60, Window: time.Minute}, time.Hour, 0},
	} {
		t.Run(fmt.Sprint(tt.spec.Algorithm, tt.later), func(t *testing.T) {
			t.Parallel()
			b := newBook(100)
			descriptor := Descriptor{Limit: mustCompile(t, tt.spec), Key: "k", Cost: 1}
			if n := b.offline(1, 30, descriptor); n != 30 {
				t.Fatalf("%d admitted", n)
			}
			b.now = b.now.Add(tt.later)
			b.charge(descriptor)
			if got := b.used(descriptor); got != tt.want {
				t.Errorf("Redis has %d, want %d", got, tt.want)
			}
		})
	}
}

// A limit that is another one meanwhile goes on from what is used.
func TestAloneWithAnotherLimit(t *testing.T) {
	t.Parallel()
	for _, a := range []Algorithm{FixedWindow, SlidingWindow, TokenBucket} {
		b := newBook(100)
		descriptor := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: a, Quota: 10, Window: 24 * time.Hour}), Key: "k", Cost: 1}
		for range 8 {
			b.ask(descriptor)
		}
		descriptor.Limit = mustCompile(t, Spec{Name: "l", Algorithm: a, Quota: 15, Window: 24 * time.Hour})
		if n := b.offline(1, 20, descriptor); n != 7 {
			t.Errorf("%s: %d admitted after 8 of a limit that is 15 now, want 7", a, n)
		}
		b.charge(descriptor)
		if used := b.used(descriptor); used != 15 {
			t.Errorf("%s: Redis has %d, want 15", a, used)
		}
	}
}

// A shadow denies nobody, and is charged what fits.
func TestShadowAlone(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	shadow := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour, Shadow: true}), Key: "s", Cost: 1}
	if n := b.offline(1, 8, shadow); n != 8 {
		t.Errorf("%d admitted, want all", n)
	}
	b.charge(shadow)
	if used := b.used(shadow); used != 5 {
		t.Errorf("Redis has %d, want 5", used)
	}
}

// An unsure node takes itself for one of several.
func TestUnsure(t *testing.T) {
	t.Parallel()
	descriptor := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour}), Key: "k", Cost: 1}
	req := Request{Descriptors: []Descriptor{descriptor}, Offline: true, Nodes: 1, Unsure: true}
	for heard, want := range map[bool]int{false: 25, true: 2} {
		b := newBook(100)
		if heard {
			b.ask(descriptor)
		}
		admitted := 0
		for range 200 {
			if v, _ := b.Take(t.Context(), req); v.Allowed {
				admitted++
			}
		}
		if admitted != want {
			t.Errorf("heard %v: %d admitted, want %d", heard, admitted, want)
		}
	}
}

// Whom Redis would perhaps admit is told to come back soon, not at the year's end.
func TestRetryOfAPart(t *testing.T) {
	t.Parallel()
	b := newBook(100)
	descriptor := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 20, Window: MaxWindow}), Key: "k", Cost: 1}
	b.ask(descriptor)
	v, _ := b.Take(t.Context(), Request{Descriptors: []Descriptor{descriptor}, Offline: true, Nodes: 3})
	want := []Result{{Remaining: 6, Retry: pauseRetry, Reset: pauseRetry}}
	if diff := cmp.Diff(want, v.Results); diff != "" {
		t.Error(diff)
	}
}

// Counters that are owed to make room after most others, and what is forgotten is told.
func TestOwedIsBounded(t *testing.T) {
	t.Parallel()
	b := newBook(50)
	forgotten := int64(0)
	b.attach(func() {}, nil, func(n int64) { forgotten += n })
	limit := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 100, Window: time.Hour})
	descriptor := func(i int) Descriptor { return Descriptor{Limit: limit, Key: fmt.Sprint(i), Cost: 1} }
	for i := range 40 {
		b.offline(1, 1, descriptor(i))
	}
	for i := range 500 {
		b.ask(descriptor(1000 + i))
	}
	if b.Len() != 50 || len(b.open) < 20 || int64(len(b.open))+forgotten != 40 {
		t.Errorf("%d counters, %d of them owed to, %d units forgotten", b.Len(), len(b.open), forgotten)
	}
	for i := range 100 {
		b.offline(1, 1, descriptor(i))
	}
	owed := int64(0)
	for _, c := range b.open {
		owed += c.Owed
	}
	if b.Len() != 50 || owed+forgotten != 140 {
		t.Errorf("%d counters, %d units owed and %d forgotten, of 140", b.Len(), owed, forgotten)
	}
}

// An answer that was overtaken by another says nothing new.
func TestOvertakenAnswer(t *testing.T) {
	t.Parallel()
	b := newBook(10)
	descriptor := Descriptor{Limit: mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 10, Window: 24 * time.Hour}), Key: "k", Cost: 1}
	say := func(remaining, at int64) {
		b.hear([]Descriptor{descriptor}, Verdict{Allowed: true, Results: []Result{{Fits: true, Remaining: remaining, Reset: time.Hour}}}, at)
	}
	say(1, start)
	say(5, start-1000)
	if n := b.offline(1, 10, descriptor); n != 1 {
		t.Errorf("%d admitted, want 1", n)
	}
	say(5, start-2*staleAfter) // a clock that is another's
	if n := b.offline(1, 10, descriptor); n != 4 {
		t.Errorf("%d admitted, want the 5 that are left but for the one admitted before", n)
	}
}
