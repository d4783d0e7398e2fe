package issuers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Store keeps the overlay. An error about what it has names it.
type Store interface {
	fmt.Stringer
	// Load is what Save kept, nil if there is nothing.
	Load() ([]byte, error)
	Save(overlay []byte) error
}

// Syncer keeps the keys of issuers as an overlay.
type Syncer struct {
	Issuers []Issuer
	Store   Store
	// Taken are the keys of other credentials, and whose they are. It is asked each round.
	Taken func() (map[string]string, error)
	// Publish is called once a round, with the overlay saved.
	Publish func(context.Context) error
	// OnlyChanges leaves out the rounds after which the store has what is published
	// already: what else somebody puts on the nodes meanwhile stays. The nodes have begun
	// with what the store has.
	OnlyChanges bool
	// Say tells an operator what to look at, a line at a time; a line that the last round
	// had is not said again.
	Say func(line string)

	said []string
	// changed says that the store has what is not published yet.
	changed bool
}

// Round reads every issuer and saves and publishes what is to be. failed counts the
// issuers that could not be read.
func (s *Syncer) Round(ctx context.Context) (failed int, err error) {
	text, err := s.Store.Load()
	if err != nil {
		return 0, err
	}
	state := State{}
	if text != nil {
		if state, err = ReadState(text, s.Issuers); err != nil {
			return 0, fmt.Errorf("read %s: %w", s.Store, err)
		}
	}
	taken, err := s.Taken()
	if err != nil {
		return 0, err
	}
	read := s.readAll(ctx)
	if ctx.Err() != nil {
		return 0, ctx.Err() // what was read is of an end, not of an issuer
	}
	for _, r := range read {
		if r.Err != nil {
			failed++
		}
	}
	after, lines := Next(Round{Issuers: s.Issuers, Before: state, Read: read, Taken: taken, Now: time.Now()})
	s.say(lines)
	overlay, err := after.Overlay(s.Issuers)
	if err != nil {
		return failed, err
	}
	if string(overlay) != string(text) {
		if err := s.Store.Save(overlay); err != nil {
			return failed, err
		}
		s.changed = true
	}
	if s.OnlyChanges && !s.changed {
		return failed, nil
	}
	if err := s.Publish(ctx); err != nil {
		return failed, err
	}
	s.changed = false
	return failed, nil
}

// readAll asks all issuers at once: a slow one keeps no other from its round.
func (s *Syncer) readAll(ctx context.Context) []Reading {
	read := make([]Reading, len(s.Issuers))
	var all sync.WaitGroup
	for n, issuer := range s.Issuers {
		all.Go(func() { read[n] = Read(ctx, issuer) })
	}
	all.Wait()
	return read
}

func (s *Syncer) say(lines []string) {
	for _, line := range lines {
		if !slices.Contains(s.said, line) {
			s.Say(line)
		}
	}
	s.said = lines
}

// jitter is the part of the time between rounds by which it may be longer or shorter, so
// that many gateways do not ask one issuer at once.
const jitter = 0.1

// Run has a round at once and then one after the other, every so long and a little more
// or less, until ctx ends. That a round fails is said once, and the next one tries again.
func (s *Syncer) Run(ctx context.Context, every time.Duration) {
	last := ""
	for {
		fault := ""
		if _, err := s.Round(ctx); err != nil {
			fault = err.Error()
		}
		if fault != "" && fault != last && ctx.Err() == nil {
			s.Say(fault)
		}
		last = fault
		wait := time.NewTimer(between(every, rand.Float64()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

// between is a time from 0.9 to 1.1 of every, by a number from 0 to 1.
func between(every time.Duration, at float64) time.Duration {
	return time.Duration(float64(every) * (1 - jitter + 2*jitter*at))
}
