package limiter

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// calendar finds the days or months of a time zone, daylight saving included.
type calendar struct {
	period Period
	zone   *time.Location
}

func newCalendar(period Period, zone string) (calendar, error) {
	if period != Day && period != Month {
		return calendar{}, fmt.Errorf("period: %q is no calendar period; write day or month", period)
	}
	location, err := time.LoadLocation(zone)
	if err != nil || location == time.Local { // which differs from node to node
		return calendar{}, fmt.Errorf("time_zone: %q is not known here; write a name from the IANA database, such as Europe/Berlin", zone)
	}
	return calendar{period, location}, nil
}

func (c calendar) bounds(now int64) (start, end int64) {
	at := time.UnixMicro(now).In(c.zone)
	return c.start(at, 0).UnixMicro(), c.start(at, 1).UnixMicro()
}

// start is the first instant of the period that many periods from at's.
func (c calendar) start(at time.Time, periods int) time.Time {
	y, m, d := at.Date()
	if c.period == Month {
		return midnight(y, m+time.Month(periods), 1, c.zone)
	}
	return midnight(y, m, d+periods, c.zone)
}

// midnight is the first instant of a date. Where a clock change skips 00:00,
// time.Date may answer with an instant of the day before; the day then starts
// where the zone's offset changes.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	noon := time.Date(y, m, d, 12, 0, 0, 0, zone)
	if t.Day() == noon.Day() {
		return t
	}
	_, end := t.ZoneBounds()
	return end
}

// edges writes the starts of the period before at's, of at's own, and of the
// two after it. The script picks among them by Redis' clock, which need not
// agree with this one to the second.
func (c calendar) edges(at time.Time) string {
	at = at.In(c.zone)
	var b strings.Builder
	for n := -1; n <= 2; n++ {
		b.WriteString(strconv.FormatInt(c.start(at, n).UnixMicro(), 10))
		b.WriteByte(' ')
	}
	return b.String()
}
