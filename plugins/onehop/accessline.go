package onehop

import (
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Where nginx's access line tells how a request ended, no log event is needed:
// the access phase keeps what the line does not say, and the line brings the rest.

// mayWantEnd reports whether anybody may want to know how a request ends.
func (h *hop) mayWantEnd() bool { return h.audits() || h.exports() }

// exports reports whether there may be a span of a request.
func (h *hop) exports() bool { return h.trace != nil && h.runtime.options.Tracer.Exports() }

// keepInFlight keeps what is known of the request until its access line comes. That is
// before the request goes on or is answered, so that no line can come first.
func (ev *event) keepInFlight() {
	r, rt := ev.request, ev.hop.runtime
	r.audits = ev.hop.audits()
	if !r.complete || !r.audits && !rt.wantsSpan(r) {
		return
	}
	r.began = rt.options.Now()
	if r.audits {
		r.scrub = ev.hop.scrub
		r.who = r.scrub.Who(&r.record, r.token)
	}
	rt.keep(r)
	rt.giveUp(r.began)
}

// wantsSpan reports whether there is to be a span of the request.
func (r *Runtime) wantsSpan(of *request) bool { return of.traced && r.options.Tracer.Wanted(of.trace) }

// Ended tells the runtime of a request that is over, as nginx's access line does. It
// returns false for one that the plugin has nothing to do with, as far as it knows.
func (r *Runtime) Ended(end *kongrecord.Record) bool {
	end.HeardAt = r.options.Now()
	ours := r.match(end)
	r.giveUp(end.HeardAt)
	return ours
}

func (r *Runtime) match(end *kongrecord.Record) bool {
	r.ending.Lock()
	defer r.ending.Unlock()
	known := r.inFlight.take(end.Request.ID)
	if known == nil {
		r.metrics.lines.WithLabelValues("unmatched").Inc()
		return r.endUnknown(end)
	}
	r.metrics.lines.WithLabelValues("matched").Inc()
	end.Correction = known.overdue
	r.end(known, end)
	r.forget(known)
	return true
}

// end writes the audit record and exports the span of a request that is over. end is what
// its access line says.
func (r *Runtime) end(known *request, end *kongrecord.Record) {
	end.Route, end.Service, end.Consumer, end.Credential = known.record.Route, known.record.Service, known.record.Consumer, known.record.Credential
	end.Policies, end.Limit, end.Partial = known.record.Policies, known.record.Limit, known.record.Partial
	if end.Request.URI == scrub.Dropped.Marker() && known.record.Request.URI != "" {
		end.Request.URI = known.record.Request.URI // which was too long for the line
	}
	if known.ran == "" {
		end.HandledAt = known.began
	}
	if known.traced {
		end.TraceID = known.trace.Context.TraceID.String()
		end.HasSpans = r.options.Tracer.HasSpans(known.trace, end)
	}
	if known.audits {
		r.writeAudit(known, end)
	}
	if known.traced {
		_ = r.part(sectionTrace, func() error { return r.options.Tracer.Export(known.trace, end) })
	}
}

func (r *Runtime) writeAudit(known *request, end *kongrecord.Record) {
	_ = r.part(sectionScrub, func() error {
		scrubber := known.scrub
		if scrubber == nil {
			scrubber = r.options.Scrubber.Strictest()
		}
		scrubber.Ended(end, known.who)
		return nil
	})
}
