package onehop

import (
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// writeLogFields says what became of the request to whoever reads its log record: log
// plugins, and the log event where there is one. bundle is the phase's, in which the log
// event finds what this phase left it.
func (ev *event) writeLogFields(bundle string) {
	o := ev.hop.runtime.options
	ev.writeScrubbed(bundle == kongrecord.RewriteBundle)
	switch {
	case !o.NoLogPlugins:
		ev.shareTrace()
		_ = ev.part(sectionEvent, func() error { return kongwrite.SetLogFields(ev.kong.Kong(), ev.request.decisions()...) })
	case !o.AccessLines && ev.hop.mayWantEnd():
		_ = ev.part(sectionEvent, func() error { return ev.writeBundle(bundle) })
	}
}

// writeBundle leaves the log event all in one log field: nobody else reads along.
func (ev *event) writeBundle(bundle string) error {
	notes := ev.request.decisions()
	if ev.injection != nil {
		trace, err := ev.injection.Note()
		if err != nil {
			return err
		}
		notes = append(notes, trace)
	}
	if bundle == kongrecord.AccessBundle && ev.hop.limit != nil { // which has asked for it already
		token, err := ev.kong.Token()
		if err != nil {
			return err
		}
		if token == nil {
			notes = append(notes, kongwrite.NoToken())
		}
	}
	if len(notes) == 0 {
		return nil
	}
	return kongwrite.SetLogFields(ev.kong.Kong(), kongwrite.Bundle(bundle, notes...))
}

// shareTrace leaves the trace to log plugins and to the log event, which alone has to be
// told that there are spans.
func (ev *event) shareTrace() {
	if ev.injection != nil {
		i := *ev.injection
		i.Sampled = i.Sampled && !ev.hop.runtime.options.AccessLines
		_ = ev.part(sectionTrace, func() error { return i.Share(ev.kong.Kong()) })
	}
}

// answer sets the headers of a request that goes on, or answers it.
func (ev *event) answer() {
	if ev.refusal == nil {
		err := ev.part(sectionEvent, func() error {
			return kongwrite.SetHeaders(ev.kong.Kong(), ev.headers.client, ev.headers.upstream)
		})
		if err != nil {
			ev.refusal = ev.hop.unvouched()
		}
	}
	if r := ev.refusal; r != nil {
		ev.kong.Kong().Response.Exit(r.status, r.body, ev.headers.client)
	}
}
