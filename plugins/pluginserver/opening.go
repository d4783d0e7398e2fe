package pluginserver

import (
	"bytes"
	"sync/atomic"
)

// An event that begins as the two before it did gets the answers to its first
// reads in one round trip: they are all asked for with the first of them. Most
// handlers begin with the same few reads each time, and a round trip costs Kong's
// worker a wait, and both sides several system calls.
//
// That a read is made before the handler asks for it makes no difference to the
// answer: it is one of those that are constant (constant.go), and nothing that the
// handler does in between reaches Kong, since only reads that follow one another from
// the beginning are foreseen. One that the handler then does not make is dropped.

const (
	// openingCalls and openingBytes bound what is foreseen.
	openingCalls = 16
	openingBytes = 2 << 10
)

// run is the calls that an event begins with: their frames as they are written.
type run struct {
	frames []byte
	ends   []int // where each call ends
}

// at returns a call of the run, nil if it has not as many.
func (r *run) at(i int) []byte {
	if r == nil || i >= len(r.ends) {
		return nil
	}
	start := 0
	if i > 0 {
		start = r.ends[i-1]
	}
	return r.frames[start:r.ends[i]]
}

// first is the run's first calls, in memory of their own.
func (r *run) first(n int) *run {
	if n == 0 {
		return &run{}
	}
	end := r.ends[n-1]
	return &run{frames: bytes.Clone(r.frames[:end]), ends: append([]int(nil), r.ends[:n]...)}
}

func (r *run) add(call []byte) {
	r.frames = append(r.frames, call...)
	r.ends = append(r.ends, len(r.frames))
}

// full reports whether one more call would be too much.
func (r *run) full(call []byte) bool {
	return len(r.ends) >= openingCalls || len(r.frames)+len(call) > openingBytes
}

// openings are what the last events of an instance in one phase began with.
type openings struct {
	last   *run // of the last event
	common *run // of the last two, which the next is taken to begin with
}

// opening is where an event is with its first calls.
type opening struct {
	of    *atomic.Pointer[openings] // nil for a connection whose events are not foreseen
	known *openings                 // when the event began
	ended bool                      // the event has made another call than a constant one
	made  int                       // calls of the opening that the handler has made
	ahead int                       // calls of known.common that were sent, made or not
	now   *run                      // what the handler made, if that is not known.last
}

// begin prepares for an event.
func (o *opening) begin(of *atomic.Pointer[openings]) {
	*o = opening{of: of, known: of.Load()}
	if o.known == nil {
		o.known = &openings{}
	}
}

// step says what a call of the opening needs.
type step uint8

const (
	stepAsk  step = iota // it is to be sent
	stepAll              // it is to be sent, and the rest of the opening with it
	stepSent             // it was sent before
	stepOver             // the opening is over, and the call to be sent
)

// call takes note of a constant call. rest is what to send behind it at stepAll.
func (o *opening) call(frames []byte) (s step, rest []byte) {
	if o.of == nil || o.ended {
		return stepAsk, nil
	}
	i, common := o.made, o.known.common
	foreseen := bytes.Equal(frames, common.at(i))
	switch {
	case !foreseen && i < o.ahead, !o.note(frames):
		return stepOver, nil
	case foreseen && i == 0:
		o.made, o.ahead = 1, len(common.ends)
		return stepAll, common.frames[len(frames):]
	}
	o.made++
	if i < o.ahead {
		return stepSent, nil
	}
	return stepAsk, nil
}

// note records what differs from the last event, and reports whether it is not too
// much.
func (o *opening) note(frames []byte) bool {
	if o.now == nil {
		if bytes.Equal(frames, o.known.last.at(o.made)) {
			return true
		}
		o.now = o.known.last.firstOrNone(o.made)
	}
	if o.now.full(frames) {
		return false
	}
	o.now.add(frames)
	return true
}

func (r *run) firstOrNone(n int) *run {
	if r == nil {
		return &run{}
	}
	return r.first(n)
}

// end ends the opening, with the first call that is not constant or with the
// event. It returns how many calls were sent that the handler has not made.
func (o *opening) end() (unused int) {
	if o.of == nil || o.ended {
		return 0
	}
	o.ended = true
	o.learn()
	return max(o.ahead-o.made, 0)
}

// learn remembers what the event began with, where that is new.
func (o *opening) learn() {
	now := o.now
	if now == nil {
		if last := o.known.last; last != nil && len(last.ends) == o.made {
			if o.known.common != nil && len(o.known.common.ends) == o.made {
				return
			}
			now = last
		} else {
			now = last.firstOrNone(o.made)
		}
	}
	common := 0
	for common < len(now.ends) && bytes.Equal(now.at(common), o.known.last.at(common)) {
		common++
	}
	o.of.Store(&openings{last: now, common: now.first(common)})
}
