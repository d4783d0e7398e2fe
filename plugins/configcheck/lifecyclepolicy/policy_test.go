package lifecyclepolicy_test

import (
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/lifecyclepolicy"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	date, err := lifecycle.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return date
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestNoticeOf: an audience is known by any of its selectors, and of two the longer notice
// counts.
func TestNoticeOf(t *testing.T) {
	t.Parallel()
	type route = lifecyclepolicy.Route
	file, wrong := read(t, `notice: [{audience: machines, days: 90, plugins: [key-auth]}, {audience: partners, days: 180, tags: [partner]}, {audience: all, days: 30}]`)
	if wrong != nil {
		t.Fatal(wrong)
	}
	for name, tt := range map[string]struct {
		policy *lifecyclepolicy.Policy
		route  route
		want   string
	}{
		"nothing":                      {lifecyclepolicy.Default(), route{}, ""},
		"a tag":                        {lifecyclepolicy.Default(), route{Tags: []string{"orders", "partner"}}, "partners"},
		"a tag that has it in it":      {lifecyclepolicy.Default(), route{Tags: []string{"partner-team"}}, ""},
		"a group":                      {lifecyclepolicy.Default(), route{Groups: []string{"partners"}}, "partners"},
		"a path":                       {lifecyclepolicy.Default(), route{Paths: []string{"/partner"}}, "partners"},
		"a path below":                 {lifecyclepolicy.Default(), route{Paths: []string{"/web", "/partner/v1"}}, "partners"},
		"an expression":                {lifecyclepolicy.Default(), route{Paths: []string{`~/partner/v\d+`}}, "partners"},
		"an expression with its end":   {lifecyclepolicy.Default(), route{Paths: []string{"~^/partner$"}}, "partners"},
		"a path that only begins so":   {lifecyclepolicy.Default(), route{Paths: []string{"/partnership"}}, ""},
		"everybody, where it is said":  {file, route{}, "all"},
		"a plugin":                     {file, route{Plugins: []string{"key-auth"}}, "machines"},
		"the longest of those that do": {file, route{Plugins: []string{"key-auth"}, Tags: []string{"partner"}}, "partners"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := tt.policy.NoticeOf(tt.route)
			if got.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("%q, %t, want %q", got.Name, ok, tt.want)
			}
		})
	}
}

// TestDays: days are those of the calendar in the policy's zone, also over the change of
// clocks, and what a finding says to write satisfies it.
func TestDays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		zone, from, to string
		want           int
	}{
		"the same day":                {"UTC", "2027-01-01T00:00:00Z", "2027-01-01T23:59:59Z", 0},
		"a second over midnight":      {"UTC", "2027-01-01T23:59:59Z", "2027-01-02T00:00:00Z", 1},
		"one day in Berlin":           {"Europe/Berlin", "2027-01-01T22:30:00Z", "2027-01-01T23:30:00Z", 1},
		"one day in UTC, not there":   {"Europe/Berlin", "2027-01-01T23:30:00Z", "2027-01-02T00:30:00Z", 0},
		"over the change of clocks":   {"Europe/Berlin", "2027-03-27T23:00:00+01:00", "2027-03-29T01:00:00+02:00", 2},
		"backwards":                   {"UTC", "2027-01-02", "2027-01-01", -1},
		"as far as headers can say":   {"UTC", "1970-01-01", "9999-12-31", 2932896},
		"where the day is skipped":    {"Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", 2},
		"half a year, as one says it": {"America/New_York", "2027-01-01T18:00:00Z", "2027-06-30", 179},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := lifecyclepolicy.Default()
			p.Zone = zone(t, tt.zone)
			from := at(t, tt.from)
			if got := p.Days(from, at(t, tt.to)); got != tt.want {
				t.Errorf("%d days, want %d", got, tt.want)
			}
			for _, n := range []int{-14, 0, 1, 180} {
				first, last := at(t, p.FirstDay(at(t, "2027-01-01T18:00:00Z"), n)), at(t, p.LastDay(at(t, "2027-01-01T18:00:00Z"), n))
				if d := p.Days(at(t, "2027-01-01T18:00:00Z"), first); d != n {
					t.Errorf("the first day %v is %d days after, want %d", first, d, n)
				}
				if d := p.Days(at(t, "2027-01-01T18:00:00Z"), last); d != n {
					t.Errorf("the last day %v is %d days after, want %d", last, d, n)
				}
			}
		})
	}
}

// TestFreeze: its first day and its last are whole days of its zone, each year anew.
func TestFreeze(t *testing.T) {
	t.Parallel()
	const (
		holidays = `{name: f, from: "12-15", to: "01-06", time_zone: Europe/Berlin}`
		once     = `{name: f, from: "2027-03-28", to: "2027-03-28", time_zone: Europe/Berlin}` // of 23 hours
	)
	for name, tt := range map[string]struct {
		freeze, at string
		want       string // when the freeze that holds it begins, if one does
	}{
		"a second before":          {holidays, "2027-12-14T22:59:59Z", ""},
		"its first moment":         {holidays, "2027-12-14T23:00:00Z", "2027-12-14T23:00:00Z"},
		"in the old year":          {holidays, "2027-12-31", "2027-12-14T23:00:00Z"},
		"in the new year":          {holidays, "2028-01-05", "2027-12-14T23:00:00Z"},
		"its last second":          {holidays, "2028-01-06T22:59:59Z", "2027-12-14T23:00:00Z"},
		"a second after":           {holidays, "2028-01-06T23:00:00Z", ""},
		"in a year far ahead":      {holidays, "9998-12-24", "9998-12-14T23:00:00Z"},
		"the day of summer time":   {once, "2027-03-28T21:59:59Z", "2027-03-27T23:00:00Z"},
		"the day after that":       {once, "2027-03-28T22:00:00Z", ""},
		"the same day next year":   {once, "2028-03-28T12:00:00Z", ""},
		"with summer time in it":   {`{name: f, from: "03-01", to: "03-31", time_zone: Europe/Berlin}`, "2027-03-31T21:59:59Z", "2027-02-28T23:00:00Z"},
		"the leap day, in between": {`{name: f, from: "02-28", to: "03-01"}`, "2028-02-29T12:00:00Z", "2028-02-28T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, wrong := read(t, "freezes: ["+tt.freeze+"]")
			if wrong != nil {
				t.Fatal(wrong)
			}
			of, ok := p.Freezes[0].Holds(at(t, tt.at))
			got := ""
			if ok {
				got = lifecycle.RFC3339(of.Start)
			}
			if got != tt.want {
				t.Errorf("held by the one from %q, want %q", got, tt.want)
			}
		})
	}
	p, _ := read(t, "freezes: ["+holidays+"]")
	long := lifecycle.Window{Start: at(t, "2027-02-01"), End: at(t, "2029-02-01")}
	if of, ok := p.Freezes[0].Meets(long); !ok || lifecycle.RFC3339(of.Start) != "2027-12-14T23:00:00Z" {
		t.Errorf("the first freeze in two years is %v, %t", of, ok)
	}
}
