package lifecycle

import (
	"time"

	"github.com/cespare/xxhash/v2"
)

// Ramp is a time in which a growing share of calls is browned out: From of them at its
// start, To at its end, in percent.
type Ramp struct {
	Window
	From, To float64
}

// shareAt is the share of a minute, from 0 to 1. It grows from minute to minute, and not
// within one: who is out in a minute is out for all of it.
func (r *Ramp) shareAt(minute int64) float64 {
	at := time.Unix(minute*60, 0)
	if at.Before(r.Start) {
		at = r.Start
	}
	grown := float64(at.Sub(r.Start)) / float64(r.End.Sub(r.Start))
	return (r.From + (r.To-r.From)*grown) / 100
}

// minuteOf counts minutes of UTC since 1970.
func minuteOf(now time.Time) int64 {
	seconds := now.Unix()
	if seconds < 0 {
		seconds -= 59
	}
	return seconds / 60
}

// draw is a number from 0 up to 1 that is a caller's in a minute, the same on each node and
// for each try.
func draw(c *Caller, minute int64) float64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(minute))
	_, _ = d.WriteString(c.Route)
	_, _ = d.WriteString("\n")
	_, _ = d.WriteString(c.key())
	return float64(d.Sum64()>>11) / (1 << 53)
}

// key is who a caller is from one request to the next: a consumer, or else the address.
func (c *Caller) key() string {
	switch {
	case c.ID != "":
		return c.ID
	case c.Username != "":
		return c.Username
	case c.CustomID != "":
		return c.CustomID
	}
	return c.Address
}

// rampOff reports whether the growing share takes a caller in at now. Of ramps at one time
// the largest share counts.
func (p *Plan) rampOff(now time.Time, c *Caller) bool {
	if len(p.Ramps) == 0 {
		return false
	}
	minute, share := minuteOf(now), 0.0
	for i := range p.Ramps {
		if r := &p.Ramps[i]; r.holds(now) {
			share = max(share, r.shareAt(minute))
		}
	}
	return share > 0 && draw(c, minute) < share
}
