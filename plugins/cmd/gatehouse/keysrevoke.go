package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// revocation is which keys are to go, and how sure it must be that nobody needs them.
type revocation struct {
	keyring
	usageSource
	ids    []string
	ended  bool
	all    string // whose
	force  bool
	unused *time.Duration
	// expected is how many nodes have to write what they see.
	expected int

	known partnerkeys.Usage
	// wrong is what the command line names and nobody has.
	wrong error
	// gone says that the file has none of the keys that are dropped.
	gone          bool
	dropped, kept []partnerkeys.Key
}

// minUnused is twice how often nodes write, and inUse how long ago a key may have been used
// that is in use, unless the command line says otherwise.
const (
	minUnused = 20 * time.Second
	inUse     = 24 * time.Hour
)

func keysRevokeCommand(s streams) *cobra.Command {
	var r revocation
	c := command("revoke [KEY...]", "take keys out of the file and off the nodes, unless they are in use", func(ctx context.Context, ids []string) error {
		if r.ids = ids; r.ways() != 1 {
			return cli.Usagef("name each KEY, or --ended, or --all CONSUMER: one of the three")
		}
		if *r.unused < minUnused || *r.unused > partnerkeys.MaxUnused {
			return cli.Usagef("--unused-for %s: nodes write every ten seconds what is kept for 90 days: write a time from %s to %s", *r.unused, minUnused, partnerkeys.Short(partnerkeys.MaxUnused))
		}
		return r.revoke(ctx, s)
	})
	r.addFlags(c.Flags())
	c.PreRunE = func(*cobra.Command, []string) error { return checkRedis(c.Flags(), r.url) }
	return c
}

// revoke takes keys out of the file, and off the nodes. One that is in use stays
// unless it is forced; then the error is that not all are gone.
func (r *revocation) revoke(ctx context.Context, s streams) error {
	r.look(ctx, s)
	drop := func(set *partnerkeys.Set) (bool, error) {
		r.drop(s, set, time.Now())
		return len(r.dropped) > 0, nil
	}
	err := r.change(ctx, s, drop, func() error { r.gone = true; return nil })
	r.forget(ctx, s, err)
	switch {
	case err != nil || r.wrong != nil:
		return cmp.Or(err, r.wrong)
	case len(r.kept) > 0:
		return exitCode(1)
	}
	return nil
}

// look finds out which keys are in use. Before a key goes because it is not, every node
// has to have written what it saw until now.
func (r *revocation) look(ctx context.Context, s streams) {
	r.known = r.readExpecting(ctx)
	if r.force || !r.mayDrop(time.Now()) {
		return
	}
	fmt.Fprintf(s.err, "waiting until every node has written twice which keys are used, some 20s and %s at most\n", partnerkeys.Short(partnerkeys.MaxSettle))
	r.known = partnerkeys.Settle(ctx, r.known, r.readExpecting)
}

// readExpecting reads what is known of use, and how many nodes have to have written it.
func (r *revocation) readExpecting(ctx context.Context) partnerkeys.Usage {
	known := r.read(ctx)
	known.Expected = max(r.expected, len(r.nodes))
	return known
}

// mayDrop reports whether a key would go by what is known so far.
func (r *revocation) mayDrop(now time.Time) bool {
	set, err := partnerkeys.Read(r.path)
	if err != nil {
		return false // which is said where the file is opened
	}
	asked, err := r.asked(set, now)
	return err == nil && slices.ContainsFunc(asked, func(k partnerkeys.Key) bool { return r.known.InUse(k, *r.unused, now) == nil })
}

func (r *revocation) addFlags(flags *pflag.FlagSet) {
	r.keyring.addFlags(flags)
	r.usageSource.addFlags(flags)
	flags.BoolVar(&r.ended, "ended", false, "revoke all keys whose overlap is over")
	flags.StringVar(&r.all, "all", "", "revoke all keys of this consumer, and erase when its credentials were used")
	flags.BoolVar(&r.force, "force", false, "revoke keys that are in use too, or of which nobody knows")
	flags.IntVar(&r.expected, "nodes", 1, "how many nodes have to write which keys are used, at least; there are as many as --node names anyway")
	r.unused = durationFlag(flags, "unused-for", inUse, "a key is in use that was seen in this `time`; a node that wrote in this time and does not any more is a doubt")
}

// ways is how many of the three ways to name keys there are.
func (r *revocation) ways() (n int) {
	for _, named := range []bool{len(r.ids) > 0, r.ended, r.all != ""} {
		if named {
			n++
		}
	}
	return n
}

// drop takes the keys out of the set, and says of each what becomes of it.
func (r *revocation) drop(s streams, set *partnerkeys.Set, now time.Time) {
	asked, err := r.asked(set, now)
	if err != nil {
		r.wrong = err
		return
	}
	for _, k := range asked {
		inUse := r.known.InUse(k, *r.unused, now)
		switch {
		case inUse == nil:
			fmt.Fprintf(s.err, "revoked %s\n", k)
		case r.force:
			fmt.Fprintf(s.err, "revoked %s, forced: %v\n", k, inUse)
		default:
			fmt.Fprintf(s.err, "gatehouse: %s stays: %v; --force revokes it all the same\n", k, inUse)
			r.kept = append(r.kept, k)
			continue
		}
		r.dropped = append(r.dropped, k)
	}
	set.Drop(r.dropped...)
	r.gone = len(r.dropped) == 0
}

// asked are the keys that the command line names.
func (r *revocation) asked(set *partnerkeys.Set, now time.Time) (list []partnerkeys.Key, err error) {
	switch {
	case r.ended:
		return slices.DeleteFunc(set.All(), func(k partnerkeys.Key) bool { return !k.Ended(now) }), nil
	case r.all != "":
		if list = set.Of(r.all); len(list) > 0 || len(r.known.Of(r.all)) > 0 {
			return list, nil
		}
		if r.known.Err != nil {
			return nil, fmt.Errorf("consumer %q has no key in %s: %w", r.all, r.path, r.known.Err)
		}
		return nil, fmt.Errorf("consumer %q has no key in %s, and none was seen: list shows who has", r.all, r.path)
	}
	for _, id := range r.ids {
		k, findErr := set.Find(id)
		err = errors.Join(err, findErr)
		list = append(list, k)
	}
	return list, err
}

// forget erases when the keys were used, and all that is known of a consumer whose keys
// are all gone. A node that did not get the file, or a key that is put on nodes later,
// makes a trace again.
func (r *revocation) forget(ctx context.Context, s streams, failed error) {
	if !r.gone {
		return
	}
	var list []usage.Credential
	for _, k := range r.dropped {
		list = append(list, usage.Credential{ID: k.ID, Consumer: k.Consumer})
	}
	if r.all != "" && len(r.kept) == 0 {
		list = append(list, r.known.Of(r.all)...)
	}
	if len(list) == 0 {
		return
	}
	if err := tenantratelimit.ForgetCredentials(ctx, r.url, r.prefix, list); err != nil {
		fmt.Fprintf(s.err, "gatehouse: warning: when they were used is not erased, and expires within 90 days; gatehouse keys revoke --all erases it of a consumer: %v\n", err)
	} else if failed != nil {
		fmt.Fprintln(s.err, "gatehouse: warning: when they were used is erased, and written again by a node that still takes them: say it again when every node has the change")
	}
}
