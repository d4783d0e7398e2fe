package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/releasefiles"
	"github.com/gatehousehq/gatehouse/plugins/release/releaselock"
	"github.com/gatehousehq/gatehouse/plugins/release/traffic"
)

// fleet is the replicas of a release, with what is done to them.
type fleet struct {
	r       *releasing
	o       opened
	s       streams
	lock    *heldLock
	secrets *kongsecret.Finder
	state   release.State
	is      releasefiles.Release
	texts   map[release.Side][]byte

	configs map[release.Side]kongadmin.Config
	metrics []string
	proxies []string // empty: no smoke requests are sent
	// earlier is what each replica had answered when the release began; nil if it does
	// not say.
	earlier []release.Traffic
	said    string
}

// open does what has to be done before the first step: the way back is kept, and whoever
// finds this release unfinished knows of it.
func (f *fleet) open(ctx context.Context) error {
	f.configs = map[release.Side]kongadmin.Config{}
	for side, text := range f.texts {
		hide, err := f.hide(side)
		if err != nil {
			return err
		}
		f.configs[side] = kongadmin.Config{Text: text, Hide: hide}
		if err := f.o.folder.Keep(kongadmin.Hash(text), text); err != nil {
			return err
		}
	}
	var err error
	if f.metrics, err = addresses(f.o.nodes, orDefault(f.r.metrics, "http://{host}:9542/metrics"), "metrics"); err != nil {
		return err
	}
	if len(f.r.proxies) > 0 {
		if f.proxies, err = addresses(f.o.nodes, f.r.proxies, "proxy"); err != nil {
			return err
		}
	}
	if f.state.Phase == release.Rolling {
		f.earlier = f.traffic(ctx)
	}
	if err := f.o.folder.Save(releasefiles.Unfinished{Release: f.is, State: f.state}); err != nil {
		return err
	}
	if err := f.lock.Mark(ctx, f.mark()); err != nil {
		return errors.Join(err, f.o.folder.Close())
	}
	return f.o.folder.Append(releasefiles.Record{Time: time.Now().UTC(), Release: f.is, Event: "begin"})
}

func orDefault(given []string, otherwise string) []string {
	if len(given) == 0 {
		return []string{otherwise}
	}
	return given
}

func (f *fleet) mark() *releaselock.Open {
	return &releaselock.Open{ID: f.is.ID, Who: f.is.Who, Host: f.is.Host, State: resolved(f.r.state), Since: f.is.Began, Fence: f.is.Fence}
}

func (f *fleet) edges() release.Edges {
	e := release.Edges{
		Put: f.put, Bake: f.bake, Hold: f.hold, Say: f.say,
		Save: func(s release.State) error {
			return f.o.folder.Save(releasefiles.Unfinished{Release: f.is, State: s})
		},
	}
	if len(f.proxies) > 0 {
		e.Smoke = f.smoke
	}
	return e
}

// side is which of the two configs a hash is of.
func (f *fleet) side(hash string) release.Side {
	switch {
	case hash == f.is.After:
		return release.After
	case hash == f.is.Before, slices.Contains(f.is.BeforeToo, hash):
		return release.Before
	default:
		return release.Unknown
	}
}

// put has a replica run a config, unless it does. The config before is put there as the one
// text that is kept: replicas with two texts of it differ by their hashes, and nothing could be
// released.
func (f *fleet) put(ctx context.Context, i int, side release.Side) (release.Side, error) {
	n := f.o.nodes[i]
	if hash, err := n.Running(ctx); err == nil && hash == map[release.Side]string{release.Before: f.is.Before, release.After: f.is.After}[side] {
		return side, nil
	}
	_, err := n.Post(ctx, f.configs[side])
	hash, askErr := n.Running(context.WithoutCancel(ctx)) // which ends by the client's own time-out
	switch {
	case askErr != nil && err == nil:
		return release.Unknown, fmt.Errorf("ask what it runs: %w", askErr)
	case askErr != nil:
		return release.Unknown, fmt.Errorf("%w; it does not say what it runs", err)
	}
	return f.side(hash), err
}

// patience is how long is waited for a Redis that does not answer, or that lost the lock
// when another one took its place.
const patience = time.Minute

// hold makes sure that this is the only one to post, for as long as it takes to ask a node,
// to post to it and to ask again.
func (f *fleet) hold(ctx context.Context) error {
	until := time.Now().Add(patience)
	for {
		err := f.lock.Hold(ctx, 4*f.r.timeout+time.Second)
		if err == nil {
			return nil
		}
		if err = f.again(ctx, err); err == nil {
			return nil
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return fmt.Errorf("%w: %w", release.ErrNotHeld, err)
		}
		time.Sleep(time.Second)
	}
}

// again takes the lock anew that was lost, if nobody had it meanwhile: the mark that this
// release is unfinished keeps the others from posting.
func (f *fleet) again(ctx context.Context, lost error) error {
	lock, err := releaselock.Try(ctx, f.lock.client, f.lock.options)
	if err != nil {
		return errors.Join(lost, err)
	}
	_ = f.lock.Release(ctx) // which stops extending it, and takes nobody's away
	f.lock.Lock = lock
	mark, err := lock.Unfinished(ctx)
	if err == nil && mark != nil && mark.ID != f.is.ID {
		err = errors.New("another release is unfinished")
	}
	if err != nil {
		return err
	}
	f.is.Fence = lock.Fence()
	return lock.Mark(ctx, f.mark())
}

// say tells of a step and writes it into the record.
func (f *fleet) say(step release.Step) {
	r := releasefiles.Record{Time: time.Now().UTC(), Release: f.is, Replica: step.Replica, Seconds: step.Took.Seconds()}
	switch step.Action.Kind {
	case release.Put:
		r.Event, r.Runs = "put", string(step.Runs)
	case release.Smoke:
		r.Event = "smoke"
	case release.Bake:
		r.Event = "bake"
	}
	if step.Err != nil {
		r.Error = step.Err.Error()
	}
	if line := line(r); line != "" && line != f.said {
		f.said = line // of a replica that stays away once, and not at each try
		fmt.Fprintf(f.s.out, "%s (%.1f s)\n", line, r.Seconds)
	}
	if err := f.o.folder.Append(r); err != nil {
		fmt.Fprintln(f.s.err, "gatehouse:", err)
	}
}

// line is what a person is told of a step, empty if that is nothing.
func line(r releasefiles.Record) string {
	var parts []string
	switch {
	case r.Replica == "" && r.Error != "":
		parts = append(parts, r.Event)
	case r.Replica != "" && r.Runs == string(release.Unknown):
		parts = append(parts, r.Replica)
	case r.Replica != "":
		parts = append(parts, r.Replica, "runs the config "+r.Runs)
	}
	if r.Error != "" {
		parts = append(parts, r.Error)
	}
	return strings.Join(parts, ": ")
}

// traffic is what each replica has answered, nil of those that do not say.
func (f *fleet) traffic(ctx context.Context) []release.Traffic {
	all := make([]release.Traffic, len(f.metrics))
	for i, url := range f.metrics {
		all[i], _ = traffic.Read(ctx, metricsClient, url) // bake says which do not
	}
	return all
}

// looks are how often a wave is looked at while it bakes.
const looks = 12

// bake watches a wave: its replicas have to stay up and run what they were given, and to
// answer no worse than the others and than before.
func (f *fleet) bake(ctx context.Context, s release.State, wave int) error {
	takes := f.r.later
	if wave == 0 {
		takes = f.r.bake
	}
	began := f.traffic(ctx)
	fmt.Fprintf(f.s.out, "wave %d of %d: watched for %v\n", wave+1, len(s.Waves), takes)
	w := &watch{f: f, s: s, wave: s.Waves[wave].Replicas, began: began}
	for range looks {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes / looks):
		}
		if err := w.look(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(f.s.out, w.summary())
	return nil
}

// watch is one bake.
type watch struct {
	f       *fleet
	s       release.State
	wave    []int
	began   []release.Traffic
	absent  map[int]int // looks in a row at which a replica did not say what it runs
	verdict release.Verdict
	unread  []string // replicas without metrics
}

// absences are how often in a row a replica may not answer.
const absences = 3

func (w *watch) look(ctx context.Context) error {
	if err := w.up(ctx); err != nil {
		return err
	}
	now := w.f.traffic(ctx)
	var watched, others, earlier release.Traffic
	w.unread = nil
	for i, r := range w.s.Replicas {
		if now[i] == nil {
			w.unread = append(w.unread, r.Name)
			continue
		}
		since := now[i].Since(w.began[i])
		switch {
		case slices.Contains(w.wave, i):
			watched, earlier = watched.Plus(since), earlier.Plus(w.f.earlier[i])
		case r.Runs == release.Before:
			others = others.Plus(since)
		}
	}
	w.verdict = release.Rule{Enough: w.f.r.enough, Looks: looks}.Judge(watched, others, earlier)
	if len(w.verdict.Worse) > 0 {
		return errors.New(strings.Join(w.verdict.Worse, "; "))
	}
	return nil
}

// up is the error of a replica that does not run what it is to run.
func (w *watch) up(ctx context.Context) error {
	if w.absent == nil {
		w.absent = map[int]int{}
	}
	for i, n := range w.f.o.nodes {
		hash, err := n.Running(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if w.absent[i]++; w.absent[i] >= absences {
				return fmt.Errorf("%s does not answer: %w", n, err)
			}
		case w.f.side(hash) != w.s.Replicas[i].Runs:
			return fmt.Errorf("%s runs %s: it was started anew, or somebody else posts to it", n, hash)
		default:
			w.absent[i] = 0
		}
	}
	return nil
}

// summary says what was seen, and what was not.
func (w *watch) summary() string {
	text := fmt.Sprintf("%d requests, no worse than the others and than before", w.verdict.Seen)
	if !w.verdict.Compared {
		text = fmt.Sprintf("%d requests are too few to compare (--enough %d of these and of others): that all stay up decides", w.verdict.Seen, w.f.r.enough)
		if len(w.f.proxies) > 0 {
			text += ", with the smoke requests"
		}
	}
	if len(w.unread) > 0 {
		text += "; no metrics of " + strings.Join(w.unread, ", ")
	}
	return text
}
