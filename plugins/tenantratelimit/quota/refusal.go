package quota

import (
	"fmt"
	"net/http"

	"github.com/gatehousehq/gatehouse/internal/hopbyhop"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// refusal is the answer to a request that would take away a header which says who is
// asking, or which may hide one of its own; nil for any other.
func (req *Request) refusal() *hopbyhop.Refusal {
	if name, found := hopbyhop.Named(req.Connection, identity.SaysWho); found {
		r := hopbyhop.Refuse(name)
		return &r
	}
	if req.Unseen {
		return &tooMany
	}
	return nil
}

var tooMany = hopbyhop.Refusal{
	Status:  http.StatusBadRequest,
	Headers: map[string][]string{headerContentType: {problem.ContentType}},
	Body: problem.Encode(problem.Document{
		Type:   problem.TypeTooManyHeaders,
		Title:  "Too many headers",
		Status: http.StatusBadRequest,
		Detail: "The request has more header lines than the gateway can look through, and one that says who is asking may be among them. Send fewer than 100.",
	}),
}

// statusDistrusted is of RFC 6750, section 3.1, for the error invalid_token.
const statusDistrusted = http.StatusUnauthorized

// distrust refuses a request whose token Kong verified and whose issuer did not issue it,
// or not for here and now. Nothing is charged to anybody that it names.
func (d *Decider) distrust(e identity.Evidence, fault identity.Fault) Decision {
	d.backend.Metrics.Distrusted(fault)
	e.TokenRefused = true
	answer := distrusted[fault]
	return Decision{
		Status: answer.Status, Principal: identity.Resolve(e, d.settings.Claims),
		Client: answer.Headers, Body: answer.Body, Fault: fault, refused: true,
	}
}

// distrusted are the answers by fault. They say which claim it is, and nothing of what it
// should be.
var distrusted = map[identity.Fault]hopbyhop.Refusal{
	identity.NoIssuer: unbelieved("no tokens are taken that were signed with this key"),
	identity.BadISS:   unbelieved("its iss is not that of the key which signed it"),
	identity.BadAud:   unbelieved("its aud names nobody here"),
	identity.Expired:  unbelieved("its exp is past, or it has none"),
	identity.NotYet:   unbelieved("its nbf is to come"),
}

func unbelieved(why string) hopbyhop.Refusal {
	return hopbyhop.Refusal{
		Status: statusDistrusted,
		Headers: map[string][]string{
			headerContentType: {problem.ContentType},
			headerChallenge:   {fmt.Sprintf("Bearer error=\"invalid_token\", error_description=\"%s\"", why)},
		},
		Body: problem.Encode(problem.Document{
			Type:   problem.TypeInvalidToken,
			Title:  "The token is not valid here",
			Status: statusDistrusted,
			Detail: "The token's signature is good, and " + why + ". Get a token for this API from its issuer.",
		}),
	}
}
