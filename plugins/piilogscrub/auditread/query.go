package auditread

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Record is what of an audit record is looked at to find it.
type Record struct {
	Log       string    `json:"log"`
	Time      time.Time `json:"time"`
	Tenant    string    `json:"tenant"`
	Consumer  string    `json:"consumer"`
	User      string    `json:"user"`
	RequestID string    `json:"request_id"`
}

// Query says which records are wanted: those that have all of what is set, as it stands
// in the record.
type Query struct {
	Tenant, Consumer, User, RequestID string
	// Since is the first moment, and Until the first that is too late.
	Since, Until time.Time
}

// Match reports whether a line is a record that is wanted. Its error is that the line is
// no JSON: it is cut off or damaged.
func (q Query) Match(line []byte) (bool, error) {
	var r Record
	var damaged *json.SyntaxError
	if len(line) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(line, &r); err != nil {
		if errors.As(err, &damaged) {
			return false, err
		}
		return false, nil // another log's line, which has a field of another type
	}
	return r.Log == "audit" &&
		is(q.Tenant, r.Tenant) && is(q.Consumer, r.Consumer) && is(q.User, r.User) && is(q.RequestID, r.RequestID) &&
		!r.Time.Before(q.Since) && (q.Until.IsZero() || r.Time.Before(q.Until)), nil
}

func is(wanted, got string) bool { return wanted == "" || wanted == got }

// ParseTime reads a moment: RFC 3339, a date, which is its midnight UTC, or how long
// before now, as 36h or 90d.
func ParseTime(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if d, ok := ago(s); ok {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-01-31, 2026-01-31T09:30:00Z, or how long ago, as 36h or 90d", s)
}

// maxDays is 273 years, some twenty less than a duration holds.
const maxDays = 100_000

func ago(s string) (time.Duration, bool) {
	if text, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(text, 10, 32)
		return time.Duration(n) * 24 * time.Hour, err == nil && n <= maxDays
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}
