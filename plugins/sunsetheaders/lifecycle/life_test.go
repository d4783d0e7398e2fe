package lifecycle

import (
	"net/http"
	"testing"
	"time"
)

// TestWholeLife walks a version from its announcement past its end.
func TestWholeLife(t *testing.T) {
	t.Parallel()
	life := Terms{
		Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), BrownoutStatus: 503,
		Successor: "/partner/v2/orders{+rest}", AfterSunset: AfterSunsetRedirect, RedirectMethods: []string{"GET", "HEAD"},
		Exemptions: map[string]time.Time{"initech": day("2027-09-30")},
	}
	weekly := Schedule{Day: day("2027-05-04"), Hour: 10, Zone: zone(t, "Europe/Berlin"), EveryDays: 7, Lasting: minutes(60, 60, 720), Until: life.Sunset}
	var err error
	if life.Brownouts, err = weekly.Windows(); err != nil {
		t.Fatal(err)
	}
	dryRun := life
	dryRun.DryRun = true
	get := Caller{ID: "c1", Username: "globex", Method: "GET", RestKnown: true, Path: "/partner/v1/orders/4711", Rest: "/4711"}
	with := func(change func(*Caller)) Caller {
		c := get
		change(&c)
		return c
	}
	post := with(func(c *Caller) { c.Method = "POST" })
	head := with(func(c *Caller) { c.Method = "HEAD" })
	preflight := with(func(c *Caller) { c.Method, c.Preflight = "OPTIONS", true })
	exempt := with(func(c *Caller) { c.Username = "initech" })
	steps := []struct {
		now    string
		caller Caller
		want   Stage
		status int // 0 where it goes on
		dry    Stage
	}{
		{"2026-01-01T00:00:00Z", get, StageAnnounced, 0, StageAnnounced},
		{"2026-01-15T00:00:00Z", get, StageDeprecated, 0, StageDeprecated},
		{"2027-05-04T07:59:59Z", get, StageDeprecated, 0, StageDeprecated},
		{"2027-05-04T08:00:00Z", get, StageBrownout, 503, StageDryBrownout},
		{"2027-05-04T08:30:00Z", post, StageBrownout, 503, StageDryBrownout},
		{"2027-05-04T08:30:00Z", head, StageDeprecated, 0, StageDeprecated},
		{"2027-05-04T08:30:00Z", preflight, StageDeprecated, 0, StageDeprecated},
		{"2027-05-04T08:30:00Z", exempt, StageExempt, 0, StageExempt},
		{"2027-05-04T09:00:00Z", get, StageDeprecated, 0, StageDeprecated},
		{"2027-05-18T19:59:59Z", get, StageBrownout, 503, StageDryBrownout}, // half a day by now
		{"2027-06-29T19:59:59Z", get, StageBrownout, 503, StageDryBrownout},
		{"2027-06-29T20:00:00Z", get, StageDeprecated, 0, StageDeprecated},
		{"2027-06-30T00:00:00Z", get, StageRedirected, 308, StageDryRedirected},
		{"2027-06-30T00:00:00Z", post, StageGone, 410, StageDryGone},
		{"2027-06-30T00:00:00Z", exempt, StageExempt, 0, StageExempt},
		{"2027-09-30T00:00:00Z", exempt, StageRedirected, 308, StageDryRedirected},
	}
	plan, dryPlan := New(life), New(dryRun)
	for _, s := range steps {
		d := plan.Decide(at(t, s.now), s.caller)
		status := 0
		if d.Refusal != nil {
			status = d.Refusal.Status
		}
		if d.Stage != s.want || status != s.status {
			t.Errorf("%s, %s of %s: %s with %d, want %s with %d", s.now, s.caller.Method, s.caller.Username, d.Stage, status, s.want, s.status)
		}
		if d := dryPlan.Decide(at(t, s.now), s.caller); d.Stage != s.dry || d.Refusal != nil || d.Headers["Sunset"] == nil {
			t.Errorf("%s, dry run, %s of %s: %s (%v), want %s", s.now, s.caller.Method, s.caller.Username, d.Stage, d.Refusal, s.dry)
		}
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, successor string
		caller          Caller
		want            string // empty for a 410
	}{
		{"the resource's own", "/v2/orders{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "/4711"}, "/v2/orders/4711"},
		{"the collection", "/v2/orders{+rest}", Caller{Method: "GET", RestKnown: true}, "/v2/orders"},
		{"a collection without a template", "/v2/orders", Caller{Method: "HEAD", RestKnown: true}, "/v2/orders"},
		{"a resource without a template", "/v2/orders", Caller{Method: "GET", RestKnown: true, Rest: "/4711"}, ""},
		{"another host", "https://api.example/v2{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "/a"}, "https://api.example/v2/a"},
		{"with the query", "/v2{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "/a", Query: "x=1&y=%20/?z"}, "/v2/a?x=1&y=%20/?z"},
		{"a query that breaks out", "/v2{+rest}", Caller{Method: "GET", RestKnown: true, Query: "a\r\nX: y#z\"\xff%zz"}, "/v2?a%0D%0AX:%20y%23z%22%FF%25zz"},
		{"a path that breaks out", "/v2{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "/a?b#c\r\nX: y"}, "/v2/a%3Fb%23c%0D%0AX:%20y"},
		{"a prefix in mid-segment", "/v2{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "-old"}, ""},
		{"a route by expression", "/v2{+rest}", Caller{Method: "GET"}, ""},
		{"a method that has a body", "/v2{+rest}", Caller{Method: "POST", RestKnown: true}, ""},
		{"a method that nobody read", "/v2{+rest}", Caller{RestKnown: true}, ""},
		{"to itself", "/v1/orders{+rest}", Caller{Method: "GET", RestKnown: true, Rest: "/1", Path: "/v1/orders/1"}, ""},
		{"nowhere", "", Caller{Method: "GET", RestKnown: true}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := New(Terms{Sunset: day("2027-06-30"), Successor: tt.successor, AfterSunset: AfterSunsetRedirect, RedirectMethods: []string{"GET", "HEAD"}})
			r := plan.Decide(day("2027-07-01"), tt.caller).Refusal
			if r == nil {
				t.Fatal("the request goes on")
			}
			if tt.want == "" {
				if r.Status != http.StatusGone {
					t.Errorf("status %d, want 410", r.Status)
				}
				return
			}
			if got := r.Headers["Location"]; r.Status != http.StatusPermanentRedirect || len(got) != 1 || got[0] != tt.want {
				t.Errorf("status %d, Location %q, want %q", r.Status, got, tt.want)
			}
			if r.Headers["Cache-Control"] == nil || r.Headers["Sunset"] == nil || len(r.Body) > 0 {
				t.Errorf("headers %v, body %q", r.Headers, r.Body)
			}
		})
	}
}

// TestNeeds: what costs a call is read when it decides, and not before.
func TestNeeds(t *testing.T) {
	t.Parallel()
	all := terms()
	all.Ramps = []Ramp{{Window{day("2027-03-01"), day("2027-03-02")}, 0, 100}}
	redirects := all
	redirects.AfterSunset = AfterSunsetRedirect
	degraded := redirects
	degraded.Degraded = true
	for _, tt := range []struct {
		name  string
		terms Terms
		now   string
		want  Needs
	}{
		{"most of its life", all, "2027-01-01T00:00:00Z", Needs{}},
		{"a brownout", all, "2027-05-04T10:30:00Z", Needs{Method: true}},
		{"a share of calls", all, "2027-03-01T10:30:00Z", Needs{Method: true, Address: true}},
		{"a brownout of what is redirected later", redirects, "2027-05-04T10:30:00Z", Needs{Method: true, Target: true}},
		{"gone", all, "2027-07-01T00:00:00Z", Needs{}},
		{"redirected", redirects, "2027-07-01T00:00:00Z", Needs{Method: true, Target: true}},
		{"degraded", degraded, "2027-07-01T00:00:00Z", Needs{}},
	} {
		if got := New(tt.terms).Needs(at(t, tt.now)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestPassingAllocatesNothing: the calls of a version's life that go on share their headers.
func TestPassingAllocatesNothing(t *testing.T) {
	plain := terms()
	many := terms()
	weekly := Schedule{Day: day("2026-03-01"), Zone: time.UTC, EveryDays: 1, Lasting: minutes(60), Until: many.Sunset}
	windows, err := weekly.Windows()
	if err != nil {
		t.Fatal(err)
	}
	many.Brownouts = windows
	many.Ramps = []Ramp{{Window{day("2026-02-01"), day("2027-06-30")}, 0, 0.001}}
	for name, terms := range map[string]Terms{"dates": plain, "schedule and share": many} {
		plan, now := New(terms), at(t, "2026-12-01T12:00:00Z")
		caller := Caller{ID: "0b8e2a3c-5d1f-4a57-9c4e-1f6f7a6d2e01", Username: "globex", CustomID: "globex", Route: "partner-orders-v1"}
		if d := plan.Decide(now, caller); d.Refusal != nil {
			t.Fatalf("%s: refused", name)
		}
		if n := testing.AllocsPerRun(100, func() { plan.Decide(now, caller) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	plan, now := New(terms()), day("2026-12-01")
	caller := Caller{ID: "c1", Username: "globex", Route: "partner-orders-v1"}
	b.ReportAllocs()
	for b.Loop() {
		plan.Decide(now, caller)
	}
}
