package onehop

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// decideAccess asks nobody but Redis.
func (ev *event) decideAccess(ctx context.Context) {
	ev.decideDegraded()
	ev.keepVersion()
	ev.refusal = ev.decideTrace()
	ev.nameTrace(ctx)
	if ev.refusal == nil {
		ev.refusal = ev.decideLimit(ctx)
	}
	if ev.refusal == nil {
		ev.refusal = ev.decideSunset()
	}
}

// decideDegraded notes which sections degrade, of those that decide nothing.
func (ev *event) decideDegraded() {
	ev.decideScrubDegraded()
	if h := ev.hop; h.trace != nil && h.trace.Degraded() {
		ev.request.decide(traceinject.Name, kongrecord.Degraded)
	}
}

// decideTrace puts the request in a trace.
func (ev *event) decideTrace() (refused *refusal) {
	ev.injectTrace((*traceinject.Tracer).Inject)
	if ev.injection == nil || ev.injection.Refusal == nil {
		return nil
	}
	r := ev.injection.Refusal
	ev.headers.merge(nil, r.Headers)
	return &refusal{r.Status, r.Body}
}

// injectTrace has a trace made of what was read.
func (ev *event) injectTrace(by func(*traceinject.Tracer, propagation.Request) traceinject.Injection) {
	if ev.traceRequest == nil {
		return
	}
	_ = ev.part(sectionTrace, func() error {
		injection := by(ev.hop.trace, *ev.traceRequest)
		ev.injection = &injection
		ev.request.trace, ev.request.traced = injection.Trace, true
		ev.headers.merge(injection.Upstream, injection.Response)
		if word := ev.hop.trace.Outcome(injection); word != "" {
			ev.request.decide(traceinject.Name, word)
		}
		return nil
	})
}

// nameTrace has what the event's parts take be observed in the request's trace, if there
// will be a span of it.
func (ev *event) nameTrace(ctx context.Context) {
	if ev.injection == nil || !ev.injection.Sampled {
		return
	}
	id := ev.request.trace.Context.TraceID.String()
	pluginserver.InTrace(ctx, id)
	if ev.limitRequest != nil {
		ev.limitRequest.TraceID = id
	}
}

// decideSunset asks whether the API version still lives for this caller.
func (ev *event) decideSunset() (refused *refusal) {
	if ev.caller == nil {
		return nil
	}
	_ = ev.part(sectionSunset, func() error {
		d := ev.hop.sunset.Decide(*ev.caller)
		ev.request.decide(sunsetheaders.Name, string(d.Stage))
		ev.headers.merge(nil, d.Headers)
		if d.Refusal != nil {
			ev.headers.merge(nil, d.Refusal.Headers)
			refused = &refusal{d.Refusal.Status, d.Refusal.Body}
		}
		return nil
	})
	return refused
}

// unvouched is the answer to a request that the limiter cannot vouch for: going
// upstream, it would carry whatever identity its client wrote. Without a limiter
// it goes on.
func (h *hop) unvouched() *refusal {
	if !h.limits {
		return nil
	}
	return &refusal{status: http.StatusInternalServerError}
}
