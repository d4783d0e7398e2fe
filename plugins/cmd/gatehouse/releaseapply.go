package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/configdiff"
	"github.com/gatehousehq/gatehouse/plugins/release/releasefiles"
)

// releaseTurn is how long a release waits for whoever posts keys.
const releaseTurn = 15 * time.Second

func releaseApplyCommand(s streams) *cobra.Command {
	var r releasing
	c := plain("apply", "put a config on a few replicas first, watch it, and take it back where it does worse", func(ctx context.Context) error {
		return r.applyFirst(ctx, s)
	})
	r.addFlags(c.Flags())
	r.addApplyFlags(c.Flags())
	return c
}

// applyFirst puts a config on replicas, a few first. A release that did not finish is ended
// before, and then nothing else is done.
func (r *releasing) applyFirst(ctx context.Context, s streams) error {
	return r.locked(ctx, s, func(o opened, lock *heldLock) error {
		if resumed, err := r.resume(ctx, s, o, lock); resumed || err != nil {
			return err
		}
		turn, err := r.takeTurn(ctx, s)
		if err != nil {
			return err
		}
		defer turn.Close()
		return r.apply(ctx, s, o, lock)
	})
}

// locked is [releasing.on], for a command that does its work while it has the lock.
func (r *releasing) locked(ctx context.Context, s streams, work func(opened, *heldLock) error) error {
	return r.on(ctx, func(o opened) error {
		lock, err := r.lock.take(ctx, s, r.timeout, releaseTurn)
		if err != nil {
			return err
		}
		defer lock.Close()
		return work(o, lock)
	})
}

// on has a command do its work on the replicas that the command line names.
func (r *releasing) on(ctx context.Context, work func(opened) error) error {
	if err := r.check(); err != nil {
		return err
	}
	o, err := r.opened(ctx)
	if err != nil {
		return err
	}
	return work(o)
}

// apply releases the config of the files, which nobody writes meanwhile.
func (r *releasing) apply(ctx context.Context, s streams, o opened, lock *heldLock) error {
	next, err := r.next(s)
	if err != nil {
		return err
	}
	hashes, err := o.running(ctx)
	if err != nil {
		return fmt.Errorf("nothing was released, since a replica does not say what it runs: %w", err)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(hashes)))) > 1 {
		return fmt.Errorf("nothing was released: the replicas run different configs (%s): make them one with gatehouse release rollback -to HASH, or with gatehouse publish", strings.Join(hashes, ", "))
	}
	before, err := o.before(ctx, hashes[0])
	if err != nil {
		return err
	}
	changes, err := next.changes(ctx, o.nodes[0])
	if err != nil {
		return err
	}
	printChanges(s.out, hashes[0], next.hash, changes)
	if hashes[0] == next.hash {
		return nil
	}
	state := release.New(addressesOf(o.nodes), min(r.canary, len(o.nodes)))
	if !configdiff.CredentialsOnly(changes) {
		if err := r.atPeak(time.Now(), r.takes(state)); err != nil {
			return err
		}
	}
	f := &fleet{r: r, o: o, s: s, lock: lock, secrets: next.secrets, state: state, texts: map[release.Side][]byte{release.Before: before, release.After: next.Text},
		is: r.describe("apply", lock, kongadmin.Hash(before), hashes[0], next.hash)}
	return f.release(ctx)
}

// describe says who releases what.
func (r *releasing) describe(kind string, lock *heldLock, before, runs, after string) releasefiles.Release {
	is := releasefiles.Release{
		ID: time.Now().UTC().Format("20060102T150405") + "-" + strings.ToLower(rand.Text()[:6]), Kind: kind, Who: r.lock.who, Host: hostname(),
		Began: time.Now().UTC(), Fence: lock.Fence(), Reason: r.force, Before: before, After: after,
	}
	if runs != before {
		is.BeforeToo = []string{runs}
	}
	return is
}

// before is the text of the config that runs: the one that was posted, if it is kept here,
// or what a node writes of it.
func (o opened) before(ctx context.Context, hash string) ([]byte, error) {
	if text, err := o.folder.Config(hash); text != nil || err != nil {
		return text, err
	}
	text, err := o.nodes[0].Export(ctx)
	if err != nil {
		return nil, fmt.Errorf("nothing was released: %s does not give its config, to which there would be no way back: %w", o.nodes[0], err)
	}
	return text, nil
}

func addressesOf(nodes []*kongadmin.Node) (list []string) {
	for _, n := range nodes {
		list = append(list, n.String())
	}
	return list
}

// resume ends a release whose process did not, if there is one, and reports whether there
// was: what was asked for is to be asked for again.
func (r *releasing) resume(ctx context.Context, s streams, o opened, lock *heldLock) (resumed bool, err error) {
	left, err := o.folder.Unfinished()
	if err != nil {
		return true, err
	}
	if left == nil {
		return false, lock.free(ctx)
	}
	if mark, err := lock.Unfinished(ctx); err != nil || mark != nil && mark.ID != left.ID {
		return true, errors.Join(err, lock.free(ctx))
	}
	nodes, err := r.ofRelease(o.nodes, left)
	if err != nil {
		return true, err
	}
	o.nodes = nodes
	checker, err := r.knowing()
	if err != nil {
		return true, err
	}
	f := &fleet{r: r, o: o, s: s, lock: lock, secrets: checker.Secrets(), state: left.State.Resume(), is: left.Release, texts: map[release.Side][]byte{}}
	for side, hash := range map[release.Side]string{release.Before: left.Before, release.After: left.After} {
		if f.texts[side], err = o.folder.Config(hash); err != nil || f.texts[side] == nil {
			return true, errors.Join(err, fmt.Errorf("release %s did not finish, and its config %s is not in %s any more: put one on the nodes with gatehouse publish, and then run gatehouse release rollback --abandon", left.ID, hash, r.state))
		}
	}
	what := "it is taken back"
	if f.state.Phase == release.Rolling {
		what = "all replicas have it, so it is finished"
	}
	fmt.Fprintf(s.err, "gatehouse: release %s of %s, begun %s, did not finish: %s first\n", left.ID, left.Who, left.Began.Format(time.RFC3339), what)
	f.is.Fence = lock.Fence()
	return true, f.release(ctx)
}

// ofRelease are the nodes that an unfinished release was about. All of them have to be
// named, or one would keep what it has.
func (r *releasing) ofRelease(nodes []*kongadmin.Node, left *releasefiles.Unfinished) ([]*kongadmin.Node, error) {
	list := make([]*kongadmin.Node, len(left.State.Replicas))
	for i, replica := range left.State.Replicas {
		at := slices.IndexFunc(nodes, func(n *kongadmin.Node) bool { return n.String() == replica.Name })
		if at < 0 {
			return nil, fmt.Errorf("release %s did not finish, and its replica %s is none of those that --node names: name it too, or run gatehouse release rollback --abandon if it is gone", left.ID, replica.Name)
		}
		list[i] = nodes[at]
	}
	return list, nil
}

// release does a release, and says how it ended.
func (f *fleet) release(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	began := time.Now()
	end, err := release.Run(ctx, f.state, f.edges())
	outcome := end.Outcome()
	if errors.Is(err, release.ErrNotHeld) {
		outcome = release.Mixed
	}
	f.report(end, outcome)
	failed := f.o.folder.Append(releasefiles.Record{Time: time.Now().UTC(), Release: f.is, Event: "end", Outcome: outcome, Why: end.Why, Replicas: end.Replicas, Seconds: time.Since(began).Seconds()})
	if outcome != release.Mixed {
		failed = errors.Join(failed, f.o.folder.Close(), f.unmark())
	}
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if outcome != release.Applied || f.state.Phase == release.TakingBack {
		return exitCode(1)
	}
	return nil
}

// unmark says to whoever comes next that nothing is unfinished.
func (f *fleet) unmark() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	return f.lock.Mark(ctx, nil)
}

// report says what each replica runs.
func (f *fleet) report(end release.State, outcome release.Outcome) {
	if end.Why != "" {
		fmt.Fprintf(f.s.out, "taken back, because %s\n", end.Why)
	}
	for _, r := range end.Replicas {
		switch r.Runs {
		case release.Before:
			fmt.Fprintf(f.s.out, "%s runs the config before, %s\n", r.Name, f.is.Before)
		case release.After:
			fmt.Fprintf(f.s.out, "%s runs the new config, %s\n", r.Name, f.is.After)
		default:
			fmt.Fprintf(f.s.out, "%s does not say what it runs: %s\n", r.Name, r.Err)
		}
	}
	fmt.Fprintf(f.s.out, "release %s: %s\n", f.is.ID, map[release.Outcome]string{
		release.Applied:   "applied, every replica runs the new config",
		release.TakenBack: "taken back, every replica runs the config before",
		release.Mixed:     "not finished: the next gatehouse release apply or rollback takes the rest back first",
	}[outcome])
}

// hide takes the secrets of a config out of what Kong says of it.
func (f *fleet) hide(side release.Side) (func(string) string, error) {
	return f.secrets.Replacer(kongyaml.File{Name: "the config " + string(side), Text: f.texts[side]})
}
