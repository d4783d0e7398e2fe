package onehop

import (
	"context"
	"fmt"
	"strings"
	"time"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
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
	known := c.know(e, true)
	c.decideDegraded(&known)
	var h headers
	var done []string
	if c.PIILogScrub != nil {
		if !c.runtime.options.NoLogPlugins {
			c.scrub(e, c.PIILogScrub.RewriteEvent)
		}
		done = append(done, sectionScrub)
	}
	if c.TraceInject != nil {
		var i traceinject.Injection
		if i, known.traced = c.trace(e, &h); known.traced {
			known.trace = i.Trace
			c.tell(e, kongrecord.RewriteBundle, &i, &known)
			done = append(done, sectionTrace)
		}
	}
	if known.done = strings.Join(done, ","); known.done != "" {
		c.remember(&known)
	}
	err := kong.Ctx.SetShared(sharedKey, known.done) // for another process, or another configuration
	if err == nil {
		err = kongwrite.SetHeaders(kong, h.client, h.upstream)
	}
	if err != nil {
		c.runtime.report(sectionEvent, err)
	}
}

// Access is [Config.AccessContext] for servers that end no context.
func (c *Config) Access(kong *pdk.PDK) { c.AccessContext(context.Background(), kong) }

// AccessContext asks the sections in the order in which Kong would run the four
// plugins, and writes for all of them: reads that come before anything is written
// share a round trip. Like theirs it may be called again for one request. When ctx
// ends, the limiter decides without Redis.
func (c *Config) AccessContext(ctx context.Context, kong *pdk.PDK) {
	e := c.runtime.source.OpenOn(kong, c.RouteID)
	earlier, err := c.rewritten(e)
	if err != nil {
		c.runtime.report(sectionEvent, err)
	}
	known := c.know(e, false)
	c.decideDegraded(&known)
	var h headers
	begun := c.begin(e, &h, &known, earlier)
	refused := c.judge(ctx, e, &h, &known)
	if c.PIILogScrub != nil && !c.runtime.options.NoLogPlugins {
		c.scrub(e, func(e *kongrequest.Event) { c.PIILogScrub.AccessEvent(e, strings.Contains(earlier.done, sectionScrub)) })
	}
	c.tell(e, kongrecord.AccessBundle, begun, &known)
	c.remember(&known)
	if refused == nil {
		if err := kongwrite.SetHeaders(kong, h.client, h.upstream); err != nil {
			c.runtime.report(sectionEvent, err)
			refused = c.unvouched()
		}
	}
	if refused != nil {
		kong.Response.Exit(refused.status, refused.body, h.client)
	}
}

// begin puts the request in a trace, unless a rewrite phase did, and returns what
// is to be told of it.
func (c *Config) begin(e *kongrequest.Event, h *headers, known *call, earlier call) *traceinject.Injection {
	if c.TraceInject == nil {
		return nil
	}
	if strings.Contains(earlier.done, sectionTrace) {
		known.trace, known.traced = c.rewrittenTrace(e, earlier)
		return nil
	}
	i, traced := c.trace(e, h)
	if !traced {
		return nil
	}
	known.trace, known.traced = i.Trace, true
	return &i
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

// Failed is for an event that was cut off at its deadline, or panicked outside the
// sections: each section's declared direction applies. The limiter's is to decide
// as if Redis did not answer.
func (c *Config) Failed(kong *pdk.PDK, err error) {
	c.runtime.report(sectionEvent, err)
	phase, _ := kong.Nginx.GetCtxInt("KONG_PHASE") // unreadable: as if in access
	if phase == phaseLog {
		return
	}
	if c.PIILogScrub != nil {
		c.PIILogScrub.Failed(kong, err)
	}
	if c.TenantRateLimit != nil && phase != phaseRewrite {
		err := c.runtime.part(sectionLimit, func() error { c.TenantRateLimit.Failed(kong, err); return nil })
		if err != nil {
			kong.Response.ExitStatus(c.unvouched().status)
		}
	}
}

// Deadline is how long an event may have to take: the limiter alone waits for
// somebody. Zero is as good as any.
func (c *Config) Deadline() time.Duration {
	if c.TenantRateLimit == nil {
		return 0
	}
	return c.TenantRateLimit.Deadline()
}
