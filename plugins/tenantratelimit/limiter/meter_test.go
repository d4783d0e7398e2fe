package limiter

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// start is a moment that is no boundary of anything.
var start = time.Date(2026, 3, 14, 15, 9, 26, 535_897_000, time.UTC).UnixMicro()

// model is an algorithm said in the simplest way that is right.
type model interface {
	fits(now, cost int64) bool
	charge(now, cost int64)
}

// rationalBucket is a token bucket in exact fractions.
type rationalBucket struct {
	quota, window, burst int64
	fill                 *big.Rat
	last                 int64
}

func (b *rationalBucket) at(now int64) *big.Rat {
	drained := new(big.Rat).SetFrac(
		new(big.Int).Mul(big.NewInt(now-b.last), big.NewInt(b.quota)), big.NewInt(b.window))
	fill := new(big.Rat).Sub(b.fill, drained)
	if fill.Sign() < 0 {
		return new(big.Rat)
	}
	return fill
}

func (b *rationalBucket) fits(now, cost int64) bool {
	sum := new(big.Rat).Add(b.at(now), new(big.Rat).SetInt64(cost))
	return sum.Cmp(new(big.Rat).SetInt64(b.burst)) <= 0
}

func (b *rationalBucket) charge(now, cost int64) {
	b.fill, b.last = new(big.Rat).Add(b.at(now), new(big.Rat).SetInt64(cost)), now
}

// ledger remembers every charge and counts those since a moment.
type ledger struct {
	quota  int64
	since  func(now int64) int64
	moment []int64
	amount []int64
}

func (l *ledger) sum(from int64) (sum int64) {
	for i, m := range l.moment {
		if m >= from {
			sum += l.amount[i]
		}
	}
	return sum
}

func (l *ledger) fits(now, cost int64) bool { return l.sum(l.since(now))+cost <= l.quota }

func (l *ledger) charge(now, cost int64) {
	l.moment, l.amount = append(l.moment, now), append(l.amount, cost)
}

func mustCompile(t testing.TB, s Spec) *Limit {
	t.Helper()
	l, err := Compile(s)
	if err != nil {
		t.Fatalf("compile %+v: %v", s, err)
	}
	return l
}

func TestAlgorithmsAgainstModels(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		spec  Spec
		model func() model
	}{
		{"bucket", Spec{Algorithm: TokenBucket, Quota: 10, Window: time.Second, Burst: 5},
			func() model { return &rationalBucket{10, 1e6, 5, new(big.Rat), start} }},
		{"bucket of a rate that is no whole interval", Spec{Algorithm: TokenBucket, Quota: 7, Window: 3 * time.Second, Burst: 20},
			func() model { return &rationalBucket{7, 3e6, 20, new(big.Rat), start} }},
		{"fixed", Spec{Algorithm: FixedWindow, Quota: 12, Window: 2 * time.Second},
			func() model {
				return &ledger{quota: 12, since: func(now int64) int64 { return now / 2e6 * 2e6 }}
			}},
		{"sliding", Spec{Algorithm: SlidingWindow, Quota: 9, Window: 3 * time.Second},
			func() model {
				return &ledger{quota: 9, since: func(now int64) int64 { return (now/3e5 - sliceCount) * 3e5 }}
			}},
		{"calendar day", Spec{Algorithm: Calendar, Quota: 30, Period: Day, Zone: "Europe/Berlin"},
			func() model {
				return &ledger{quota: 30, since: func(now int64) int64 {
					y, m, d := time.UnixMicro(now).In(berlin).Date()
					return time.Date(y, m, d, 0, 0, 0, 0, berlin).UnixMicro()
				}}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := mustCompile(t, tt.spec)
			scale := int64(1e6)
			if tt.spec.Algorithm == Calendar {
				scale = int64(2 * time.Hour / time.Microsecond)
			}
			for seed := range uint64(60) {
				againstModel(t, limit, tt.model(), seed, scale)
			}
		})
	}
}

func againstModel(t *testing.T, limit *Limit, m model, seed uint64, scale int64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	now, s := start, state{}
	for step := range 80 {
		now += r.Int64N(scale / 2)
		cost := 1 + r.Int64N(3)
		s = limit.meter.advance(s, now)
		wait := limit.meter.wait(s, now, cost)
		if got, want := wait == 0, m.fits(now, cost); got != want {
			t.Fatalf("seed %d step %d: fits = %v, the model says %v", seed, step, got, want)
		}
		if wait > 0 {
			checkWait(t, limit, s, now, wait, cost)
			continue
		}
		s = limit.meter.charge(s, cost)
		m.charge(now, cost)
		remaining, _, idle := limit.meter.left(s, now)
		if remaining > 0 && !m.fits(now, remaining) || m.fits(now, remaining+1) {
			t.Fatalf("seed %d step %d: remaining = %d, which the model denies", seed, step, remaining)
		}
		if later := limit.meter.advance(s, now+idle); limit.meter.wait(later, now+idle, limit.Capacity()) != 0 {
			t.Fatalf("seed %d step %d: not unused after the idle time", seed, step)
		}
	}
}

// checkWait holds a wait to its word: the cost fits then, and not before.
func checkWait(t *testing.T, limit *Limit, s state, now, wait, cost int64) {
	t.Helper()
	fitsAfter := func(d int64) bool {
		return limit.meter.wait(limit.meter.advance(s, now+d), now+d, cost) == 0
	}
	if !fitsAfter(wait) || fitsAfter(wait-1) {
		t.Fatalf("wait of %dµs is not when the cost of %d first fits", wait, cost)
	}
	if _, reset, _ := limit.meter.left(s, now); reset > wait || reset <= 0 {
		t.Fatalf("reset %dµs is not within the wait of %dµs", reset, wait)
	}
}

// A sliding window's promise is about any span of one window.
func TestSlidingWindowNeverAdmitsMoreInAnySpan(t *testing.T) {
	t.Parallel()
	limit := mustCompile(t, Spec{Algorithm: SlidingWindow, Quota: 5, Window: time.Second})
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		var admitted []int64
		now, s := start, state{}
		for range 300 {
			now += r.Int64N(150_000)
			s = limit.meter.advance(s, now)
			if limit.meter.wait(s, now, 1) == 0 {
				s = limit.meter.charge(s, 1)
				admitted = append(admitted, now)
			}
		}
		for i := 5; i < len(admitted); i++ {
			if span := admitted[i] - admitted[i-5]; span < 1e6 {
				t.Fatalf("seed %d: 6 admitted within %dµs", seed, span)
			}
		}
		if len(admitted) < 40 {
			t.Fatalf("seed %d: only %d admitted in about 22 windows", seed, len(admitted))
		}
	}
}

func TestClockSteps(t *testing.T) {
	t.Parallel()
	day, hour := int64(86_400e6), int64(3_600e6)
	for _, spec := range []Spec{
		{Algorithm: TokenBucket, Quota: 4, Window: 10 * time.Second},
		{Algorithm: FixedWindow, Quota: 4, Window: 10 * time.Second},
		{Algorithm: SlidingWindow, Quota: 4, Window: 10 * time.Second},
	} {
		t.Run(string(spec.Algorithm), func(t *testing.T) {
			t.Parallel()
			m := mustCompile(t, spec).meter
			used := m.charge(m.advance(state{}, start), 4)
			if m.wait(m.advance(used, start-9e6), start-9e6, 1) == 0 {
				t.Error("a step back within a window grants quota")
			}
			back := start - day
			if wait := m.wait(m.advance(used, back), back, 1); wait > 11e6 {
				t.Errorf("after a step back of a day, the wait is %dµs", wait)
			}
			if m.wait(m.advance(used, start+hour), start+hour, 4) != 0 {
				t.Error("an hour ahead, the counter is not unused")
			}
		})
	}
}

// A limit that changes keeps what was used.
func TestBucketKeepsUseAcrossRates(t *testing.T) {
	t.Parallel()
	small := mustCompile(t, Spec{Algorithm: TokenBucket, Quota: 70, Window: time.Minute}).meter
	large := mustCompile(t, Spec{Algorithm: TokenBucket, Quota: 1000, Window: time.Minute}).meter
	s := small.charge(small.advance(state{}, start), 60)
	if left, _, _ := large.left(large.advance(s, start), start); left != 940 {
		t.Errorf("after the limit was raised %d are left, want 940", left)
	}
	s = large.charge(large.advance(state{}, start), 900)
	if left, _, _ := small.left(small.advance(s, start), start); left != 0 {
		t.Errorf("after the limit was lowered %d are left, want 0", left)
	}
}

func TestBucketsTooFineToCountRefillNoFaster(t *testing.T) {
	t.Parallel()
	tests := []struct{ quota, window, burst int64 }{
		{999_983, 86_400e6, 999_983},
		{999_999_937, 31_536_000e6, 999_999_937},
		{3, 31_536_000e6, 97},
		{1, 1e6, 1},
	}
	for _, tt := range tests {
		m, err := newBucket(tt.quota, tt.window, tt.burst)
		if err != nil {
			t.Fatalf("%+v: %v", tt, err)
		}
		b := m.(bucket)
		if b.full() > maxFill {
			t.Errorf("%+v: fills up to %d, more than a double counts exactly", tt, b.full())
		}
		exact := big.NewRat(tt.window, tt.quota)
		made := big.NewRat(b.unit, b.drain)
		if made.Cmp(exact) < 0 {
			t.Errorf("%+v: refills faster than the limit says", tt)
		}
		off := new(big.Rat).Quo(made, exact)
		if off.Sub(off, big.NewRat(1, 1)).Cmp(big.NewRat(1, 1<<20)) > 0 {
			t.Errorf("%+v: refills slower by %s", tt, off.FloatString(9))
		}
	}
}

func TestCalendarBounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone, at, start, end string
		period                     Period
	}{
		{"day", "UTC", "2026-03-14T15:00:00Z", "2026-03-14T00:00:00Z", "2026-03-15T00:00:00Z", Day},
		{"short day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", Day},
		{"leap month", "UTC", "2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", Month},
		{"end of year", "America/New_York", "2026-12-31T23:00:00Z", "2026-12-01T05:00:00Z", "2027-01-01T05:00:00Z", Month},
		{"midnight that does not exist", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", Day},
		{"day before it", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", Day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, _ := time.Parse(time.RFC3339, tt.at)
			from, to := calendar{period: tt.period, zone: zone}.bounds(at.UnixMicro())
			got := [2]string{time.UnixMicro(from).UTC().Format(time.RFC3339), time.UnixMicro(to).UTC().Format(time.RFC3339)}
			if want := [2]string{tt.start, tt.end}; got != want {
				t.Errorf("bounds = %v, want %v", got, want)
			}
		})
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	l := mustCompile(t, Spec{Algorithm: TokenBucket, Quota: 100, Window: time.Minute, Burst: 30})
	if s := l.Share(3, 1); s.Quota != 33 || s.Burst != 10 {
		t.Errorf("a third = %d with burst %d, want 33 with burst 10", s.Quota, s.Burst)
	}
	if s := l.Share(1000, 5); s.Quota != 1 || s.Burst != 5 {
		t.Errorf("a thousandth = %d with burst %d, want 1 with burst 5", s.Quota, s.Burst)
	}
	f := mustCompile(t, Spec{Algorithm: FixedWindow, Quota: 10, Window: time.Minute})
	if s := f.Share(4, 1); s.Quota != 2 {
		t.Errorf("a quarter of 10 = %d, want 2", s.Quota)
	}
}
