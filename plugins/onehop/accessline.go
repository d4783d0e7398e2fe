package onehop

import (
	"math"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// Where nginx's access line tells how a request ended, no log event is needed:
// the access phase keeps what the line does not say, and the line brings the rest.

// mayWantEnd reports whether anybody may want to know how a request ends, and
// wantsEnd whether somebody does of this one.
func (h *hop) mayWantEnd() bool { return h.audits() || h.exports() }

func (r *request) wantsEnd() bool { return r.hop.audits() || r.exported() }

// exports reports whether there may be a span of a request, and exported whether there
// is to be one of this.
func (h *hop) exports() bool { return h.trace != nil && h.trace.Exports() }

func (r *request) exported() bool {
	return r.hop.trace != nil && r.traced && r.hop.trace.Wanted(r.trace)
}

// keepInFlight keeps what is known of the request until its access line comes. That is
// before the request goes on or is answered, so that no line can come first.
func (ev *event) keepInFlight() {
	if !ev.request.complete || !ev.request.wantsEnd() {
		return
	}
	r := ev.hop.runtime
	ev.request.began = r.options.Now()
	r.inFlight.put(ev.request)
	r.giveUp(ev.request.began, overdue)
}

// Ended tells the runtime of a request that is over, as nginx's access line does.
func (r *Runtime) Ended(end *kongrecord.Record) {
	r.giveUp(r.options.Now(), overdue)
	known := r.inFlight.take(end.Request.ID)
	if known == nil {
		r.metrics.lines.WithLabelValues("unmatched").Inc()
		return
	}
	r.metrics.lines.WithLabelValues("matched").Inc()
	known.end(end)
}

// end writes the audit record and exports the span.
func (r *request) end(end *kongrecord.Record) {
	end.Route, end.Service, end.Consumer, end.Credential = r.record.Route, r.record.Service, r.record.Consumer, r.record.Credential
	end.Policies = r.record.Policies
	if r.traced {
		end.TraceID = r.trace.Context.TraceID.String()
	}
	r.writeAudit(end)
	r.exportSpan(end)
}

// exportSpan exports the span of a request that is over.
func (r *request) exportSpan(end *kongrecord.Record) {
	if r.hop.trace != nil && r.traced {
		_ = r.hop.runtime.part(sectionTrace, func() error { return r.hop.trace.Export(r.trace, end) })
	}
}

// giveUp ends the requests whose line has not come for as long as age.
func (r *Runtime) giveUp(now time.Time, age time.Duration) {
	for lost := r.inFlight.takeOldest(now, age); lost != nil; lost = r.inFlight.takeOldest(now, age) {
		r.lose(lost, now)
	}
}

// lose ends a request whose line is lost: its audit record says so.
func (r *Runtime) lose(lost *request, now time.Time) {
	r.metrics.lostLines.Inc()
	end := lost.record
	end.Source = "unknown"
	end.StartedAt = float64(lost.began.UnixMilli())
	end.Latencies = kongrecord.Latencies{Request: math.Round(now.Sub(lost.began).Seconds() * 1000), Proxy: -1}
	lost.end(&end)
	if last := r.saidLost.Load(); now.UnixNano()-last >= int64(time.Second) && r.saidLost.CompareAndSwap(last, now.UnixNano()) {
		r.options.Logger.Error("requests without an access line: how they ended is not in their audit records",
			"plugin", Name, "waiting", r.inFlight.len())
	}
}
