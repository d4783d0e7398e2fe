package lifecycle

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	errNoDate = errors.New("is not a date; write it as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), with an offset up to 23:59")
	errYear   = errors.New("is outside the years 1970 to 9999 in UTC, and no header can say it; write a date such as 2027-06-30")
	errLeap   = errors.New("has a second 60, which only the last minute of a month in UTC can have; write the second 59, or 00 of the next minute")
)

// dateForm is narrower than package time, which takes offsets of a day, minutes of 60
// and hours of one digit, and wider: RFC 3339 has small letters and leap seconds.
var dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d([Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))?$`)

// YearEnd is the first moment that an HTTP date, with its four digits, cannot say.
var YearEnd = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseDate reads an RFC 3339 full-date (its first moment in UTC) or
// date-time, to the second. It is never the zero time, which stands for none. The error
// says how to write what was meant, where that can be told.
func ParseDate(value string) (time.Time, error) {
	if !dateForm.MatchString(value) {
		return time.Time{}, meant(value)
	}
	t, err := parse(value)
	if err != nil {
		return time.Time{}, err
	}
	t = time.Unix(t.Unix(), 0).UTC()
	if t.Unix() < 0 || !t.Before(YearEnd) {
		return time.Time{}, errYear
	}
	return t, nil
}

// parse reads what has the form of a date.
func parse(value string) (time.Time, error) {
	if len(value) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, value)
		if err != nil {
			return t, errNoDate // there is no 31 February
		}
		return t, nil
	}
	value = strings.ToUpper(value)
	const seconds = len("2027-06-30T12:00:")
	leap := value[seconds:seconds+2] == "60"
	if leap {
		value = value[:seconds] + "59" + value[seconds+2:]
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, errNoDate
	}
	if !leap {
		return t, nil
	}
	// Unix time has no leap seconds, nor has a header: the next second is as good.
	t = t.UTC().Truncate(time.Second).Add(time.Second)
	if t.Day() != 1 || t.Hour() != 0 || t.Minute() != 0 {
		return t, errLeap
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
