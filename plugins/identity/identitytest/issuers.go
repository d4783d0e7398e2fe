package identitytest

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// Issuers are whose tokens are believed in [Faults]: those of the consumer [Issuer],
// by its username, and those of another, by its id, whose clock may be off.
func Issuers() []identity.Issuer {
	return []identity.Issuer{
		{Consumer: Issuer.Username, ISS: "https://id.example.com/web", Audiences: []string{"gatehouse", "https://api.example.com"}},
		{Consumer: other.ID, ISS: "https://id.example.com/other", Audiences: []string{"gatehouse"}, ClockSkewSeconds: 60},
	}
}

// other has the id that Kong gives a consumer of its name in a declarative config.
var other = identity.Consumer{ID: "8e581f22-a9b9-5f12-aa4e-3fbb2bffe5f8", Username: "other-app", CustomID: "others-tenant"}

// Fault is a verified token, and what is wrong with it by [Issuers].
type Fault struct {
	Case
	Want identity.Fault
	// NoGateway says that a gateway may refuse such a token itself, or judge it a moment
	// later than the test.
	NoGateway bool
}

// Faults is the table of what a token may say of its issuer, at a time. Each token that
// is believed is acme's u1.
func Faults(now time.Time) (all []Fault) {
	for _, f := range faults {
		f.CredentialID = "k1"
		if f.Consumer.ID == "" {
			f.Consumer = Issuer
		}
		f.Tenant, f.User = id("acme"), id("u1")
		f.Payload = `{"tenant":"acme","sub":"u1",` + atTime(f.Payload, now) + `}`
		all = append(all, f)
	}
	return all
}

// atTime writes the time so many seconds from now in place of <+N> and <-N>.
func atTime(payload string, now time.Time) string {
	for {
		before, rest, found := strings.Cut(payload, "<")
		offset, after, closed := strings.Cut(rest, ">")
		seconds, err := strconv.Atoi(offset)
		if !found || !closed || err != nil {
			return payload
		}
		payload = before + strconv.FormatInt(now.Unix()+int64(seconds), 10) + after
	}
}

const (
	ofWeb   = `"iss":"https://id.example.com/web","aud":"gatehouse","exp":<+60>`
	ofOther = `"iss":"https://id.example.com/other","aud":"gatehouse"`
)

var faults = []Fault{
	{Case: Case{Name: "all fits", Payload: ofWeb}},
	{Case: Case{Name: "the other, by id", Payload: ofOther + `,"exp":<+60>`, Consumer: other}},
	{Case: Case{Name: "another issuer's name", Payload: ofOther + `,"exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "the other says that it is the first", Payload: ofWeb, Consumer: other}, Want: identity.BadISS},
	{Case: Case{Name: "a consumer without an entry", Payload: ofWeb, Consumer: Partner}, Want: identity.NoIssuer},
	{Case: Case{Name: "no iss", Payload: `"aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "iss with a slash", Payload: `"iss":"https://id.example.com/web/","aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "iss in another case", Payload: `"iss":"https://ID.example.com/web","aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "iss in a list", Payload: `"iss":["https://id.example.com/web"],"aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "an empty list for iss", Payload: `"iss":[],"aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "a number for iss", Payload: `"iss":7,"aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "null for iss", Payload: `"iss":null,"aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "ISS", Payload: `"ISS":"https://id.example.com/web","aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "iss with escapes", Payload: `"iss":"https:\/\/id.example.com\/\u0077eb","aud":"gatehouse","exp":<+60>`}},
	{Case: Case{Name: "two of iss, the last counts", Payload: `"iss":"https://id.example.com/web","iss":"https://id.example.com/other","aud":"gatehouse","exp":<+60>`}, Want: identity.BadISS},
	{Case: Case{Name: "another aud", Payload: `"iss":"https://id.example.com/web","aud":"someone-else","exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "no aud", Payload: `"iss":"https://id.example.com/web","exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "the second aud", Payload: `"iss":"https://id.example.com/web","aud":"https://api.example.com","exp":<+60>`}},
	{Case: Case{Name: "one of several", Payload: `"iss":"https://id.example.com/web","aud":["someone-else","gatehouse"],"exp":<+60>`}},
	{Case: Case{Name: "none of several", Payload: `"iss":"https://id.example.com/web","aud":["someone-else","gate house"],"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "an empty list", Payload: `"iss":"https://id.example.com/web","aud":[],"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "a list with a number", Payload: `"iss":"https://id.example.com/web","aud":["gatehouse",7],"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "a list with null", Payload: `"iss":"https://id.example.com/web","aud":["gatehouse",null],"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "a list in a list", Payload: `"iss":"https://id.example.com/web","aud":[["gatehouse"]],"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "an object", Payload: `"iss":"https://id.example.com/web","aud":{"gatehouse":"gatehouse"},"exp":<+60>`}, Want: identity.BadAud},
	{Case: Case{Name: "expired", Payload: `"iss":"https://id.example.com/web","aud":"gatehouse","exp":<+0>`}, Want: identity.Expired},
	{Case: Case{Name: "no exp", Payload: `"iss":"https://id.example.com/web","aud":"gatehouse"`}, Want: identity.Expired},
	{Case: Case{Name: "a string for exp", Payload: `"iss":"https://id.example.com/web","aud":"gatehouse","exp":"<+60>"`}, Want: identity.Expired},
	{Case: Case{Name: "half a second to go", Payload: `"iss":"https://id.example.com/web","aud":"gatehouse","exp":<+0>.5`}, NoGateway: true},
	{Case: Case{Name: "exp past any time", Payload: `"iss":"https://id.example.com/web","aud":"gatehouse","exp":1e999`}, Want: identity.Expired, NoGateway: true},
	{Case: Case{Name: "expired, with a clock that may be off", Payload: ofOther + `,"exp":<-59>`, Consumer: other}, NoGateway: true},
	{Case: Case{Name: "expired for longer", Payload: ofOther + `,"exp":<-60>`, Consumer: other}, Want: identity.Expired},
	{Case: Case{Name: "valid from now", Payload: ofWeb + `,"nbf":<+0>`}},
	{Case: Case{Name: "not yet", Payload: ofWeb + `,"nbf":<+1>`}, Want: identity.NotYet, NoGateway: true},
	{Case: Case{Name: "a string for nbf", Payload: ofWeb + `,"nbf":"0"`}, Want: identity.NotYet},
	{Case: Case{Name: "not yet, with a clock that may be off", Payload: ofOther + `,"exp":<+90>,"nbf":<+60>`, Consumer: other}},
	{Case: Case{Name: "not yet for longer", Payload: ofOther + `,"exp":<+90>,"nbf":<+61>`, Consumer: other}, Want: identity.NotYet, NoGateway: true},
}
