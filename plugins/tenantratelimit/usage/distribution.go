package usage

import "math/bits"

// windowSeconds is what usage is counted in.
const windowSeconds = 60

// step is the number of the step that a count is in: counts below 16 have a
// step each, and each doubling above has eight. observe.lua says the same.
func step(count int64) int {
	if count < 16 {
		return int(count)
	}
	exponent := bits.Len64(uint64(count)) - 1
	return 16 + (exponent-4)*8 + int(count>>(exponent-3)) - 8
}

// end is the largest count of a step.
func end(step int) int64 {
	if step < 16 {
		return int64(step)
	}
	exponent, eighth := 4+(step-16)/8, int64(8+(step-16)%8)
	return (eighth+1)<<(exponent-3) - 1
}

// Distribution says how many windows had how many units.
type Distribution struct {
	steps map[int]*tallied
	// Peak is the most that one window had, and Who had it.
	Peak int64
	Who  string
}

type tallied struct{ windows, units int64 }

// add counts windows of that step, which had that many units.
func (d *Distribution) add(step int, windows, units int64) {
	if d.steps == nil {
		d.steps = map[int]*tallied{}
	}
	if d.steps[step] == nil {
		d.steps[step] = &tallied{}
	}
	d.steps[step].windows += windows
	d.steps[step].units += units
}

// observe counts one whole window.
func (d *Distribution) observe(who string, units int64) {
	d.add(step(units), 1, units)
	d.raise(who, units)
}

func (d *Distribution) raise(who string, units int64) {
	if units > d.Peak {
		d.Peak, d.Who = units, who
	}
}

// merge adds another's windows.
func (d *Distribution) merge(other *Distribution) {
	for s, t := range other.steps {
		d.add(s, t.windows, t.units)
	}
	d.raise(other.Who, other.Peak)
}

// Units is how much was asked for altogether.
func (d *Distribution) Units() (sum int64) {
	for _, t := range d.steps {
		sum += t.units
	}
	return sum
}

// Denied is how many units a limit of that many in a window would have denied.
// It is exact for the ends of steps, and for limits of at least the peak.
func (d *Distribution) Denied(limit int64) (sum int64) {
	if limit >= d.Peak {
		return 0
	}
	for s, t := range d.steps {
		if end(s) > limit {
			sum += max(0, t.units-limit*t.windows)
		}
	}
	return sum
}
