package sunsetheaders

import (
	"cmp"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Announcer is what a config does: it says what becomes of a request to an API version
// that is going to end. The plugin's own handler uses it, and so does the plugin that
// runs all in one hop. It is safe for concurrent use.
type Announcer struct {
	runtime *Runtime
	plan    *lifecycle.Plan
}

// newAnnouncer returns an announcer beside an error, too: one that refuses nobody.
func (c *Config) newAnnouncer() (*Announcer, error) {
	defaults.Fill(c)
	plan, err := newPlan(c)
	return &Announcer{c.runtime, plan}, err
}

// Read asks Kong for what [Announcer.Decide] needs.
func (a *Announcer) Read(e *kongrequest.Event) (lifecycle.Caller, error) {
	route, err := e.Route()
	if err != nil {
		return lifecycle.Caller{}, err
	}
	var who identity.Evidence
	if err := e.ReadConsumer(&who); err != nil {
		return lifecycle.Caller{}, err
	}
	holder := who.Holder()
	caller := lifecycle.Caller{
		Username: holder.Username, CustomID: holder.CustomID, ID: holder.ID,
		Route: cmp.Or(route.Name, route.Id),
	}
	if !a.plan.NeedsRest() {
		return caller, nil
	}
	path, err := e.Path()
	if err != nil {
		return lifecycle.Caller{}, err
	}
	caller.Rest = lifecycle.RestOf(path, route.Paths)
	return caller, nil
}

// Decide says what becomes of a request that arrives now, and counts it. It
// does no I/O.
func (a *Announcer) Decide(caller lifecycle.Caller) lifecycle.Decision {
	now := a.runtime.now()
	d := a.plan.Decide(now, caller)
	a.runtime.count(now, caller, d.Stage)
	return d
}
