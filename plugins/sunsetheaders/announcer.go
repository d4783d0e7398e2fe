package sunsetheaders

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Announcer is what a config does: it says what becomes of a request to an API version
// that is going to end. The plugin's own handler uses it, and so does the plugin that
// runs all in one hop. It is safe for concurrent use.
type Announcer struct {
	runtime *Runtime
	plan    *lifecycle.Plan
	// recorder is nil where nothing is kept of who calls.
	recorder    *callers.Recorder
	tenantClaim string
}

// newAnnouncer returns an announcer beside an error, too: one that refuses nobody.
func (c *Config) newAnnouncer() (*Announcer, error) {
	plan, err := c.Plan()
	a := &Announcer{runtime: c.runtime, plan: plan, tenantClaim: c.Identity.TenantClaim}
	if c.Observe {
		a.recorder = c.recorder()
	}
	return a, err
}

// recorder is nil where there is no Redis: the version lives by its dates all the same.
func (c *Config) recorder() *callers.Recorder {
	recorder, err := c.runtime.recorder(c.Redis)
	if err != nil {
		c.runtime.logger.Warn("nothing is kept of who calls", "plugin", Name, "error", err)
	}
	return recorder
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
		At:       a.runtime.now(),
		Username: holder.Username, CustomID: holder.CustomID, ID: holder.ID,
		Route: cmp.Or(route.Name, route.Id),
	}
	if a.recorder != nil {
		if err := a.readRecorded(e, &caller); err != nil {
			return caller, err
		}
	}
	err = a.readMore(e, &caller, route.Paths)
	return caller, err
}

// readRecorded reads what only the record of callers needs. [Config.Prefetch] has both in
// the round trip that there is anyway.
func (a *Announcer) readRecorded(e *kongrequest.Event, c *lifecycle.Caller) error {
	token, err := e.Token()
	if err != nil {
		return err
	}
	tenant := token.Claim(a.tenantClaim)
	if !tenant.Known() {
		tenant = identity.Clean(c.CustomID)
	}
	c.Tenant = tenant.String()
	c.UserAgent, err = e.Header(userAgent)
	return err
}

const userAgent = "User-Agent"

// readMore reads what only some moments of a version's life need.
func (a *Announcer) readMore(e *kongrequest.Event, c *lifecycle.Caller, prefixes []string) (err error) {
	needs := a.plan.Needs(c.At)
	if needs.Method {
		if err = readMethod(e, c); err != nil {
			return err
		}
	}
	if needs.Address && c.ID == "" {
		if c.Address, err = e.Var(kongrequest.RemoteAddr); err != nil {
			return fmt.Errorf("read client address: %w", err)
		}
	}
	if needs.Target || a.plan.NeedsRest() {
		if c.Path, err = e.Path(); err != nil {
			return err
		}
		c.Rest, c.RestKnown = lifecycle.RestOf(c.Path, prefixes)
	}
	if needs.Target {
		uri, err := e.Var(kongrequest.RequestURI)
		if err != nil {
			return fmt.Errorf("read request target: %w", err)
		}
		_, c.Query, _ = strings.Cut(uri, "?")
	}
	return nil
}

func readMethod(e *kongrequest.Event, c *lifecycle.Caller) (err error) {
	if c.Method, err = e.Var(kongrequest.Method); err != nil {
		return fmt.Errorf("read method: %w", err)
	}
	c.Preflight, err = e.Preflight(c.Method)
	return err
}

// Decide says what becomes of a request that was read, and counts it. It does no I/O.
func (a *Announcer) Decide(caller lifecycle.Caller) lifecycle.Decision {
	now := caller.At
	if now.IsZero() {
		now = a.runtime.now()
	}
	d := a.plan.Decide(now, caller)
	a.runtime.count(now, caller, d.Stage, a.plan.Sunset)
	if a.recorder != nil {
		a.recorder.Observe(callers.Call{
			At: now, Route: caller.Route, Stage: d.Stage, End: a.plan.EndFor(&caller), UserAgent: caller.UserAgent,
			Caller: callers.Caller{ID: caller.ID, Username: caller.Username, CustomID: caller.CustomID, Tenant: caller.Tenant},
		})
	}
	return d
}
