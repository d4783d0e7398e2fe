package onehop

import (
	"context"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
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
