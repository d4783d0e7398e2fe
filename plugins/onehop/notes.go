package onehop

import (
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// tell says what became of the request to whoever needs to know: log plugins, and the
// log event where there is one. begun is the trace that this phase put the request in,
// nil if it did not.
func (c *Config) tell(e *kongrequest.Event, bundle string, begun *traceinject.Injection, known *call) {
	o := c.runtime.options
	switch {
	case !o.NoLogPlugins:
		if begun != nil {
			_ = c.runtime.part(sectionTrace, func() error { return begun.Announce(e.Kong()) }) // reported, and the request goes on
		}
		_ = c.runtime.part(sectionEvent, func() error { return kongwrite.SetLogFields(e.Kong(), known.decisions()...) }) // likewise
	case !o.AccessLines && c.mayWantEnd():
		_ = c.runtime.part(sectionEvent, func() error { return c.note(e, bundle, begun, known) }) // likewise
	}
}

// note tells the log event all at once: nobody else reads along.
func (c *Config) note(e *kongrequest.Event, bundle string, begun *traceinject.Injection, known *call) error {
	notes := known.decisions()
	if begun != nil {
		trace, err := begun.Note()
		if err != nil {
			return err
		}
		notes = append(notes, trace)
	}
	if bundle == kongrecord.AccessBundle && c.TenantRateLimit != nil { // which has asked for it already
		token, err := e.Token()
		if err != nil {
			return err
		}
		if token == nil {
			notes = append(notes, kongrecord.NoToken())
		}
	}
	if len(notes) == 0 {
		return nil
	}
	return kongwrite.SetLogFields(e.Kong(), kongrecord.Bundle(bundle, notes...))
}

// decisions are what the policies decided, as notes.
func (k *call) decisions() []kongwrite.LogField {
	var notes []kongwrite.LogField
	for _, d := range k.decided() {
		notes = append(notes, kongrecord.Decided(d.Plugin, d.Word))
	}
	return notes
}
