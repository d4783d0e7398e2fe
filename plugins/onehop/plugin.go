package onehop

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// sharedKey is where the rewrite phase says in kong.ctx.shared which sections it
// ran: their names, with commas between. The access phase may be another
// configuration's, as where a route has one of its own beside the global one.
const sharedKey = "gatehouse.rewritten"

// Rewrite runs what needs neither a route nor an identity. Kong calls it where
// the plugin is enabled globally, for every request, those that it refuses before
// the access phase included.
func (c *Config) Rewrite(kong *pdk.PDK) {
	if c.PIILogScrub == nil && c.TraceInject == nil {
		return
	}
	c.runtime.rewrites.Store(true)
	e := c.runtime.source.Open(kong)
	var h headers
	var done []string
	known := c.know(e, true)
	if c.PIILogScrub != nil {
		if c.LogPlugins == on {
			c.scrub(e, c.PIILogScrub.RewriteEvent)
		}
		done = append(done, sectionScrub)
	}
	if c.TraceInject != nil {
		if known.trace, known.traced = c.trace(e, &h); known.traced {
			done = append(done, sectionTrace)
		}
	}
	known.done = strings.Join(done, ",")
	if known.done != "" {
		c.remember(&known)
	}
	err := kong.Ctx.SetShared(sharedKey, known.done) // for another process, or another configuration
	if err == nil {
		err = h.write(kong)
	}
	if err != nil {
		c.runtime.report(sectionEvent, err)
	}
}

// Access runs the sections in the order in which Kong would run the four plugins.
// Like theirs it may be called again for one request.
func (c *Config) Access(kong *pdk.PDK) {
	e := c.runtime.source.Open(kong)
	earlier, err := c.rewritten(e)
	if err != nil {
		c.runtime.report(sectionEvent, err)
	}
	done := earlier.done
	known := c.know(e, false)
	var h headers
	if c.PIILogScrub != nil && c.LogPlugins == on {
		c.scrub(e, func(e *kongrequest.Event) { c.PIILogScrub.AccessEvent(e, strings.Contains(done, sectionScrub)) })
	}
	if c.TraceInject != nil {
		if strings.Contains(done, sectionTrace) {
			known.trace, known.traced = c.rewrittenTrace(e, earlier)
		} else {
			known.trace, known.traced = c.trace(e, &h)
		}
	}
	c.remember(&known)
	if c.TenantRateLimit != nil && !c.admit(e, &h) {
		return
	}
	if c.SunsetHeaders != nil && !c.announce(e, &h) {
		return
	}
	if err := h.write(kong); err != nil {
		c.runtime.report(sectionEvent, err)
		c.refuse(kong, &h)
	}
}

// rewritten is what a rewrite phase did with this request.
func (c *Config) rewritten(e *kongrequest.Event) (earlier call, err error) {
	if !c.runtime.rewrites.Load() {
		return earlier, nil
	}
	if c.runtime.options.AccessLines {
		id, err := e.Var(kongrequest.RequestID)
		if err != nil {
			return earlier, fmt.Errorf("read request id: %w", err)
		}
		if known := c.runtime.calls.find(id); known != nil {
			return *known, nil
		}
	}
	shared, err := e.Kong().Ctx.GetSharedAny(sharedKey)
	if err != nil {
		return earlier, fmt.Errorf("read what the rewrite phase did: %w", err)
	}
	earlier.done, _ = shared.(string)
	return earlier, nil
}

// scrub runs a phase of the scrubber, which handles its own errors; after a panic
// log plugins are left nothing to write.
func (c *Config) scrub(e *kongrequest.Event, phase func(*kongrequest.Event)) {
	err := c.runtime.part(sectionScrub, func() error { phase(e); return nil })
	if err != nil {
		c.PIILogScrub.Failed(e.Kong(), err)
	}
}

// trace puts the request in a trace. Without one it goes on all the same.
func (c *Config) trace(e *kongrequest.Event, h *headers) (t traceinject.Trace, traced bool) {
	err := c.runtime.part(sectionTrace, func() error {
		request, err := c.TraceInject.Read(e)
		if err != nil {
			return err
		}
		injection, err := c.TraceInject.Inject(request)
		if err != nil {
			return err
		}
		if err := c.announceTrace(e.Kong(), injection); err != nil {
			return err
		}
		h.merge(injection.Upstream, injection.Response)
		t = injection.Trace
		return nil
	})
	return t, err == nil
}

// announceTrace tells log plugins, and the log phase where there is one.
func (c *Config) announceTrace(kong *pdk.PDK, i traceinject.Injection) error {
	switch {
	case c.LogPlugins == on:
		return i.Announce(kong)
	case !c.runtime.options.AccessLines:
		return i.Share(kong)
	}
	return nil
}

// rewrittenTrace is the trace that a rewrite phase put the request in, where the
// access line will need it.
func (c *Config) rewrittenTrace(e *kongrequest.Event, earlier call) (t traceinject.Trace, traced bool) {
	if earlier.traced || !c.runtime.options.AccessLines {
		return earlier.trace, earlier.traced
	}
	err := c.runtime.part(sectionTrace, func() error { // another process ran it
		shared, err := e.Kong().Ctx.GetSharedAny(traceinject.SharedKey)
		if _, traced = shared.(string); traced {
			t, err = c.TraceInject.Recall(shared)
		}
		return err
	})
	return t, traced && err == nil
}

// admit reports whether the request may go on. What a failing Redis means is for
// the limiter to say; a request whose identity cannot be read is refused.
func (c *Config) admit(e *kongrequest.Event, h *headers) bool {
	var d tenantratelimit.Decision
	err := c.runtime.part(sectionLimit, func() error {
		req, err := c.TenantRateLimit.Read(e)
		if err == nil {
			d = c.TenantRateLimit.Decide(context.Background(), req)
		}
		return err
	})
	if err != nil {
		c.refuse(e.Kong(), h)
		return false
	}
	h.merge(d.Upstream, d.Client)
	if !d.Allowed() {
		h.exit(e.Kong(), d.Status, d.Body)
	}
	return d.Allowed()
}

// announce reports whether the API version still lives for this caller. Where it
// cannot tell, it does.
func (c *Config) announce(e *kongrequest.Event, h *headers) bool {
	refused := false
	_ = c.runtime.part(sectionSunset, func() error { // reported, and the request goes on
		caller, err := c.SunsetHeaders.Read(e)
		if err != nil {
			return err
		}
		d := c.SunsetHeaders.Decide(caller)
		h.merge(nil, d.Headers)
		if d.Refusal != nil {
			refused = true
			h.merge(nil, d.Refusal.Headers)
			h.exit(e.Kong(), d.Refusal.Status, d.Refusal.Body)
		}
		return nil
	})
	return !refused
}

// refuse answers a request that a limiter cannot vouch for: going upstream, it
// would carry whatever identity its client wrote. Without a limiter it goes on.
func (c *Config) refuse(kong *pdk.PDK, h *headers) {
	if c.TenantRateLimit != nil {
		h.exit(kong, http.StatusInternalServerError, nil)
	}
}

// Log writes the audit record and exports the span, both from one record of
// Kong's, which is not asked for where neither is wanted.
func (c *Config) Log(kong *pdk.PDK) {
	e := c.runtime.source.Open(kong)
	if c.PIILogScrub != nil {
		_ = c.runtime.part(sectionScrub, func() error { c.PIILogScrub.LogEvent(e); return nil })
	}
	if c.TraceInject != nil {
		_ = c.runtime.part(sectionTrace, func() error { return c.TraceInject.LogEvent(e) })
	}
}

// The phases in which an event need not be answered, as Kong numbers them in
// ngx.ctx.KONG_PHASE (kong/pdk/private/phases.lua).
const (
	phaseRewrite = 0x10
	phaseLog     = 0x2000
)

// Failed is for an event that was cut off at its deadline, where no section can
// be asked: each section's declared direction applies.
func (c *Config) Failed(kong *pdk.PDK, err error) {
	c.runtime.report(sectionEvent, err)
	phase, _ := kong.Nginx.GetCtxInt("KONG_PHASE") // unreadable: as if in access
	if phase == phaseLog {
		return
	}
	if c.PIILogScrub != nil {
		c.PIILogScrub.Failed(kong, err)
	}
	if phase != phaseRewrite {
		c.refuse(kong, &headers{})
	}
}
