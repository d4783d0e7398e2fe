package lifecycle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

func ramp(from, to float64) Terms {
	return Terms{
		Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), BrownoutStatus: 503,
		Ramps: []Ramp{{Window{day("2027-05-01"), day("2027-05-31")}, from, to}},
	}
}

// TestRampShare: of many consumers as many are out in a minute as the share says, and of
// many minutes each consumer is out in as many.
func TestRampShare(t *testing.T) {
	t.Parallel()
	const n = 4000
	half := day("2027-05-16")
	for _, tt := range []struct{ from, to, want float64 }{{0, 10, 5}, {0, 50, 25}, {20, 60, 40}, {100, 100, 100}, {10, 10, 10}} {
		t.Run(fmt.Sprintf("%g to %g", tt.from, tt.to), func(t *testing.T) {
			t.Parallel()
			plan := New(ramp(tt.from, tt.to))
			consumers, calls := 0.0, 0.0
			for i := range n {
				if plan.Decide(half, Caller{ID: "consumer-" + strconv.Itoa(i)}).Stage == StageBrownout {
					consumers++
				}
				// Of the minutes around, so that the share is the same on average.
				if plan.Decide(half.Add(time.Duration(i-n/2)*time.Minute), Caller{ID: "one"}).Stage == StageBrownout {
					calls++
				}
			}
			// Six standard deviations: by chance it fails once in a billion seeds, and
			// the seed is fixed.
			p := tt.want / 100
			bound := 6*math.Sqrt(p*(1-p)/n)*100 + 0.1
			for what, got := range map[string]float64{"consumers": consumers, "minutes": calls} {
				if share := got / n * 100; math.Abs(share-tt.want) > bound {
					t.Errorf("%s: %.2f %% are out, want %.2f ± %.2f", what, share, tt.want, bound)
				}
			}
		})
	}
}

// TestRampGrows: from its start to its end, and is nothing outside.
func TestRampGrows(t *testing.T) {
	t.Parallel()
	plan := New(ramp(0, 100))
	out := func(at time.Time) (n int) {
		for i := range 1000 {
			if plan.Decide(at, Caller{ID: strconv.Itoa(i)}).Stage == StageBrownout {
				n++
			}
		}
		return n
	}
	last := out(day("2027-05-01").Add(-time.Second))
	if last > 0 {
		t.Errorf("%d are out before the start", last)
	}
	for d := 0; d < 30; d += 5 {
		n := out(day("2027-05-01").AddDate(0, 0, d).Add(12 * time.Hour))
		if n <= last {
			t.Errorf("day %d: %d are out, and %d were", d, n, last)
		}
		last = n
	}
	if n := out(day("2027-05-31")); n > 0 {
		t.Errorf("%d are out after the end", n)
	}
}

// TestRampSpendsAMinute: a retry within the minute is answered alike, on each node, and
// the time to come back that is told is one at which the caller is let in.
func TestRampSpendsAMinute(t *testing.T) {
	t.Parallel()
	a, b := New(ramp(30, 60)), New(ramp(30, 60))
	for i := range 500 {
		caller := Caller{Username: "u" + strconv.Itoa(i), Route: "orders"}
		minute := day("2027-05-10").Add(time.Duration(i) * 37 * time.Minute)
		first := a.Decide(minute, caller)
		for second := range 60 {
			if again := b.Decide(minute.Add(time.Duration(second)*time.Second), caller); again.Stage != first.Stage {
				t.Fatalf("%s: %s, and %d s later %s", minute, first.Stage, second, again.Stage)
			}
		}
		if first.Refusal == nil {
			continue
		}
		seconds, err := strconv.Atoi(first.Refusal.Headers["Retry-After"][0])
		if err != nil || seconds < 1 {
			t.Fatalf("Retry-After: %v", first.Refusal.Headers["Retry-After"])
		}
		if d := a.Decide(minute.Add(time.Duration(seconds)*time.Second), caller); d.Refusal != nil {
			t.Fatalf("%s: refused again after the %d s that it was told to wait", minute, seconds)
		}
		if d := a.Decide(minute.Add(time.Duration(seconds-1)*time.Second), caller); d.Refusal == nil {
			t.Fatalf("%s: told to wait for %d s, and let in before", minute, seconds)
		}
	}
}

// TestRampTellsCallersApart: by consumer, else by address; another version draws anew.
func TestRampTellsCallersApart(t *testing.T) {
	t.Parallel()
	differ := func(a, b Caller) (n int) {
		for minute := range int64(1000) {
			if (draw(&a, minute) < 0.5) != (draw(&b, minute) < 0.5) {
				n++
			}
		}
		return n
	}
	for name, pair := range map[string][2]Caller{
		"consumers": {{ID: "a"}, {ID: "b"}},
		"addresses": {{Address: "192.0.2.1"}, {Address: "192.0.2.2"}},
		"versions":  {{ID: "a", Route: "v1"}, {ID: "a", Route: "v2"}},
	} {
		if n := differ(pair[0], pair[1]); n < 400 || n > 600 {
			t.Errorf("%s differ in %d of 1000 minutes, want about half", name, n)
		}
	}
	if n := differ(Caller{ID: "a", Address: "192.0.2.1"}, Caller{ID: "a", Address: "192.0.2.2"}); n > 0 {
		t.Errorf("one consumer differs in %d minutes by where it calls from", n)
	}
}

// TestDecideIsOfNowOnly: a clock that jumps back and forth finds the same version at the
// same time.
func TestDecideIsOfNowOnly(t *testing.T) {
	t.Parallel()
	all := terms()
	all.Ramps = ramp(0, 100).Ramps
	all.AfterSunset, all.RedirectMethods = AfterSunsetRedirect, []string{"GET"}
	straight, jumping := New(all), New(all)
	caller := Caller{ID: "c1", Method: "GET", RestKnown: true, Path: "/partner/v1/orders"}
	start := day("2026-01-01")
	const hours = 24 * 600
	want := make([]Stage, hours)
	for h := range hours {
		want[h] = straight.Decide(start.Add(time.Duration(h)*time.Hour), caller).Stage
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, h := range random.Perm(hours) {
		if got := jumping.Decide(start.Add(time.Duration(h)*time.Hour), caller).Stage; got != want[h] {
			t.Fatalf("hour %d: %s after a jump, and %s otherwise", h, got, want[h])
		}
	}
	for _, now := range []time.Time{{}, time.Unix(-1e9, 0), YearEnd.AddDate(1, 0, 0)} {
		if d := jumping.Decide(now, caller); d.Stage == "" {
			t.Errorf("%s: no stage", now)
		}
	}
}
