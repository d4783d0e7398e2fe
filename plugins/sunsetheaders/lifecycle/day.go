package lifecycle

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	errNoDay = errors.New("is not a day; write one such as 2027-06-30")
	// days is advice of days alone; timeOf is advice of a time, with its day.
	days   = regexp.MustCompile(`^write (a date such as )?\d{4}-\d\d-\d\d( or \d{4}-\d\d-\d\d)*$`)
	timeOf = regexp.MustCompile(`^write (\d{4}-\d\d-\d\d)T`)
)

// ParseDay reads an RFC 3339 full-date, as [ParseDate] does. The error never says to write a
// time.
func ParseDay(value string) (time.Time, error) {
	t, err := ParseDate(value)
	if err == nil {
		if len(value) != len(time.DateOnly) {
			return time.Time{}, withTime(value[:len(time.DateOnly)])
		}
		return t, nil
	}
	_, fix, _ := strings.Cut(err.Error(), "; ")
	if days.MatchString(fix) {
		return time.Time{}, err
	}
	if m := timeOf.FindStringSubmatch(fix); m != nil {
		return time.Time{}, withTime(m[1])
	}
	return time.Time{}, errNoDay
}

func withTime(day string) error {
	return fmt.Errorf("has a time in it; write the day only, such as %s", day)
}

// dayOfYearForms are ways in which people write a day of each year.
var dayOfYearForms = []string{
	"1-2", "--1-2", "2.1.", "2. 1.", "2.1",
	"January 2", "2 January", "2. January", "Jan 2", "2 Jan", "2. Jan", "2-Jan",
	"2/1", "1/2", // which nothing tells apart
}

// DaysOfYear are the days of each year that a text may mean, such as 12-15 for "15.12.": two
// where it is to be guessed, and none where it means none.
func DaysOfYear(text string) (found []string) {
	for _, layout := range dayOfYearForms {
		t, err := time.Parse(layout, strings.TrimSpace(text))
		if err == nil && (len(found) == 0 || found[0] != t.Format(monthDay)) {
			found = append(found, t.Format(monthDay))
		}
	}
	return found
}

const monthDay = "01-02"
