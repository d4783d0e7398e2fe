package onehop

import (
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// traceStep is trace-inject's part of an event. Without a trace the request goes on all
// the same.
type traceStep struct {
	request *propagation.Request // nil if this event begins no trace
	// injection is the trace that this event put the request in, nil if it did not.
	injection *traceinject.Injection
}

// readTrace reads what the client sent, or, behind a rewrite phase, which trace the
// request is in.
func (ev *event) readTrace() {
	tracer := ev.hop.trace
	if tracer == nil {
		return
	}
	if strings.Contains(ev.rewritten.ran, sectionTrace) {
		ev.readRewrittenTrace()
		return
	}
	_ = ev.part(sectionTrace, func() error {
		request, err := tracer.Read(ev.kong)
		if err == nil {
			ev.trace.request = &request
		}
		return err
	})
}

// readRewrittenTrace finds the trace that a rewrite phase put the request in, where the
// access line will need it.
func (ev *event) readRewrittenTrace() {
	if ev.rewritten.traced {
		ev.request.trace, ev.request.traced = ev.rewritten.trace, true
		return
	}
	if !ev.hop.runtime.options.AccessLines {
		return
	}
	_ = ev.part(sectionTrace, func() error { // another process ran the phase
		shared, err := ev.kong.Kong().Ctx.GetSharedAny(traceinject.SharedKey)
		if text, ok := shared.(string); err == nil && ok {
			ev.request.trace, err = ev.hop.trace.Recall(text)
			ev.request.traced = err == nil
		}
		return err
	})
}

// decideTrace puts the request in a trace, unless a rewrite phase did.
func (ev *event) decideTrace() {
	if ev.trace.request == nil {
		return
	}
	_ = ev.part(sectionTrace, func() error {
		injection := ev.hop.trace.Inject(*ev.trace.request)
		ev.trace.injection = &injection
		ev.request.trace, ev.request.traced = injection.Trace, true
		ev.headers.merge(injection.Upstream, injection.Response)
		return nil
	})
}

// shareTrace leaves the trace to log plugins and to the log event.
func (ev *event) shareTrace() {
	if i := ev.trace.injection; i != nil {
		_ = ev.part(sectionTrace, func() error { return i.Share(ev.kong.Kong()) })
	}
}

// exports reports whether there may be a span of a request, and exportsTrace whether
// there is to be one of this.
func (h *hop) exports() bool { return h.trace != nil && h.trace.Exports() }

func (r *request) exported() bool {
	return r.hop.trace != nil && r.traced && r.hop.trace.Wanted(r.trace)
}

// finishTrace exports the span in the log phase.
func (h *hop) finishTrace(e *kongrequest.Event) {
	if h.trace != nil {
		_ = h.runtime.part(sectionTrace, func() error { return h.trace.Finish(e) })
	}
}

// exportSpan exports the span of a request that is over.
func (r *request) exportSpan(end *kongrecord.Record) {
	if r.hop.trace != nil && r.traced {
		_ = r.hop.runtime.part(sectionTrace, func() error { return r.hop.trace.Export(r.trace, end) })
	}
}
