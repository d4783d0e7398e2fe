package sunsetheaders

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // containers have no time zones of their own

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

func (e *fieldErrors) brownouts(list []Brownout, t lifecycle.Terms) []lifecycle.Window {
	windows := make([]lifecycle.Window, 0, len(list))
	for i, b := range list {
		field := fmt.Sprintf("brownouts[%d]", i)
		w := e.window(field, b)
		if w.Start.IsZero() || w.End.IsZero() {
			continue // reported, and nothing to compare
		}
		switch {
		case !w.End.After(w.Start):
			e.add("%s.end_at: %q is not after start_at %q; make it later", field, b.EndAt, b.StartAt)
		case !t.Sunset.IsZero() && w.End.After(t.Sunset):
			e.add("%s: it ends at %s, after sunset_at; end it by %s", field, lifecycle.RFC3339(w.End), lifecycle.RFC3339(t.Sunset))
		case w.Start.Before(t.Deprecation):
			e.add("%s.start_at: %q is before deprecated_at; start it at %s or later", field, b.StartAt, lifecycle.RFC3339(t.Deprecation))
		}
		windows = append(windows, w)
	}
	return windows
}

func (e *fieldErrors) window(field string, b Brownout) lifecycle.Window {
	if b.StartAt == "" {
		e.add("%s.start_at: it is empty; give a date-time such as 2027-05-04T10:00:00Z", field)
	}
	w := lifecycle.Window{Start: e.date(field+".start_at", b.StartAt), End: e.date(field+".end_at", b.EndAt)}
	switch {
	case (b.EndAt == "") == (b.DurationSeconds == 0):
		e.add("%s: give either end_at or duration_seconds, and not both", field)
	case b.DurationSeconds < 0:
		e.add("%s.duration_seconds: %d is negative; use a number above 0", field, b.DurationSeconds)
	case b.DurationSeconds > 0 && !w.Start.IsZero():
		w.End = w.Start.Add(time.Duration(b.DurationSeconds) * time.Second)
	}
	if !w.End.Before(lifecycle.YearEnd) {
		e.add("%s.duration_seconds: %d seconds from start_at end after the year 9999; make it shorter", field, b.DurationSeconds)
	}
	return w
}

// schedules expands brownouts that come back.
func (e *fieldErrors) schedules(list []BrownoutSchedule, t lifecycle.Terms) (windows []lifecycle.Window) {
	for i, s := range list {
		field := fmt.Sprintf("brownout_schedules[%d]", i)
		schedule, ok := e.schedule(field, s)
		if !ok {
			continue
		}
		schedule.Until = t.Sunset
		times, err := schedule.Windows()
		switch {
		case err != nil:
			e.add("%s: %w", field, err)
		case times[0].Start.Before(t.Deprecation):
			e.add("%s.first_day: the first begins at %s, before deprecated_at; start it at %s or later",
				field, lifecycle.RFC3339(times[0].Start), lifecycle.RFC3339(t.Deprecation))
		}
		windows = append(windows, times...)
	}
	return windows
}

var timeOfDay = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)$`)

// schedule reports whether there is enough of a schedule to expand.
func (e *fieldErrors) schedule(field string, s BrownoutSchedule) (lifecycle.Schedule, bool) {
	before := len(*e)
	made := lifecycle.Schedule{EveryDays: s.EveryDays}
	var err error
	if made.Day, err = lifecycle.ParseDay(s.FirstDay); s.FirstDay == "" {
		e.add("%s.first_day: it is empty; give a day such as 2027-05-04", field)
	} else if err != nil {
		e.add("%s.first_day: %q %w", field, s.FirstDay, err)
	}
	if clock := timeOfDay.FindStringSubmatch(s.TimeOfDay); clock != nil {
		made.Hour, _ = strconv.Atoi(clock[1]) // as the expression has it
		made.Minute, _ = strconv.Atoi(clock[2])
	} else {
		e.add("%s.time_of_day: %q is no time; write one from 00:00 to 23:59, such as 10:00", field, s.TimeOfDay)
	}
	if made.Zone, err = time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		e.add("%s.time_zone: %q is not known here; write a name from the IANA database, such as Europe/Berlin", field, s.TimeZone)
	}
	if s.EveryDays < 1 || s.EveryDays > 366 {
		e.add("%s.every_days: %d is not from 1 to 366; write 7 for weekly", field, s.EveryDays)
	}
	made.Lasting = e.lasting(field, s)
	return made, len(*e) == before
}

// lasting leaves some time between one brownout and the next: without, the first is the end.
func (e *fieldErrors) lasting(field string, s BrownoutSchedule) (list []time.Duration) {
	if len(s.Minutes) == 0 {
		e.add("%s.minutes: it is empty; say how long each lasts, such as [60, 60, 240, 720]", field)
	}
	for i, minutes := range s.Minutes {
		switch {
		case minutes < 1:
			e.add("%s.minutes[%d]: %d is no time; use a number above 0", field, i, minutes)
		case s.EveryDays >= 1 && minutes >= s.EveryDays*24*60:
			e.add("%s.minutes[%d]: %d lasts until the next brownout, %s later; make it shorter, or every_days larger", field, i, minutes, daysLong(s.EveryDays))
		}
		list = append(list, time.Duration(minutes)*time.Minute)
	}
	return list
}

func daysLong(n int) string {
	if n == 1 {
		return "1 day"
	}
	return strconv.Itoa(n) + " days"
}

// ramps are the times in which a share of calls is browned out.
func (e *fieldErrors) ramps(list []BrownoutShare, t lifecycle.Terms) (ramps []lifecycle.Ramp) {
	for i, s := range list {
		field := fmt.Sprintf("brownout_shares[%d]", i)
		r := lifecycle.Ramp{From: float64(s.FromPercent), To: float64(s.ToPercent)}
		r.Start, r.End = e.date(field+".start_at", s.StartAt), e.date(field+".end_at", s.EndAt)
		if s.EndAt == "" {
			r.End = t.Sunset
		}
		switch {
		case s.StartAt == "":
			e.add("%s.start_at: it is empty; give a date-time such as 2027-05-04T10:00:00Z", field)
		case s.EndAt == "" && t.Sunset.IsZero():
			e.add("%s.end_at: it is empty, and there is no sunset_at to stand in for it; write one of them", field)
		case r.Start.IsZero() || r.End.IsZero(): // reported
		case !r.End.After(r.Start):
			e.add("%s.end_at: %s is not after start_at %q; make it later", field, lifecycle.RFC3339(r.End), s.StartAt)
		case !t.Sunset.IsZero() && r.End.After(t.Sunset):
			e.add("%s.end_at: %q is after sunset_at; end it by %s", field, s.EndAt, lifecycle.RFC3339(t.Sunset))
		case r.Start.Before(t.Deprecation):
			e.add("%s.start_at: %q is before deprecated_at; start it at %s or later", field, s.StartAt, lifecycle.RFC3339(t.Deprecation))
		}
		e.percents(field, s)
		ramps = append(ramps, r)
	}
	return ramps
}

// percents checks that the share grows.
func (e *fieldErrors) percents(field string, s BrownoutShare) {
	switch {
	case s.FromPercent < 0 || s.FromPercent > 100:
		e.add("%s.from_percent: %d is not from 0 to 100", field, s.FromPercent)
	case s.ToPercent < 1 || s.ToPercent > 100:
		e.add("%s.to_percent: %d is not from 1 to 100; write the share at the end, such as 50", field, s.ToPercent)
	case s.ToPercent < s.FromPercent:
		e.add("%s.to_percent: %d is less than from_percent %d, and the share is to grow; write %d or more", field, s.ToPercent, s.FromPercent, s.FromPercent)
	}
}
