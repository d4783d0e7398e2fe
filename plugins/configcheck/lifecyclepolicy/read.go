package lifecyclepolicy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // containers have no time zones of their own

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Mistake is one thing that is wrong in a policy.
type Mistake struct {
	Path schema.Path
	// What has the value, and Fix what to write in its place.
	What, Fix string
}

// maxDays bounds a number of days, at ten years: more is a slip.
const maxDays = 3660

// Read makes a policy of what lifecycle.yaml has, in the values of encoding/json. What the
// file leaves out is as in [Default]. A policy with mistakes is not to be used.
func Read(file map[string]any) (*Policy, []Mistake) {
	p, r := Default(), &reader{}
	r.known(nil, file, "time_zone", "stages", "notice", "freezes")
	p.Zone = r.zone(nil, file, p.Zone)
	r.stages(file, &p.Stages)
	if _, written := file["notice"]; written {
		p.Notice = r.notice(file)
	}
	p.Freezes = r.freezes(file, p.Zone)
	return p, r.mistakes
}

func (r *reader) stages(file map[string]any, s *Stages) {
	const field = "stages"
	if _, written := file[field]; !written {
		return
	}
	at := schema.Path{field}
	stages, ok := r.mapping(at, file[field], "deprecated_days", "brownout_days", "exempt_days", "gone_days")
	if !ok {
		return
	}
	r.days(at, stages, "deprecated_days", 1, &s.Deprecated)
	r.days(at, stages, "brownout_days", 0, &s.Brownouts)
	r.days(at, stages, "exempt_days", 0, &s.Exempt)
	r.days(at, stages, "gone_days", 0, &s.Gone)
}

func (r *reader) notice(file map[string]any) (all []Audience) {
	const field = "notice"
	list := r.list(schema.Path{field}, file[field], "{ audience: partners, days: 180, tags: [partners] }")
	for i, item := range list {
		at := schema.Path{field, i}
		fields, ok := r.mapping(at, item, "audience", "days", "tags", "paths", "groups", "plugins")
		if !ok {
			continue
		}
		a := Audience{Name: r.name(at, fields, "audience", "partners")}
		if fields["days"] == nil {
			r.wrong(at, "there is no days", "write how long the notice is, such as days: 180")
		} else {
			r.days(at, fields, "days", 0, &a.Days)
		}
		a.Tags, a.Groups = r.texts(at, fields, "tags", "partners"), r.texts(at, fields, "groups", "partners")
		a.Plugins = r.texts(at, fields, "plugins", "key-auth")
		a.Paths = r.paths(at, fields)
		if slices.ContainsFunc(all, func(before Audience) bool { return before.Name == a.Name && a.Name != "" }) {
			r.wrong(at.At("audience"), fmt.Sprintf("%q is there twice", a.Name), "make one of the two, with the selectors of both")
		}
		all = append(all, a)
	}
	return all
}

// paths are prefixes of paths, which begin with a slash.
func (r *reader) paths(at schema.Path, fields map[string]any) []string {
	paths := r.texts(at, fields, "paths", "/partner")
	for i, path := range paths {
		if !strings.HasPrefix(path, "/") {
			r.wrong(at.At("paths", i), fmt.Sprintf("%q: a path begins with a slash", path), "write /"+strings.TrimLeft(path, "~^/"))
		}
	}
	return paths
}

func (r *reader) freezes(file map[string]any, zone *time.Location) (all []Freeze) {
	const field = "freezes"
	if _, written := file[field]; !written {
		return nil
	}
	for i, item := range r.list(schema.Path{field}, file[field], `{ name: end of year, from: "12-15", to: "01-06" }`) {
		at := schema.Path{field, i}
		fields, ok := r.mapping(at, item, "name", "from", "to", "time_zone")
		if !ok {
			continue
		}
		if f, ok := r.freeze(at, fields, zone); ok {
			all = append(all, f)
		}
	}
	if !dayLeft(all) {
		r.wrong(schema.Path{field}, "together they leave no day of a year, so that no version could end", "leave some days out")
	}
	return all
}

func (r *reader) freeze(at schema.Path, fields map[string]any, zone *time.Location) (f Freeze, ok bool) {
	before := len(r.mistakes)
	f.Name, f.Zone = r.name(at, fields, "name", "end of year"), r.zone(at, fields, zone)
	var yearlyLast bool
	f.First, f.Yearly = r.day(at, fields, "from")
	f.Last, yearlyLast = r.day(at, fields, "to")
	switch {
	case len(r.mistakes) > before:
	case f.Yearly != yearlyLast:
		r.wrong(at.At("to"), fmt.Sprintf("%q is not written as from is, %q", fields["to"], fields["from"]),
			`write both as days of one year, such as "2027-03-25", or both as days of each, such as "03-25"`)
	case !f.Yearly && f.Last.Before(f.First):
		r.wrong(at.At("to"), fmt.Sprintf("%q is before from, %q", fields["to"], fields["from"]), "write the last day of the freeze, the same as from or later")
	}
	return f, len(r.mistakes) == before
}

// eachYear is a day of each year: month and day.
var eachYear = regexp.MustCompile(`^\d\d-\d\d$`)

const aDay = `write a day, such as "2027-12-15", or of each year, as "12-15"`

// day reads a day of one year, or of each.
func (r *reader) day(at schema.Path, fields map[string]any, name string) (day time.Time, yearly bool) {
	text, ok := r.text(at, fields, name, aDay)
	if !ok {
		return day, false
	}
	if eachYear.MatchString(text) {
		day, err := time.Parse(time.DateOnly, fmt.Sprint(leapYear)+"-"+text)
		switch {
		case err != nil:
			r.wrong(at.At(name), fmt.Sprintf("%q is no day of a year", text), `write month and day, such as "12-15"`)
		case text == "02-29":
			r.wrong(at.At(name), fmt.Sprintf("%q is not in each year", text), `write "02-28" or "03-01"`)
		}
		return day, true
	}
	day, err := lifecycle.ParseDay(text)
	if err != nil {
		what, fix := meantDay(text, err)
		r.wrong(at.At(name), fmt.Sprintf("%q %s", text, what), fix)
	}
	return day, false
}

// meantDay says how to write what is no day: one of each year is as likely meant.
func meantDay(text string, err error) (what, fix string) {
	if days := lifecycle.DaysOfYear(text); len(days) > 0 {
		return "is no day of each year", `write "` + strings.Join(days, `" or "`) + `"`
	}
	what, fix, _ = strings.Cut(err.Error(), "; ")
	if what == "is not a day" {
		fix = aDay
	}
	return what, fix
}

// zone reads a time zone, or keeps the one that there is.
func (r *reader) zone(at schema.Path, fields map[string]any, zone *time.Location) *time.Location {
	const field = "time_zone"
	const fix = "write a name from the IANA database, such as Europe/Berlin"
	if _, written := fields[field]; !written {
		return zone
	}
	text, ok := r.text(at, fields, field, fix)
	if !ok {
		return zone
	}
	found, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		r.wrong(at.At(field), fmt.Sprintf("%q is not known here", text), fix)
		return zone
	}
	return found
}
