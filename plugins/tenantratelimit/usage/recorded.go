package usage

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// recorded is a line of a log: Gatehouse's audit record, or what Kong's own log
// plugins write.
type recorded struct {
	Time      time.Time `json:"time"`
	StartedAt float64   `json:"started_at"` // milliseconds
	Tenant    string    `json:"tenant"`
	User      string    `json:"user"`
	Consumer  entity    `json:"consumer"`
	Verified  entity    `json:"authenticated_entity"` // the credential, in Kong's lines
	Route     entity    `json:"route"`
	Cost      int64     `json:"cost"`
}

// entity is a name, or one of Kong's entities.
type entity struct{ ID, Name, Username, CustomID string }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *entity) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &e.Name) == nil {
		return nil
	}
	var fields struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
		CustomID string `json:"custom_id"`
	}
	if json.Unmarshal(text, &fields) == nil { // else it names nobody
		*e = entity(fields)
	}
	return nil
}

// maxLine is the longest line that is read, in bytes.
const maxLine = 1 << 20

// ReadRecorded tallies recorded traffic, a JSON object a line. A line without a
// time is not a request, as a log holds others too; skipped counts them.
func (t *Tally) ReadRecorded(r io.Reader) (requests, skipped int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		at, s, ok := parseRecorded(lines.Bytes())
		if !ok {
			skipped++
			continue
		}
		if s.User == anyUser {
			t.Redacted++
			s.User = ""
		}
		t.Observe(at, s)
		requests++
	}
	if err := lines.Err(); err != nil {
		return requests, skipped, fmt.Errorf("read recorded traffic after line %d: %w", requests+skipped, err)
	}
	return requests, skipped, nil
}

func parseRecorded(line []byte) (at time.Time, s Request, ok bool) {
	var r recorded
	if json.Unmarshal(line, &r) != nil {
		return at, s, false
	}
	switch {
	case r.StartedAt > 0 && r.StartedAt < math.MaxInt64/1e6:
		at = time.UnixMilli(int64(r.StartedAt))
	case !r.Time.IsZero() && cmp.Or(r.Route.Name, r.Route.ID) != "":
		at = r.Time
	default:
		return at, s, false
	}
	s = Request{Realm: Anonymous, Route: cmp.Or(r.Route.Name, r.Route.ID), Units: max(1, r.Cost)}
	var tenant string
	if tenant, s.User = r.who(); tenant != "" {
		s.Realm = tenantPrefix + tenant
	}
	if s.User != "" && s.User != anyUser {
		s.User = userPrefix + s.User
	}
	return at, s, true
}

// anyUser is what the audit record has for each user where it has no key to tell them
// apart.
const anyUser = "[user]"

// who is the tenant and the user of the audit record, which found them out as the
// limiter does. Kong's own lines know no token, and tell no more than the consumer whose
// credential was verified; without one it stands in for anonymous requests.
func (r *recorded) who() (tenant, user string) {
	tenant, user = r.Tenant, r.User
	if r.Verified.ID != "" {
		tenant, user = cmp.Or(tenant, r.Consumer.CustomID), cmp.Or(user, r.Consumer.Username)
	}
	return tenant, user
}
