package quota

import (
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
