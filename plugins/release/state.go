package release

import (
	"fmt"
	"slices"
)

// Side is one of the two configs of a release.
type Side string

// The sides. What a replica runs is unknown from before a config is posted to it until it
// says what it runs.
const (
	Before  Side = "before"
	After   Side = "after"
	Unknown Side = "unknown"
)

// Phase is how far a release is.
type Phase string

// The phases.
const (
	Rolling    Phase = "rolling"     // the new config goes on replicas
	TakingBack Phase = "taking_back" // the old one comes back
)

// Replica is one gateway of a release.
type Replica struct {
	// Name is its Admin API's address, without a password.
	Name string `json:"name"`
	Runs Side   `json:"runs"`
	// Tries are how often it was asked to take the old config back, and did not.
	Tries int `json:"tries,omitempty"`
	// Err is why it is not on the side where it is to be.
	Err string `json:"error,omitempty"`
}

// Wave is replicas that get a config together, and are watched before others get it.
type Wave struct {
	Replicas []int `json:"replicas"`
	Smoked   bool  `json:"smoked,omitempty"`
	Baked    bool  `json:"baked,omitempty"`
}

// State is one release. It is a value: its methods return the next one.
type State struct {
	Phase    Phase     `json:"phase"`
	Replicas []Replica `json:"replicas"`
	Waves    []Wave    `json:"waves"`
	// Why is what made the release be taken back.
	Why string `json:"why,omitempty"`
}

// New is a release that has not begun: every replica runs the config before. The first wave
// has canary replicas, and each other twice as many as the one before it.
func New(names []string, canary int) State {
	s := State{Phase: Rolling}
	for _, name := range names {
		s.Replicas = append(s.Replicas, Replica{Name: name, Runs: Before})
	}
	for at, size := 0, canary; at < len(names); at, size = at+size, 2*size {
		var w Wave
		for i := at; i < min(at+size, len(names)); i++ {
			w.Replicas = append(w.Replicas, i)
		}
		s.Waves = append(s.Waves, w)
	}
	return s
}

// AtOnce is a release that is one wave and is not watched: the way back to a config that is
// known.
func AtOnce(names []string) State {
	s := New(names, len(names))
	s.Waves[0].Smoked, s.Waves[0].Baked = true, true
	return s
}

// unsmoked is a release for which no smoke requests are sent.
func (s State) unsmoked() State {
	s = s.clone()
	for i := range s.Waves {
		s.Waves[i].Smoked = true
	}
	return s
}

// Action is what is to be done next.
type Action struct {
	Kind ActionKind
	// Replica gets the config of Side, where that is what is to be done.
	Replica int
	Side    Side
	// Wave is whose replicas are asked or watched.
	Wave int
}

// ActionKind says what an [Action] is.
type ActionKind int

// What there is to do.
const (
	Finish ActionKind = iota // nothing is left
	Put                      // have a replica run a config
	Smoke                    // send a wave's replicas requests
	Bake                     // watch a wave's replicas
)

// maxTries is how often a replica is asked to take the old config back.
const maxTries = 10

// Next is what is to be done in a state.
func (s State) Next() Action {
	if s.Phase == TakingBack {
		return s.back()
	}
	for w, wave := range s.Waves {
		for _, i := range wave.Replicas {
			if s.Replicas[i].Runs != After {
				return Action{Kind: Put, Replica: i, Side: After, Wave: w}
			}
		}
		switch {
		case !wave.Smoked:
			return Action{Kind: Smoke, Wave: w}
		case !wave.Baked:
			return Action{Kind: Bake, Wave: w}
		}
	}
	return Action{Kind: Finish}
}

// back is the next replica to get the old config: of those that do not run it the one that
// was asked least often, so that one which hangs keeps no other from it.
func (s State) back() Action {
	next := -1
	for i, r := range s.Replicas {
		if r.Runs != Before && r.Tries < maxTries && (next < 0 || r.Tries < s.Replicas[next].Tries) {
			next = i
		}
	}
	if next < 0 {
		return Action{Kind: Finish}
	}
	return Action{Kind: Put, Replica: next, Side: Before}
}

func (s State) clone() State {
	s.Replicas = slices.Clone(s.Replicas)
	s.Waves = slices.Clone(s.Waves)
	return s
}

// Intend is the state from before an action until its end is known. It is what is written
// down before the action is taken.
func (s State) Intend(a Action) State {
	if a.Kind != Put {
		return s
	}
	s = s.clone()
	s.Replicas[a.Replica].Runs = Unknown
	return s
}

// Done is the state after an action that ended with an error, or with nil. runs is what the
// replica of a [Put] says that it runs.
func (s State) Done(a Action, runs Side, err error) State {
	s = s.clone()
	switch a.Kind {
	case Put:
		return s.put(a, runs, err)
	case Smoke:
		s.Waves[a.Wave].Smoked = err == nil
	case Bake:
		s.Waves[a.Wave].Baked = err == nil
	}
	if err != nil {
		s = s.TakeBack(err.Error())
	}
	return s
}

func (s State) put(a Action, runs Side, err error) State {
	r := &s.Replicas[a.Replica]
	r.Runs, r.Err = runs, ""
	if runs == a.Side {
		return s // it runs it, whatever else went wrong
	}
	if err == nil {
		err = fmt.Errorf("it took the config and runs another one")
	}
	r.Err = err.Error()
	if a.Side == Before {
		r.Tries++
		return s
	}
	return s.TakeBack(fmt.Sprintf("%s: %v", r.Name, err))
}

// TakeBack is the state of a release that is to be taken back. The first reason counts.
// Every replica is asked what it runs, also those that did not get the new config: what
// went wrong may be that one of them died, or was started anew.
func (s State) TakeBack(why string) State {
	if s.Phase == TakingBack {
		return s
	}
	s = s.clone()
	s.Phase, s.Why = TakingBack, why
	for i := range s.Replicas {
		s.Replicas[i].Runs = Unknown
	}
	return s
}

// Resume is the state of a release whose process has ended, as it was last written down.
// One that had come to its end is finished; any other is taken back. What a replica ran
// then is no longer known: it may have been started anew.
func (s State) Resume() State {
	if s.Phase == Rolling && s.Next().Kind == Finish {
		return s
	}
	s = s.TakeBack("its process ended before it was done").clone()
	for i := range s.Replicas {
		s.Replicas[i].Runs, s.Replicas[i].Tries = Unknown, 0
	}
	return s
}

// Outcome is how a release ended.
type Outcome string

// The outcomes.
const (
	Applied   Outcome = "applied"    // every replica runs the new config
	TakenBack Outcome = "taken_back" // every replica runs the config before
	Mixed     Outcome = "mixed"      // not every replica is known to run one of them
)

// Outcome is how a release ends, or would if it ended now.
func (s State) Outcome() Outcome {
	switch {
	case s.all(After):
		return Applied
	case s.all(Before):
		return TakenBack
	default:
		return Mixed
	}
}

func (s State) all(side Side) bool {
	return !slices.ContainsFunc(s.Replicas, func(r Replica) bool { return r.Runs != side })
}
