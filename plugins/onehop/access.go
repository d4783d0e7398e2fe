package onehop

import (
	"context"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Access is [Config.AccessContext] for servers that end no context.
func (c *Config) Access(kong *pdk.PDK) { c.AccessContext(context.Background(), kong) }

// AccessContext asks the sections in the order in which Kong would run the four
// plugins, and writes for all of them. Like theirs it may be called again for one
// request. When ctx ends, the limiter decides without Redis.
//
// All reads come before all writes: reads that come before anything is written share a
// round trip, and an event that Kong runs again must find the client's own headers.
func (c *Config) AccessContext(ctx context.Context, kong *pdk.PDK) {
	h := c.prepared()
	ev := h.open(h.runtime.source.OpenOn(kong, c.RouteID))
	ev.readAccess()
	ev.decideAccess(ctx)
	ev.writeLogFields(kongrecord.AccessBundle)
	ev.keepInFlight()
	ev.answer()
}

// event is one event of Kong's on its way through the sections.
type event struct {
	hop     *hop
	kong    *kongrequest.Event
	request *request // what is known of the request, from now on

	// rewritten is what a rewrite phase knew of the request and did with it; empty if
	// there was none.
	rewritten *request

	trace  traceStep
	limit  limitStep
	sunset sunsetStep

	headers headers
	refusal *refusal // nil lets the request go on
}

func (h *hop) open(e *kongrequest.Event) *event {
	return &event{hop: h, kong: e, request: &request{hop: h}, rewritten: &request{}}
}

// readAccess asks Kong for all that the sections decide by, and for what is kept of the
// request. Who is asking, and by which route, is asked for once: the event remembers.
func (ev *event) readAccess() {
	ev.readRewritten()
	ev.readKept(false)
	ev.readTrace()
	ev.readLimit()
	ev.readSunset()
}

// decideAccess asks nobody but Redis.
func (ev *event) decideAccess(ctx context.Context) {
	ev.decideDegraded()
	ev.decideTrace()
	if ev.refusal = ev.decideLimit(ctx); ev.refusal == nil {
		ev.refusal = ev.decideSunset()
	}
}
