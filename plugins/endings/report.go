package endings

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Report is who calls versions that are going to end.
type Report struct {
	At time.Time `json:"at"`
	// Days are how many days until then count, the last one included.
	Days int `json:"days"`
	// IfSunsetToday says that all versions are taken to end at At.
	IfSunsetToday bool `json:"if_sunset_today"`
	// RecordedSince is when nodes began to record in each Redis that the versions name; zero
	// where they have not in one of them.
	RecordedSince time.Time `json:"recorded_since,omitzero"`
	// Rows are who has to be written to, by what breaks: those who call, the nearest end
	// first, and then the most calls.
	Rows []Row `json:"callers"`
	// Silent are the versions that nobody called in these days.
	Silent []Silent `json:"silent"`
	// Unknown are routes with calls that the config does not have.
	Unknown []string `json:"unknown_routes,omitempty"`
	// Unread are the versions that the report leaves out, since nobody can read when they end.
	Unread []Unread `json:"unread,omitempty"`
}

// Row is one caller of one version.
type Row struct {
	Route    string `json:"route"`
	Consumer string `json:"consumer"`
	CustomID string `json:"custom_id,omitempty"`
	Tenant   string `json:"tenant,omitempty"`
	// Ends is when the version ends for this caller; zero if it does not.
	Ends time.Time `json:"ends,omitzero"`
	// Then is what becomes of the caller's requests at the end.
	Then Fate `json:"then"`
	// Calls are all of the report's days; of them Refused were answered by the gateway in a
	// brownout or after the end, Redirected sent to the successor, and Would would have
	// been either, but for a dry run.
	Calls      int64 `json:"calls"`
	Refused    int64 `json:"refused"`
	Redirected int64 `json:"redirected"`
	Would      int64 `json:"would"`
	// First and Last are the caller's first and last call.
	First  time.Time        `json:"first_seen"`
	Last   time.Time        `json:"last_seen"`
	ByDay  map[string]int64 `json:"by_day"`
	Agents []string         `json:"user_agents"`
}

// Fate is what becomes of a caller's requests at the version's end.
type Fate string

// The fates.
const (
	Breaks Fate = "410"        // all are refused
	Moves  Fate = "308 or 410" // sent to the successor, or refused
	GoesOn Fate = "goes on"    // after_sunset: warn
	DryRun Fate = "dry run"    // goes on, until that is over
	NoEnd  Fate = "no end"     // there is no date yet
	Exempt Fate = "exempt"     // goes on for a while, as others do not
)

// Silent is a version that nobody called.
type Silent struct {
	Route string    `json:"route"`
	Ends  time.Time `json:"ends,omitzero"`
	// Since is the last call. Without it nothing is known, not even that calls would be recorded.
	Since time.Time `json:"since,omitzero"`
	// Recorded says that the config has its calls kept; else nothing is known of later ones
	// than Since.
	Recorded bool `json:"recorded"`
	// Unnamed says that the route has no name to find its calls by.
	Unnamed bool `json:"unnamed,omitempty"`
}

// Known reports whether it is known that nobody calls, since when.
func (s *Silent) Known() bool { return s.Recorded && !s.Unnamed && !s.Since.IsZero() }

// Ask is what a report is to be of.
type Ask struct {
	At            time.Time
	Days          int
	IfSunsetToday bool
}

// New makes the report of versions by what is recorded, beside those that cannot be read.
func New(versions []Version, unread []Unread, records Records, ask Ask) Report {
	r := Report{Unread: unread, At: ask.At.UTC(), Days: ask.Days, IfSunsetToday: ask.IfSunsetToday, RecordedSince: records.Since(), Rows: []Row{}, Silent: []Silent{}}
	for i := range versions {
		r.add(&versions[i], records)
	}
	r.Unknown = unknown(versions, unread, records)
	slices.SortStableFunc(r.Rows, byWhatBreaks)
	slices.SortStableFunc(r.Silent, func(a, b Silent) int { return byEnd(a.Ends, b.Ends) })
	return r
}

// unknown are the routes with calls that are of no version, read or not.
func unknown(versions []Version, unread []Unread, records Records) (routes []string) {
	for _, recorded := range records {
		for route := range recorded.Routes {
			if !slices.ContainsFunc(versions, func(v Version) bool { return v.Route == route }) &&
				!slices.ContainsFunc(unread, func(u Unread) bool { return u.Route == route }) {
				routes = append(routes, route)
			}
		}
	}
	slices.Sort(routes)
	return slices.Compact(routes)
}

// add adds a version's callers, and the version itself if nobody calls.
func (r *Report) add(v *Version, records Records) {
	calling, last := false, time.Time{}
	for _, c := range v.callers(records) {
		row := r.row(v, c)
		calling = calling || row.Calls > 0
		if c.Last.After(last) {
			last = c.Last
		}
		if !r.IfSunsetToday || row.Calls > 0 && (row.Then == Breaks || row.Then == Moves) {
			r.Rows = append(r.Rows, row)
		}
	}
	if calling {
		return
	}
	kept := v.recorded() && !v.Unnamed
	if since := v.since(records); kept && since.After(last) { // of one who was forgotten
		last = since
	}
	r.Silent = append(r.Silent, Silent{Route: v.Route, Ends: v.end(), Since: last, Recorded: kept, Unnamed: v.Unnamed})
}

func (r *Report) row(v *Version, c callers.Calls) Row {
	who := lifecycle.Caller{ID: c.ID, Username: c.Username, CustomID: c.CustomID}
	life := v.lifeFor(c.Caller)
	row := Row{
		Route: v.Route, Consumer: c.Name(), CustomID: c.CustomID, Tenant: c.Tenant, Ends: life.EndFor(&who),
		First: c.First, Last: c.Last, ByDay: map[string]int64{}, Agents: append([]string{}, c.Agents...),
	}
	row.Then = r.fate(life, row.Ends)
	from := r.At.Truncate(day).Add(-time.Duration(r.Days-1) * day)
	for at, counts := range c.Days {
		if at.Before(from) {
			continue
		}
		for stage, n := range counts {
			row.ByDay[at.Format(time.DateOnly)] += n
			row.count(stage, n)
		}
	}
	return row
}

const day = 24 * time.Hour

func (row *Row) count(stage lifecycle.Stage, n int64) {
	row.Calls += n
	switch stage {
	case lifecycle.StageBrownout, lifecycle.StageGone:
		row.Refused += n
	case lifecycle.StageRedirected:
		row.Redirected += n
	case lifecycle.StageDryBrownout, lifecycle.StageDryGone, lifecycle.StageDryRedirected:
		row.Would += n
	}
}

// fate is what becomes at the end of a caller for whom the version ends then.
func (r *Report) fate(l *Life, ends time.Time) Fate {
	exempt := ends.After(l.Sunset) && ends.After(r.At)
	switch {
	case l.Sunset.IsZero() && !r.IfSunsetToday:
		return NoEnd
	case l.AfterSunset == lifecycle.AfterSunsetWarn:
		return GoesOn
	case exempt && (r.IfSunsetToday || l.ended(r.At)):
		return Exempt
	case l.DryRun:
		return DryRun
	case l.AfterSunset == lifecycle.AfterSunsetRedirect:
		return Moves
	}
	return Breaks
}

// byWhatBreaks has those who call and will be refused before those who go on, and those
// before who has not called of late.
func byWhatBreaks(a, b Row) int {
	return cmp.Or(
		cmp.Compare(a.rank(), b.rank()),
		byEnd(a.Ends, b.Ends),
		cmp.Compare(b.Calls, a.Calls),
		b.Last.Compare(a.Last),
		cmp.Compare(a.Route, b.Route), cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Tenant, b.Tenant),
	)
}

func (row *Row) rank() int {
	switch {
	case row.Calls == 0:
		return 2
	case row.Then == GoesOn || row.Then == NoEnd:
		return 1
	}
	return 0
}

// byEnd has the nearest end first, and no end last.
func byEnd(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
}
