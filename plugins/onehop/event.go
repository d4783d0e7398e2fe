package onehop

import (
	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// event is one event of Kong's on its way through the sections.
type event struct {
	hop     *hop
	kong    *kongrequest.Event
	request *request // what is known of the request

	// rewritten is what a rewrite phase knew of the request and did with it; empty if
	// there was none.
	rewritten *request

	// What the sections decide by; nil where a section does not run or could not be read.
	traceRequest *propagation.Request
	limitRequest *limitRequest
	caller       *lifecycle.Caller
	asked        *apiversion.Asked // nil also where the API has no versions

	// What they decided. injection is nil if this event put the request in no trace, and
	// refusal is nil if the request goes on.
	injection *traceinject.Injection
	headers   headers
	refusal   *refusal
}

// refusal is an answer in place of the service's.
type refusal struct {
	status int
	body   []byte
}

func (h *hop) open(e *kongrequest.Event) *event {
	return &event{hop: h, kong: e, request: &request{}, rewritten: &request{}}
}

// part is [Runtime.part].
func (ev *event) part(section string, run func() error) error {
	return ev.hop.runtime.part(section, run)
}
