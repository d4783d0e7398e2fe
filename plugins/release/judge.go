package release

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Traffic is what a replica answered in some time, by route.
type Traffic map[string]Counts

// Counts are of answers.
type Counts struct {
	Requests int
	Errors   int // 5xx
	Refused  int // 4xx: the limiter's 429, and what authentication or routing refuses
	// Within are how many took at most so long, by upper bounds that rise.
	Within []Bound
}

// Bound is a bucket of a cumulative histogram.
type Bound struct {
	Most  time.Duration
	Count int
}

// Plus is the sum of two.
func (t Traffic) Plus(other Traffic) Traffic {
	sum := maps.Clone(t)
	if sum == nil {
		sum = Traffic{}
	}
	for route, c := range other {
		sum[route] = sum[route].with(c, 1)
	}
	return sum
}

// Since is what was answered after an earlier count of one replica. A count that is smaller
// than the earlier one is of a process that began anew.
func (t Traffic) Since(earlier Traffic) Traffic {
	all := Traffic{}
	for route, c := range t {
		if before := earlier[route]; before.Requests <= c.Requests {
			c = c.with(before, -1)
		}
		all[route] = c
	}
	return all
}

// total is all routes together.
func (t Traffic) total() (sum Counts) {
	for _, c := range t {
		sum = sum.with(c, 1)
	}
	return sum
}

func (c Counts) with(other Counts, sign int) Counts {
	c.Requests += sign * other.Requests
	c.Errors += sign * other.Errors
	c.Refused += sign * other.Refused
	c.Within = slices.Clone(c.Within)
	if c.Within == nil {
		c.Within = make([]Bound, len(other.Within))
	}
	for i := range min(len(c.Within), len(other.Within)) {
		c.Within[i].Most = other.Within[i].Most
		c.Within[i].Count += sign * other.Within[i].Count
	}
	return c
}

// slower is how many took longer than the bound of that index.
func (c Counts) slower(bound int) int {
	if bound >= len(c.Within) {
		return 0
	}
	return c.Requests - c.Within[bound].Count
}

// p95 is the index of the first bound that 95 of 100 kept.
func (c Counts) p95() int {
	at := slices.IndexFunc(c.Within, func(b Bound) bool { return 100*b.Count >= 95*c.Requests })
	if at < 0 {
		return len(c.Within)
	}
	return at
}

// Rule says from when on a replica does worse.
type Rule struct {
	// Enough is how many requests say anything, of the replicas that are watched and of
	// those that they are compared with.
	Enough int
	// Looks are how often is looked during a bake: chance has as many chances.
	Looks int
}

// falseAlarm is how likely chance alone takes back a good release, in all looks at all
// routes of a wave together.
const falseAlarm = 0.01

// Verdict is what traffic says of a wave.
type Verdict struct {
	// Worse are what got worse, a line each.
	Worse []string
	// Seen are the requests of the watched replicas. Where they, or those of all others,
	// are too few, nothing was compared.
	Seen     int
	Compared bool
}

// Judge compares the traffic of replicas that run a new config with that of the others in
// the same time, and with their own before. Something is worse if it is worse than both, as
// far as there is enough of each: what got worse everywhere is not the config's doing.
func (r Rule) Judge(watched, others, earlier Traffic) Verdict {
	v := Verdict{Seen: watched.total().Requests}
	routes := []string{allRoutes}
	routes = append(routes, slices.Sorted(maps.Keys(watched))...)
	chance := falseAlarm / float64(max(r.Looks, 1)*len(routes)*len(measures))
	for _, route := range routes {
		now := of(watched, route)
		var against []peer
		for _, p := range []peer{{"the others", of(others, route)}, {"before", of(earlier, route)}} {
			if p.Requests >= r.Enough {
				against = append(against, p)
			}
		}
		if now.Requests < r.Enough || len(against) == 0 {
			continue
		}
		v.Compared = true
		v.Worse = append(v.Worse, worse(route, now, against, chance)...)
	}
	return v
}

const allRoutes = "all routes"

func of(t Traffic, route string) Counts {
	if route == allRoutes {
		return t.total()
	}
	return t[route]
}

// peer is what is compared with.
type peer struct {
	name string
	Counts
}

// measure is something that can get worse: the answers of which there should be few.
type measure struct {
	name   string
	points float64 // a smaller difference is put up with
	bad    func(c, than Counts) int
}

var measures = []measure{
	{"answers 5xx", 0.01, func(c, _ Counts) int { return c.Errors }},
	{"answers 4xx", 0.05, func(c, _ Counts) int { return c.Refused }},
	{"slow answers", 0.10, func(c, than Counts) int { return c.slower(than.p95()) }},
}

func worse(route string, now Counts, against []peer, chance float64) (lines []string) {
	for _, m := range measures {
		var than []string
		for _, p := range against {
			a, b := m.bad(now, p.Counts), m.bad(p.Counts, p.Counts)
			if !clearly(a, now.Requests, b, p.Requests, m.points, chance) {
				break
			}
			than = append(than, fmt.Sprintf("%d of %d %s", b, p.Requests, p.name))
		}
		if len(than) == len(against) {
			lines = append(lines, fmt.Sprintf("%s: %d of %d requests have %s; %s",
				route, m.bad(now, against[0].Counts), now.Requests, m.called(against[0].Counts), strings.Join(than, ", ")))
		}
	}
	return lines
}

func (m measure) called(than Counts) string {
	if at := than.p95(); m.name == "slow answers" && at < len(than.Within) {
		return fmt.Sprintf("answers slower than %v", than.Within[at].Most)
	}
	return m.name
}

// clearly reports whether a of n is clearly more than b of m: by so many points, by at
// least half as much again, and more than chance brings about.
func clearly(a, n, b, m int, points, chance float64) bool {
	now, before := float64(a)/float64(n), float64(b)/float64(m)
	return now >= before+points && now >= 1.5*before && atLeast(a, n, b, m) <= chance
}

// atLeast is how likely a or more of n are bad if n and m are equally good: Fisher's exact
// test, one-sided (R. A. Fisher, Statistical Methods for Research Workers, 21.02). It is
// right for small counts too.
func atLeast(a, n, b, m int) float64 {
	bad := a + b
	sum := 0.0
	for k := a; k <= min(bad, n); k++ {
		if bad-k > m {
			continue
		}
		sum += math.Exp(choose(n, k) + choose(m, bad-k) - choose(n+m, bad))
	}
	return min(sum, 1)
}

// choose is the logarithm of n over k.
func choose(n, k int) float64 {
	l := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return l(n) - l(k) - l(n-k)
}
