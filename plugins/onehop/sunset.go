package onehop

import (
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// sunsetStep is sunset-headers' part of an event. Where it cannot tell whether the API
// version still lives for this caller, it does.
type sunsetStep struct {
	caller *lifecycle.Caller // nil if it could not be read
}

func (ev *event) readSunset() {
	if ev.hop.sunset == nil {
		return
	}
	_ = ev.part(sectionSunset, func() error {
		caller, err := ev.hop.sunset.Read(ev.kong)
		if err == nil {
			ev.sunset.caller = &caller
		}
		return err
	})
}

func (ev *event) decideSunset() (refused *refusal) {
	if ev.sunset.caller == nil {
		return nil
	}
	_ = ev.part(sectionSunset, func() error {
		d := ev.hop.sunset.Decide(*ev.sunset.caller)
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
