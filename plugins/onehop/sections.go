package onehop

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// scrub runs a phase of the scrubber, which handles its own errors; after a panic
// log plugins are left nothing to write.
func (c *Config) scrub(e *kongrequest.Event, phase func(*kongrequest.Event)) {
	err := c.runtime.part(sectionScrub, func() error { phase(e); return nil })
	if err != nil {
		c.PIILogScrub.Failed(e.Kong(), err)
	}
}

// trace puts the request in a trace. Without one it goes on all the same.
func (c *Config) trace(e *kongrequest.Event, h *headers) (i traceinject.Injection, traced bool) {
	err := c.runtime.part(sectionTrace, func() error {
		request, err := c.TraceInject.Read(e)
		if err != nil {
			return err
		}
		i = c.TraceInject.Inject(request)
		h.merge(i.Upstream, i.Response)
		return nil
	})
	return i, err == nil
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

// refusal is an answer in place of the service's.
type refusal struct {
	status int
	body   []byte
}

// judge asks the limiter and the sunset policy, in this order, and returns the
// answer of the first that refuses the request.
func (c *Config) judge(ctx context.Context, e *kongrequest.Event, h *headers, known *call) *refusal {
	if c.limits {
		if refused := c.admit(ctx, e, h, known); refused != nil {
			return refused
		}
	}
	if c.SunsetHeaders != nil {
		return c.announce(e, h, known)
	}
	return nil
}

// admit asks the limiter. What a failing Redis means, or a panic, is for the limiter
// to say; a request whose identity cannot be read is refused.
func (c *Config) admit(ctx context.Context, e *kongrequest.Event, h *headers, known *call) *refusal {
	if c.TenantRateLimit == nil { // which this process does not serve
		return c.unvouched()
	}
	var d quota.Decision
	decide := func(ctx context.Context) error {
		l := c.TenantRateLimit.Limiter()
		req, err := l.Read(e)
		if err != nil {
			return err
		}
		d = l.Decide(ctx, req)
		known.decide(tenantratelimit.Name, l.Outcome(d))
		return nil
	}
	err := c.runtime.part(sectionLimit, func() error { return decide(ctx) })
	if panicked := (*panicError)(nil); errors.As(err, &panicked) {
		err = c.runtime.part(sectionLimit, func() error { return decide(tenantratelimit.WithoutRedis()) })
	}
	if err != nil {
		return c.unvouched()
	}
	h.merge(d.Upstream, d.Client)
	if d.Allowed() {
		return nil
	}
	return &refusal{d.Status, d.Body}
}

// announce asks whether the API version still lives for this caller. Where it
// cannot tell, it does.
func (c *Config) announce(e *kongrequest.Event, h *headers, known *call) (refused *refusal) {
	_ = c.runtime.part(sectionSunset, func() error { // reported, and the request goes on
		caller, err := c.SunsetHeaders.Read(e)
		if err != nil {
			return err
		}
		d := c.SunsetHeaders.Decide(caller)
		known.decide(sunsetheaders.Name, string(d.Stage))
		h.merge(nil, d.Headers)
		if d.Refusal != nil {
			h.merge(nil, d.Refusal.Headers)
			refused = &refusal{d.Refusal.Status, d.Refusal.Body}
		}
		return nil
	})
	return refused
}

// unvouched is the answer to a request that the limiter cannot vouch for: going
// upstream, it would carry whatever identity its client wrote. Without a limiter
// it goes on.
func (c *Config) unvouched() *refusal {
	if !c.limits {
		return nil
	}
	return &refusal{status: http.StatusInternalServerError}
}
