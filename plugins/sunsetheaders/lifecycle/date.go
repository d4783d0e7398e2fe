package lifecycle

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

var (
	errNoDate = errors.New("is not a date; write it as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), with an offset up to 23:59")
	errYear   = errors.New("is outside the years 1970 to 9999 in UTC, and no header can say it; write a date such as 2027-06-30")
)

// dateForm is narrower than package time, which takes offsets of a day, minutes of 60
// and hours of one digit.
var dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$`)

// YearEnd is the first moment that an HTTP date, with its four digits, cannot say.
var YearEnd = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseDate reads an RFC 3339 full-date (its first moment in UTC) or
// date-time, to the second. It is never the zero time, which stands for none.
func ParseDate(value string) (time.Time, error) {
	if !dateForm.MatchString(value) {
		return time.Time{}, errNoDate
	}
	layout := time.RFC3339
	if len(value) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, value)
	if err != nil {
		return time.Time{}, errNoDate // there is no 31 February
	}
	t = time.Unix(t.Unix(), 0).UTC()
	if t.Unix() < 0 || !t.Before(YearEnd) {
		return time.Time{}, errYear
	}
	return t, nil
}

// structuredDate writes t as a Date of Structured Field Values (RFC 9651
// section 4.1.10), as Deprecation asks: an at sign and Unix seconds.
func structuredDate(t time.Time) string {
	return "@" + strconv.FormatInt(t.Unix(), 10)
}

// httpDate writes t as an IMF-fixdate (RFC 9110 section 5.6.7), as Sunset asks.
func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// RFC3339 writes t as operators do.
func RFC3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
