package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/releaselock"
)

func releaseStatusCommand(s streams) *cobra.Command {
	var r releasing
	c := plain("status", "say which config runs where, and what is unfinished", func(ctx context.Context) error { return r.status(ctx, s) })
	r.addFlags(c.Flags())
	r.canary, r.enough = 1, 1
	return c
}

// status says which config runs where, and what is unfinished. It changes nothing.
func (r *releasing) status(ctx context.Context, s streams) error {
	return r.on(ctx, func(o opened) error {
		differ, err := o.printRunning(ctx, s)
		if err != nil {
			return err
		}
		unfinished, err := r.printUnfinished(ctx, s, o)
		if err != nil {
			return err
		}
		if differ || unfinished {
			return exitCode(1)
		}
		return nil
	})
}

// printRunning prints a line for each node, and reports whether they differ.
func (o opened) printRunning(ctx context.Context, s streams) (differ bool, err error) {
	ended, err := o.folder.Ended()
	if err != nil {
		return false, err
	}
	first := ""
	for i, n := range o.nodes {
		hash, err := n.Running(ctx)
		if err != nil {
			fmt.Fprintf(s.out, "%s: %v\n", n, err)
			differ = true
			continue
		}
		from := "by no release that is recorded here"
		for _, e := range ended {
			if e.Outcome == release.Applied && e.After == hash {
				from = fmt.Sprintf("release %s by %s, %s", e.ID, e.Who, e.Time.Format(time.RFC3339))
			}
		}
		fmt.Fprintf(s.out, "%s runs %s (%s)\n", n, hash, from)
		if i == 0 {
			first = hash
		}
		differ = differ || hash != first
	}
	if differ {
		fmt.Fprintln(s.out, "the replicas do not all run one config")
	}
	return differ, nil
}

func (r *releasing) printUnfinished(ctx context.Context, s streams, o opened) (bool, error) {
	left, err := o.folder.Unfinished()
	if err != nil {
		return false, err
	}
	if left != nil {
		fmt.Fprintf(s.out, "release %s of %s is under way or did not finish: %s, %s to %s\n", left.ID, left.Who, left.State.Phase, left.Before, left.After)
	}
	client, err := redisurl.Open(r.lock.url)
	if err != nil {
		return false, fmt.Errorf("--lock-redis: %w", err)
	}
	defer client.Close()
	mark, err := releaselock.Unfinished(ctx, client, r.lock.gateway)
	if err != nil {
		return false, err
	}
	if mark != nil && (left == nil || left.ID != mark.ID) {
		fmt.Fprintf(s.out, "release %s of %s on %s is under way or did not finish (its state is in %s)\n", mark.ID, mark.Who, mark.Host, mark.State)
	}
	return left != nil || mark != nil, nil
}
