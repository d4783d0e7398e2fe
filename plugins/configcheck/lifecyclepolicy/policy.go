// Package lifecyclepolicy is what a team has agreed on for the versions of its APIs: how long
// each stage lasts, how long ahead whom is told, and when nothing is switched off. It reads
// lifecycle.yaml, and decides from values alone.
package lifecyclepolicy

import (
	"slices"
	"strings"
	"time"
)

// Policy is what the lives of versions are held to. Days are those of the calendar in Zone.
type Policy struct {
	Zone   *time.Location
	Stages Stages
	Notice []Audience
	// Freezes are when no version ends, and none is browned out.
	Freezes []Freeze
}

// Stages are how many days each lasts.
type Stages struct {
	// Deprecated is at least from the deprecation to the first brownout, and one or more: on
	// the day itself nobody has read of it.
	Deprecated int
	// Brownouts is at least from the first brownout to the end.
	Brownouts int
	// Exempt is at most from the end to that of an exemption.
	Exempt int
	// Gone is how long what has ended answers so. Then it is taken out.
	Gone int
}

// Audience is who calls some routes, and how many days at least they have from the
// deprecation to the end. Without any selector it is who calls any.
type Audience struct {
	Name string
	Days int
	// A route is an audience's by a tag of its own or of its service, by what its paths begin
	// with, by a group that acl lets in, or by a plugin that runs on it.
	Tags, Paths, Groups, Plugins []string
}

// Route is what an audience is known by.
type Route struct {
	Tags, Paths, Groups, Plugins []string
}

// Default is the policy where no file says another: half a year for what is called partner
// in a tag, a path or a group.
func Default() *Policy {
	names := []string{"partner", "partners"}
	return &Policy{
		Zone:   time.UTC,
		Stages: Stages{Deprecated: 1, Brownouts: 1, Exempt: 180, Gone: 90},
		Notice: []Audience{{Name: "partners", Days: 180, Tags: names, Groups: names, Paths: []string{"/partner", "/partners"}}},
	}
}

// NoticeOf is the audience of a route that has the longest notice; ok is false if it has none.
func (p *Policy) NoticeOf(r Route) (longest Audience, ok bool) {
	for _, a := range p.Notice {
		if a.calls(r) && (!ok || a.Days > longest.Days) {
			longest, ok = a, true
		}
	}
	return longest, ok
}

func (a *Audience) calls(r Route) bool {
	if len(a.Tags)+len(a.Paths)+len(a.Groups)+len(a.Plugins) == 0 {
		return true
	}
	return share(a.Tags, r.Tags) || share(a.Groups, r.Groups) || share(a.Plugins, r.Plugins) ||
		slices.ContainsFunc(r.Paths, func(path string) bool {
			return slices.ContainsFunc(a.Paths, func(prefix string) bool { return below(path, prefix) })
		})
}

func share(some, others []string) bool {
	return slices.ContainsFunc(some, func(one string) bool { return slices.Contains(others, one) })
}

// below reports whether a route's path, which may be an expression, is a prefix or has more
// segments after it.
func below(path, prefix string) bool {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "~"), "^")
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
	return ok && (rest == "" || strings.ContainsAny(rest[:1], "/$"))
}

const daySeconds = 24 * 60 * 60

// Days are how many days of the calendar one time is after another.
func (p *Policy) Days(from, to time.Time) int {
	return int((p.day(to).Unix() - p.day(from).Unix()) / daySeconds)
}

// FirstDay is the first day, as it is written in a config, that is at least so many days after
// a time. A day begins there in UTC, which may be in the day before in the policy's zone.
func (p *Policy) FirstDay(t time.Time, days int) string {
	day := p.day(t).AddDate(0, 0, days)
	for p.Days(t, day) < days {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format(time.DateOnly)
}

// LastDay is the last one that is at most so many days after a time.
func (p *Policy) LastDay(t time.Time, days int) string {
	day := p.day(t).AddDate(0, 0, days+1)
	for p.Days(t, day) > days {
		day = day.AddDate(0, 0, -1)
	}
	return day.Format(time.DateOnly)
}

// day is the day of a time in the policy's zone, as a time in UTC.
func (p *Policy) day(t time.Time) time.Time {
	year, month, day := t.In(p.Zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
