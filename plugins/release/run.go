package release

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Edges are what a release is done by. All but Say may fail.
type Edges struct {
	// Put has a replica run a config and asks what it runs then: Unknown where it does not
	// say, or runs neither of the two.
	Put func(ctx context.Context, replica int, side Side) (runs Side, err error)
	// Smoke sends requests to a replica. An error is what a client would not put up with.
	// nil: none are sent.
	Smoke func(ctx context.Context, replica int) error
	// Bake watches a wave. An error is that it does worse.
	Bake func(ctx context.Context, s State, wave int) error
	// Save writes the state down. It is called before each step, and before the end.
	Save func(State) error
	// Hold makes sure, right before a config is posted, that nobody else may post one
	// until the post is over.
	Hold func(ctx context.Context) error
	// Say tells of a step.
	Say func(Step)
}

// Step is a step that ended.
type Step struct {
	Action  Action
	Replica string // whose it was, for a Put
	Runs    Side
	Err     error
	Took    time.Duration
}

// ErrNotHeld is the error of a release that lost its right to post. It says nothing of what
// the replicas run now: another one may be posting.
var ErrNotHeld = errors.New("another release may have begun")

const stopped = "it was told to stop"

// pause is how long a replica that did not take the old config back is left alone.
const pause = 2 * time.Second

// Run does a release from a state on until nothing is left to do. When ctx ends, it takes
// back what it did. The state says how it ended; an error is that the record of it is not
// whole, or that the release has lost its right to post and left the replicas as they are.
func Run(ctx context.Context, s State, e Edges) (State, error) {
	if e.Smoke == nil {
		s = s.unsmoked()
	}
	var unsaved error
	for {
		if s.Phase == Rolling && ctx.Err() != nil {
			s = s.TakeBack(stopped)
		}
		a := s.Next()
		intent := s.Intend(a)
		if err := e.Save(intent); err != nil {
			unsaved = fmt.Errorf("write down the release: %w", err)
			if s.Phase == Rolling {
				s = s.TakeBack(unsaved.Error())
				continue
			}
			// What is taken back is taken back, though nobody will find it written down.
		}
		if a.Kind == Finish {
			return s, unsaved
		}
		if a.Kind == Put {
			// The replica still runs what it ran: no one posted.
			if err := e.hold(ctx, s, a); err != nil {
				return s, errors.Join(err, unsaved, e.Save(s))
			}
		}
		began := time.Now()
		runs, err := e.do(ctx, s, a)
		if ctx.Err() != nil {
			intent = intent.TakeBack(stopped)
		}
		s = intent.Done(a, runs, err)
		e.Say(step(s, a, runs, err, time.Since(began)))
	}
}

func step(s State, a Action, runs Side, err error, took time.Duration) Step {
	done := Step{Action: a, Runs: runs, Err: err, Took: took}
	if a.Kind == Put {
		done.Replica = s.Replicas[a.Replica].Name
	}
	return done
}

// hold waits where the replica was just asked, and then makes sure that no one else posts.
// What is taken back is so whatever becomes of ctx.
func (e Edges) hold(ctx context.Context, s State, a Action) error {
	if a.Side == Before {
		ctx = context.WithoutCancel(ctx)
		if s.Replicas[a.Replica].Tries > 0 {
			time.Sleep(pause)
		}
	}
	err := e.Hold(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // the state machine sees that it is told to stop; Put fails by ctx
	}
	return err
}

func (e Edges) do(ctx context.Context, s State, a Action) (Side, error) {
	switch a.Kind {
	case Put:
		if a.Side == Before {
			ctx = context.WithoutCancel(ctx)
		}
		return e.Put(ctx, a.Replica, a.Side)
	case Smoke:
		for _, i := range s.Waves[a.Wave].Replicas {
			if err := e.Smoke(ctx, i); err != nil {
				return Unknown, fmt.Errorf("%s: smoke requests: %w", s.Replicas[i].Name, err)
			}
		}
		return Unknown, nil
	default:
		return Unknown, e.Bake(ctx, s, a.Wave)
	}
}
