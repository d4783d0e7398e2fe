package release

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Peak is hours of some days of the week in which nothing is released, by the clock of a
// place.
type Peak struct {
	text string
	days [7]bool // by time.Weekday
	// from and to are minutes of the day; to may be below from: into the next day.
	from, to int
	zone     *time.Location
}

var peakForm = regexp.MustCompile(`^(?:(\w{3})(?:-(\w{3}))? )?(\d{2}):(\d{2})-(\d{2}):(\d{2}) (\S+)$`)

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ParsePeak reads hours as "Mon-Fri 08:00-20:00 Europe/Berlin"; without days it is each
// day. The end is the first minute after; 24:00 is midnight. Hours that end before they
// begin go on into the next day.
func ParsePeak(text string) (Peak, error) {
	bad := func(why string) (Peak, error) {
		return Peak{}, fmt.Errorf("%q are no peak hours: %s; write them as \"Mon-Fri 08:00-20:00 Europe/Berlin\"", text, why)
	}
	m := peakForm.FindStringSubmatch(text)
	if m == nil {
		return bad("they need hours and a time zone")
	}
	p := Peak{text: text}
	if !p.setDays(m[1], m[2]) {
		return bad("days are " + strings.Join(weekdays, ", "))
	}
	var ok bool
	if p.from, ok = minute(m[3], m[4]); !ok || p.from == 24*60 {
		return bad("they begin at 00:00 to 23:59")
	}
	if p.to, ok = minute(m[5], m[6]); !ok || p.to == p.from {
		return bad("they end at 00:01 to 24:00, and not when they begin")
	}
	zone, err := time.LoadLocation(m[7])
	if err != nil || m[7] == "Local" {
		return bad(fmt.Sprintf("no time zone is called %s", m[7]))
	}
	p.zone = zone
	return p, nil
}

func (p *Peak) setDays(first, last string) bool {
	if first == "" {
		p.days = [7]bool{true, true, true, true, true, true, true}
		return true
	}
	from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if last == "" {
		to = from
	}
	if from < 0 || to < 0 {
		return false
	}
	for day := from; ; day = (day + 1) % 7 {
		p.days[day] = true
		if day == to {
			return true
		}
	}
}

func minute(hour, min string) (int, bool) {
	h, _ := strconv.Atoi(hour) // two digits
	m, _ := strconv.Atoi(min)  // likewise
	return 60*h + m, m < 60 && 60*h+m <= 24*60
}

// String is the hours as they were written.
func (p Peak) String() string { return p.text }

// Has reports whether a time is in the hours: by what the clock on the wall there shows, so
// that an hour that summer time takes away or adds moves nothing.
func (p Peak) Has(t time.Time) bool {
	t = t.In(p.zone)
	now, today := 60*t.Hour()+t.Minute(), t.Weekday()
	if p.from < p.to {
		return p.days[today] && now >= p.from && now < p.to
	}
	yesterday := (today + 6) % 7
	return p.days[today] && now >= p.from || p.days[yesterday] && now < p.to
}

// During reports whether any of the time that a release takes is in the hours.
func (p Peak) During(from time.Time, takes time.Duration) bool {
	for at := from; at.Before(from.Add(takes)); at = at.Add(time.Minute) {
		if p.Has(at) {
			return true
		}
	}
	return p.Has(from) || p.Has(from.Add(takes))
}
