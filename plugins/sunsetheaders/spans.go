package sunsetheaders

import (
	"time"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Span is a time in which a version is browned out, wholly or for a share of calls.
type Span struct {
	// Field is the list that it is written in, and Index its place there.
	Field string
	Index int
	lifecycle.Window
}

// Spans are the brownouts that a config has, its schedules expanded, for who judges a config
// and runs none. What is wrong is left out: Provision tells of it.
func (c *Config) Spans() (spans []Span) {
	defaults.Fill(c)
	var wrong fieldErrors
	t := lifecycle.Terms{Sunset: wrong.date("sunset_at", c.SunsetAt)}
	add := func(field string, index int, w lifecycle.Window) {
		if !w.Start.IsZero() && w.End.After(w.Start) {
			spans = append(spans, Span{field, index, w})
		}
	}
	for i, b := range c.Brownouts {
		add("brownouts", i, wrong.window("", b))
	}
	for i, s := range c.BrownoutSchedules {
		for _, w := range wrong.expanded(s, t.Sunset) {
			add("brownout_schedules", i, w)
		}
	}
	for i, s := range c.BrownoutShares {
		for _, r := range wrong.ramps([]BrownoutShare{s}, t) {
			add("brownout_shares", i, r.Window)
		}
	}
	return spans
}

// expanded are the brownouts of a schedule, none if it has a mistake.
func (e *fieldErrors) expanded(s BrownoutSchedule, until time.Time) []lifecycle.Window {
	schedule, ok := e.schedule("", s)
	if !ok {
		return nil
	}
	schedule.Until = until
	windows, err := schedule.Windows()
	if err != nil {
		e.add("%w", err)
	}
	return windows
}
