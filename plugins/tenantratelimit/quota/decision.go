package quota

import (
	"net/http"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Request is what a decision is made from.
type Request struct {
	identity.Evidence
	// Method, RouteID, RouteName and ServiceID may be empty where [Decider.Needs] does
	// not ask for them.
	Method, RouteID, RouteName, ServiceID string
	// Seen are the headers that say who is asking. Unseen says that there may be more.
	Seen   identity.Seen
	Unseen bool
	// Connection is the client's header of that name, by which it can take others away.
	Connection string
	// Headers are the first values of those that Needs asks for, by the names that the
	// config has for them.
	Headers map[string]string
	// Preflight says that the request is a CORS preflight, where Needs asks for that.
	Preflight bool
	// TraceID is the sampled trace that the request is known to be in, empty for none.
	TraceID string
}

// Needs says what has to be read from Kong beyond the verified token.
type Needs struct {
	Consumer, IP, Route, Service, Method, Groups, Preflight bool
	Headers                                                 []string
}

// Decision is what to do with the request.
type Decision struct {
	// Status is zero for a request that is admitted, else 429 or 503, or 400 for one whose
	// identity its own headers would bend, or 401 for one whose token is not believed.
	Status int
	// Principal and Plan are who is asking, and under which plan.
	Principal identity.Principal
	Plan      string
	// Upstream is the change to the upstream request's headers, and Client the
	// headers of the response. A name with no values is to be removed.
	Upstream, Client map[string][]string
	// Body is the problem document of a request that is not admitted.
	Body []byte

	// Fault is what is wrong with the token, empty if it is believed or there is none.
	Fault identity.Fault

	// Limit is the name of a limit that denied the request; empty if none did.
	Limit string

	// Exempt is why no limit was asked about a request that is admitted; empty if they were.
	Exempt Exemption

	// limited is true if a limit denied the request, and refused if none was asked since
	// its headers are in the way, or its token.
	limited, refused bool
}

// What a denied request is answered.
const (
	statusDenied      = http.StatusTooManyRequests
	statusUnavailable = http.StatusServiceUnavailable
)

// Refused is true for a request that no limit was asked about.
func (d Decision) Refused() bool { return d.refused }

// Allowed is true for a request that goes upstream.
func (d Decision) Allowed() bool { return d.Status == 0 }

// Outcome is the decision in a word, for the audit record: allowed; exempt where no limit
// was asked since the config says so; limited where a
// limit denied the request, be its status 429 or 503; unavailable where no limit
// could be asked; refused where its headers would bend an identity, or its token is not
// believed.
func (d Decision) Outcome() string {
	switch {
	case d.Exempt != "":
		return usage.Exempt
	case d.Allowed():
		return "allowed"
	case d.refused:
		return usage.Refused
	case d.limited:
		return "limited"
	}
	return "unavailable"
}
