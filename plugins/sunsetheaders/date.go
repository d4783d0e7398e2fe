package sunsetheaders

import (
	"net/http"
	"strconv"
	"time"
)

// parseDate reads an RFC 3339 full-date (its first moment in UTC) or
// date-time, to the second.
func parseDate(value string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, value); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(t.Unix(), 0).UTC(), nil
}

// structuredDate writes t as a Date of Structured Field Values (RFC 9651
// section 4.1.10), as Deprecation asks: an at sign and Unix seconds.
func structuredDate(t time.Time) string {
	return "@" + strconv.FormatInt(t.Unix(), 10)
}

// httpDate writes t as an IMF-fixdate (RFC 9110 section 5.6.7), as Sunset asks.
func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
