package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/configdiff"
	"github.com/gatehousehq/gatehouse/plugins/release/releasefiles"
)

func releaseRollbackCommand(s streams) *cobra.Command {
	var r releasing
	c := command("rollback", "take an unfinished release back, or the last one", nil)
	flags := c.Flags()
	r.addFlags(flags)
	r.canary, r.enough = 1, 1
	to := flags.String("to", "", "hash of the config to go back to; empty: the one before the last release")
	abandon := flags.Bool("abandon", false, "forget an unfinished release, whatever its replicas run")
	flags.StringVar(&r.force, "force", "", "why credentials that were changed since are to be as they were")
	c.Args, c.ValidArgsFunction = cli.NoArguments, cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, _ []string) error { return r.takeBack(c.Context(), s, *to, *abandon) }
	return c
}

// takeBack takes an unfinished release back, or puts the config on the replicas that
// ran before the last one. Peak hours do not hold it up.
func (r *releasing) takeBack(ctx context.Context, s streams, to string, abandon bool) error {
	return r.locked(ctx, s, func(o opened, lock *heldLock) error {
		if abandon {
			return r.abandon(ctx, s, o, lock)
		}
		if resumed, err := r.resume(ctx, s, o, lock); resumed || err != nil {
			return err
		}
		return r.rollback(ctx, s, o, lock, to)
	})
}

// abandon forgets a release that nobody will finish.
func (r *releasing) abandon(ctx context.Context, s streams, o opened, lock *heldLock) error {
	left, err := o.folder.Unfinished()
	if err != nil {
		return err
	}
	mark, err := lock.Unfinished(ctx)
	if err != nil {
		return err
	}
	if left == nil && mark == nil {
		return errors.New("there is no unfinished release")
	}
	end := releasefiles.Record{Time: time.Now().UTC(), Event: "end", Outcome: release.Mixed, Why: "abandoned by " + r.lock.who}
	if left != nil {
		end.Release, end.Replicas = left.Release, left.State.Replicas
	} else {
		end.Release = releasefiles.Release{ID: mark.ID, Who: mark.Who, Host: mark.Host, Began: mark.Since, Fence: mark.Fence}
	}
	if err := errors.Join(o.folder.Append(end), o.folder.Close(), lock.Mark(ctx, nil)); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "release %s is forgotten; gatehouse release status says what runs where\n", end.ID)
	return nil
}

func (r *releasing) rollback(ctx context.Context, s streams, o opened, lock *heldLock, to string) error {
	hashes, err := o.running(ctx)
	if err != nil {
		return fmt.Errorf("nothing was changed, since a replica does not say what it runs: %w", err)
	}
	if to == "" {
		if to, err = o.beforeLast(hashes[0]); err != nil {
			return err
		}
	}
	target, err := o.folder.Config(to)
	if err != nil {
		return err
	}
	if target == nil {
		return fmt.Errorf("--to %s: no such config is kept in %s", to, r.state)
	}
	checker, err := r.knowing()
	if err != nil {
		return err
	}
	secrets := checker.Secrets()
	exported, err := o.nodes[0].Export(ctx)
	if err != nil {
		return err
	}
	after, err := shown(secrets, kongyaml.File{Name: "the config " + to, Text: target})
	if err != nil {
		return err
	}
	changes, err := changesFrom(ctx, o.nodes[0], secrets, exported, after)
	if err != nil {
		return err
	}
	printChanges(s.out, hashes[0], to, changes)
	if configdiff.AnyCredential(changes) && r.force == "" {
		return errors.New("nothing was changed: credentials are others since then, and a key that was revoked would be let in again: release the old kong.yaml with the overlays of today, or say why with --force REASON")
	}
	before, err := o.before(ctx, hashes[0])
	if err != nil {
		return err
	}
	state := release.AtOnce(addressesOf(o.nodes))
	for i, hash := range hashes {
		if hash != hashes[0] {
			state.Replicas[i].Runs = release.Unknown // what the first one runs is what they go back to
		}
	}
	f := &fleet{r: r, o: o, s: s, lock: lock, secrets: secrets, state: state,
		texts: map[release.Side][]byte{release.Before: before, release.After: target},
		is:    r.describe("rollback", lock, kongadmin.Hash(before), hashes[0], to)}
	return f.release(ctx)
}

// beforeLast is the config before the last release that was applied, which runs.
func (o opened) beforeLast(runs string) (string, error) {
	ended, err := o.folder.Ended()
	if err != nil {
		return "", err
	}
	for i := len(ended) - 1; i >= 0; i-- {
		if ended[i].Kind == "apply" && ended[i].Outcome == release.Applied && ended[i].After == runs {
			return ended[i].Before, nil
		}
	}
	return "", fmt.Errorf("no release here put %s on the replicas: name a config of configs/ with --to HASH", runs)
}
