package lifecycle

import "time"

// maxAhead bounds how far is looked for the end of a brownout, in windows and minutes.
const maxAhead = 120

// letIn is when a brownout lets a caller in again, who may be in one after the other. It is
// not ok if nothing does until the version ends, and then the end does not. Past maxAhead it
// is when to look again.
func (p *Plan) letIn(now time.Time, c *Caller) (t time.Time, ok bool) {
	for range maxAhead {
		if p.ended(now) {
			return p.Sunset, p.stage(p.Sunset, time.Time{}, c) != StageGone
		}
		until := p.offUntil(now, c)
		if until.IsZero() {
			return now, true
		}
		now = until
	}
	return now, true
}

// offUntil is how long a caller who is off at now is so for certain; zero for one who is not.
func (p *Plan) offUntil(now time.Time, c *Caller) time.Time {
	if w, off := p.windowAt(now); off {
		return w.End
	}
	if p.rampOff(now, c) {
		return p.rampUntil(now)
	}
	return time.Time{}
}

// rampUntil is how long nothing changes in who is out by a share: for the minute, or until
// one of the shares at now ends, and as long as it lasts where it is of all calls.
func (p *Plan) rampUntil(now time.Time) time.Time {
	until := time.Unix((minuteOf(now)+1)*60, 0)
	for i := range p.Ramps {
		switch r := &p.Ramps[i]; {
		case !r.holds(now):
		case r.From >= 100:
			return r.End
		case r.End.Before(until):
			until = r.End
		}
	}
	return until
}
