package lifecyclepolicy

import (
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Freeze is some days in which nothing is switched off, the first and the last among them.
type Freeze struct {
	Name string
	// Zone is where the days are days.
	Zone *time.Location
	// First and Last are days in UTC. Of one that comes back each year their years do not
	// count, and Last may be in the next.
	First, Last time.Time
	Yearly      bool
}

// Holds is the time of a freeze that has a moment in it; ok is false if there is none.
func (f *Freeze) Holds(t time.Time) (of lifecycle.Window, ok bool) {
	return f.Meets(lifecycle.Window{Start: t, End: t.Add(time.Second)})
}

// Meets is the first time of a freeze that some of another time is in.
func (f *Freeze) Meets(w lifecycle.Window) (of lifecycle.Window, ok bool) {
	if !f.Yearly {
		of = f.from(f.First.Year())
		return of, overlap(of, w)
	}
	for year := w.Start.In(f.Zone).Year() - 1; year <= w.End.In(f.Zone).Year(); year++ {
		if of = f.from(year); overlap(of, w) {
			return of, true
		}
	}
	return of, false
}

// from is the freeze that begins in a year, up to the first moment of the day after.
func (f *Freeze) from(year int) lifecycle.Window {
	last := year
	switch {
	case !f.Yearly:
		last = f.Last.Year()
	case f.Last.Before(f.First):
		last++
	}
	return lifecycle.Window{Start: f.dayIn(year, f.First, 0), End: f.dayIn(last, f.Last, 1)}
}

func (f *Freeze) dayIn(year int, day time.Time, more int) time.Time {
	return time.Date(year, day.Month(), day.Day()+more, 0, 0, 0, 0, f.Zone)
}

func overlap(a, b lifecycle.Window) bool { return a.Start.Before(b.End) && b.Start.Before(a.End) }

// String is what a freeze is called, and its days.
func (f *Freeze) String() string {
	layout := time.DateOnly
	if f.Yearly {
		layout = monthDay
	}
	return fmt.Sprintf("%q (%s to %s, %s)", f.Name, f.First.Format(layout), f.Last.Format(layout), f.Zone)
}

// monthDay is how a day of each year is written.
const monthDay = "01-02"

// dayLeft reports whether freezes that come back each year leave a day of it.
func dayLeft(freezes []Freeze) bool {
	for day := range 366 {
		noon := time.Date(leapYear, time.January, 1+day, 12, 0, 0, 0, time.UTC)
		frozen := false
		for _, f := range freezes {
			f.Zone = time.UTC
			_, holds := f.Holds(noon)
			frozen = frozen || f.Yearly && holds
		}
		if !frozen {
			return true
		}
	}
	return false
}

// leapYear has each day that there is.
const leapYear = 2028
