package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/release"
)

// counts are n requests, of which some went wrong and some were slower than 100 ms.
func counts(n, errors, refused, slow int) release.Counts {
	return release.Counts{Requests: n, Errors: errors, Refused: refused, Within: []release.Bound{
		{Most: 50 * time.Millisecond, Count: (n - slow) / 2}, {Most: 100 * time.Millisecond, Count: n - slow}, {Most: time.Second, Count: n},
	}}
}

func on(route string, c release.Counts) release.Traffic { return release.Traffic{route: c} }

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                 string
		now, others, earlier release.Traffic
		compared             bool
		worse                string // in the lines; empty: there are none
	}{
		{name: "all is well", now: on("a", counts(500, 0, 10, 5)), others: on("a", counts(1000, 0, 20, 10)), earlier: on("a", counts(9000, 0, 180, 90)), compared: true},
		{name: "one route answers 500", now: on("a", counts(60, 60, 0, 0)).Plus(on("b", counts(9000, 0, 0, 0))),
			others: on("a", counts(120, 0, 0, 0)).Plus(on("b", counts(18000, 0, 0, 0))), compared: true,
			worse: "a: 60 of 60 requests have answers 5xx; 0 of 120 the others"},
		{name: "slower", now: on("a", counts(400, 0, 0, 400)), others: on("a", counts(800, 0, 0, 8)), compared: true,
			worse: "all routes: 400 of 400 requests have answers slower than 100ms; 8 of 800 the others"},
		{name: "refused", now: on("a", counts(400, 0, 100, 0)), others: on("a", counts(800, 0, 8, 0)), earlier: on("a", counts(800, 0, 9, 0)), compared: true,
			worse: "all routes: 100 of 400 requests have answers 4xx; 8 of 800 the others, 9 of 800 before"},
		{name: "worse everywhere: a service is down", now: on("a", counts(400, 200, 0, 0)), others: on("a", counts(800, 390, 0, 0)), earlier: on("a", counts(9000, 0, 0, 0)), compared: true},
		{name: "this replica was always so", now: on("a", counts(400, 40, 0, 0)), others: on("a", counts(800, 0, 0, 0)), earlier: on("a", counts(4000, 400, 0, 0)), compared: true},
		{name: "the only replica", now: on("a", counts(400, 40, 0, 0)), earlier: on("a", counts(4000, 4, 0, 0)), compared: true,
			worse: "all routes: 40 of 400 requests have answers 5xx; 4 of 4000 before"},
		{name: "too few to say", now: on("a", counts(10, 10, 0, 0)), others: on("a", counts(800, 0, 0, 0))},
		{name: "nothing to compare with", now: on("a", counts(500, 500, 0, 0))},
		{name: "two errors are chance", now: on("a", counts(60, 2, 0, 0)), others: on("a", counts(120, 0, 0, 0)), compared: true},
		{name: "no traffic", compared: false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := release.Rule{Enough: 50, Looks: 10}.Judge(tt.now, tt.others, tt.earlier)
			if v.Compared != tt.compared || (len(v.Worse) > 0) != (tt.worse != "") || tt.worse != "" && !strings.Contains(strings.Join(v.Worse, "\n"), tt.worse) {
				t.Errorf("verdict %+v, want compared %t, worse %q", v, tt.compared, tt.worse)
			}
		})
	}
}

// TestFalseAlarms: replicas that are equally good are told apart by chance in fewer bakes
// than one of a hundred, though each is looked at ten times.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 9))
	draw := func(n int) release.Traffic {
		all := release.Traffic{}
		for route := range 5 {
			c := counts(n, 0, 0, 0)
			for range n {
				if random.IntN(20) == 0 {
					c.Errors++
				}
			}
			all[fmt.Sprint("route", route)] = c
		}
		return all
	}
	alarms := 0
	const bakes = 1000
	for range bakes {
		var now, others release.Traffic
		for range 10 {
			now, others = now.Plus(draw(20)), others.Plus(draw(40))
			if v := (release.Rule{Enough: 50, Looks: 10}).Judge(now, others, nil); len(v.Worse) > 0 {
				alarms++
				break
			}
		}
	}
	if alarms > bakes/100 {
		t.Errorf("%d false alarms in %d bakes", alarms, bakes)
	}
}

// TestSince: what was counted since is what is counted now less what was, and all of it if
// the process began anew.
func TestSince(t *testing.T) {
	t.Parallel()
	same := func(a, b uint8) bool {
		before, more := on("a", counts(int(a), int(a)/2, 0, 0)), on("a", counts(int(b), int(b)/3, 0, int(b)/4))
		got := before.Plus(more).Since(before)["a"]
		return got.Requests == int(b) && got.Errors == int(b)/3 && got.Within[1].Count == int(b)-int(b)/4
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
	if got := on("a", counts(3, 1, 0, 0)).Since(on("a", counts(9, 0, 0, 0)))["a"]; got.Requests != 3 || got.Errors != 1 {
		t.Errorf("after a new start: %+v", got)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(100, 3, 200, 1)
	f.Fuzz(func(t *testing.T, n, a, m, b int) {
		if n < 0 || m < 0 || a < 0 || b < 0 || a > n || b > m || n > 1e6 || m > 1e6 {
			t.Skip()
		}
		v := release.Rule{Enough: 1}.Judge(on("a", counts(n, a, 0, 0)), on("a", counts(m, b, 0, 0)), nil)
		if worse := len(v.Worse) > 0; worse && float64(a)/math.Max(1, float64(n)) <= float64(b)/math.Max(1, float64(m)) {
			t.Errorf("%d of %d is called worse than %d of %d", a, n, b, m)
		}
	})
}
