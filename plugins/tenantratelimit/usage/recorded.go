package usage

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// recorded is a line of a log: Gatehouse's audit record, or what Kong's own log
// plugins write.
type recorded struct {
	Time      time.Time `json:"time"`
	StartedAt float64   `json:"started_at"` // milliseconds
	Tenant    string    `json:"tenant"`
	User      string    `json:"user"`
	Consumer  entity    `json:"consumer"`
	// The credential that was verified: in the audit record, and in Kong's lines.
	Credential string `json:"credential_id"`
	Verified   entity `json:"authenticated_entity"`
	Route      entity `json:"route"`
	Cost       *int64 `json:"cost"`
	// Policies is what plugins decided: of the audit record, and, as notes, of Kong's lines.
	Policies decisions `json:"policies"`
	Notes    decisions `json:"gatehouse"`
}

// decisions is what the limiter decided, in the word that it leaves for the audit record;
// empty where it did not say.
type decisions struct{ Limiter any }

// UnmarshalJSON implements [json.Unmarshaler]. Any plugin can have written it.
func (d *decisions) UnmarshalJSON(text []byte) error {
	var words struct {
		Limiter any `json:"tenant-rate-limit"`
	}
	if json.Unmarshal(text, &words) == nil { // else it says nothing
		*d = decisions(words)
	}
	return nil
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

// Recorded is what there was in recorded traffic besides what was tallied.
type Recorded struct {
	// Requests are the lines that are of a request, and Unasked those among them about which
	// no limit was asked, as the limiter said: they are not tallied.
	Requests, Unasked int
	// Redacted are the requests of a user whom the log does not tell apart from others:
	// nothing is known of users from them.
	Redacted int
	// Others are the lines that are of no request, as a log holds such too, and First is the
	// first of them.
	Others int
	First  OtherLine
}

// OtherLine is a line that is of no request.
type OtherLine struct {
	Number int
	Text   string
	// Why says what it lacks.
	Why error
}

// ReadRecorded tallies recorded traffic, a JSON object a line.
func (t *Tally) ReadRecorded(r io.Reader) (found Recorded, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		at, s, asked, err := parseRecorded(lines.Bytes())
		if err != nil {
			found.other(lines.Text(), err)
			continue
		}
		found.Requests++
		if !asked {
			found.Unasked++
			continue
		}
		if s.User == anyUser {
			found.Redacted++
			s.User = ""
		}
		t.Observe(at, s)
	}
	if err := lines.Err(); err != nil {
		return found, fmt.Errorf("read recorded traffic after line %d: %w", found.lines(), err)
	}
	return found, nil
}

func (f *Recorded) lines() int { return f.Requests + f.Others }

func (f *Recorded) other(text string, why error) {
	if f.Others++; f.Others == 1 {
		f.First = OtherLine{Number: f.lines(), Text: text, Why: why}
	}
}

// Why a line is of no request.
var (
	errNoObject  = errors.New("it is no JSON object")
	errNoRequest = errors.New("it has neither a time and a route, as an audit record does, nor started_at, as Kong's log lines do")
)

// parseRecorded reads a line; asked is false where no limit was asked about its request.
func parseRecorded(line []byte) (at time.Time, s Request, asked bool, err error) {
	var r recorded
	if json.Unmarshal(line, &r) != nil {
		return at, s, false, errNoObject
	}
	switch {
	case r.StartedAt > 0 && r.StartedAt < math.MaxInt64/1e6:
		at = time.UnixMilli(int64(r.StartedAt))
	case !r.Time.IsZero() && cmp.Or(r.Route.Name, r.Route.ID) != "":
		at = r.Time
	default:
		return at, s, false, errNoRequest
	}
	s = Request{Route: cmp.Or(r.Route.Name, r.Route.ID), Units: r.units()}
	s.Realm, s.User = r.who()
	return at, s, r.asked(), nil
}

// units is what the request costs. Neither of the logs says it: one, unless the line does.
func (r *recorded) units() int64 {
	if r.Cost == nil {
		return 1
	}
	return max(0, *r.Cost)
}

// The words of the limiter for a request about which no limit was asked.
const (
	Exempt  = "exempt" // by the config, or since it costs 0
	Refused = "refused"
)

// asked is false where no limit was asked about the request. Such a request is no demand
// on limits, and what nodes observe does not have it either.
func (r *recorded) asked() bool {
	for _, word := range []any{r.Policies.Limiter, r.Notes.Limiter} {
		if word == Exempt || word == Refused {
			return false
		}
	}
	return r.units() > 0
}

// anyUser is what the audit record has for each user where it has no key to tell them
// apart.
const anyUser = "[user]"

// who is the realm and the user, as the limiter's keys have them. The audit record found
// tenant and user out as the limiter does: whom it names has shown something. Kong's own
// lines know no token, and tell no more than the consumer whose credential was verified;
// without one it stands in for anonymous requests. Of a user whom the log does not tell
// apart, and nothing else of whom is known, the realm is nobody's own.
func (r *recorded) who() (realm, user string) {
	tenant, name := r.Tenant, r.User
	if r.Verified.ID != "" {
		tenant, name = cmp.Or(tenant, r.Consumer.CustomID), cmp.Or(name, r.Consumer.Username)
	}
	shown := key(credentialPrefix, cmp.Or(r.Credential, r.Verified.ID))
	if shown != "" {
		shown = cmp.Or(key(consumerPrefix, cmp.Or(r.Consumer.Username, r.Consumer.Name, r.Consumer.ID)), shown)
	}
	realm = cmp.Or(key(tenantPrefix, tenant), shown)
	if name == anyUser {
		return cmp.Or(realm, rest), anyUser
	}
	of := key(userPrefix, name)
	return cmp.Or(realm, of, Anonymous), cmp.Or(of, shown)
}

// key is the part of a key that names somebody; empty for nobody.
func key(prefix, name string) string {
	if name == "" {
		return ""
	}
	return limiter.Part{Kind: prefix[0], ID: name}.String()
}
