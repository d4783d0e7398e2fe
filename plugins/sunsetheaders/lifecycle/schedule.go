package lifecycle

import (
	"errors"
	"fmt"
	"time"
)

// MaxScheduled bounds the brownouts of one schedule: daily ones of more than a year.
const MaxScheduled = 500

// Schedule is brownouts that come back at one time of the day, by the clocks of where the
// callers are, and grow.
type Schedule struct {
	// Day is the first one's, as its first moment in UTC; Hour and Minute are what the
	// clocks of Zone show when each begins.
	Day          time.Time
	Hour, Minute int
	Zone         *time.Location
	// EveryDays is from one to the next by the calendar, where a day has 23 hours or 25
	// when clocks change.
	EveryDays int
	// Lasting says how long each lasts; there is at least one. The last of these lasts for
	// all that follow until Until; without it there are as many as these.
	Lasting []time.Duration
	// Until is the end of the version, or zero.
	Until time.Time
}

var (
	errTooMany  = fmt.Errorf("makes more than %d brownouts until sunset_at; use a larger every_days, or begin later", MaxScheduled)
	errPast9999 = errors.New("goes on after the year 9999, which no header can say; write fewer brownouts, or begin earlier")
)

// Windows are the times of the brownouts, by the rules that Zone has in this machine's
// database. One that would go on past the end of the version is cut off there. The error
// says what to write instead.
func (s *Schedule) Windows() ([]Window, error) {
	var windows []Window
	for i := 0; i < len(s.Lasting) || !s.Until.IsZero(); i++ {
		start := s.start(i)
		end := start.Add(s.Lasting[min(i, len(s.Lasting)-1)])
		if !s.Until.IsZero() && end.After(s.Until) {
			end = s.Until
		}
		switch {
		case !end.After(start) && i < len(s.Lasting):
			return nil, fmt.Errorf("has %d brownouts, and number %d begins at %s, when the version has ended; write fewer, or begin earlier",
				len(s.Lasting), i+1, RFC3339(start))
		case !end.After(start):
			return windows, nil
		case !end.Before(YearEnd):
			return nil, errPast9999
		case len(windows) == MaxScheduled:
			return nil, errTooMany
		}
		windows = append(windows, Window{start, end})
	}
	return windows, nil
}

// start is when a brownout begins. Of a time that the clocks show twice it is the first;
// one that they leave out is counted on from before the change, as calendars do (RFC 5545
// section 3.3.5).
func (s *Schedule) start(index int) time.Time {
	clock := time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute
	shown := s.Day.AddDate(0, 0, index*s.EveryDays).Add(clock) // as if it were UTC
	before := shown.Add(-ahead(shown.Add(-24*time.Hour), s.Zone))
	after := shown.Add(-ahead(shown.Add(24*time.Hour), s.Zone))
	if !before.Add(ahead(before, s.Zone)).Equal(shown) && after.Add(ahead(after, s.Zone)).Equal(shown) {
		return after
	}
	return before
}

// ahead is how far the clocks of a zone are ahead of UTC.
func ahead(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
