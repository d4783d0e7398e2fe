package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

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

	known         partnerkeys.Usage
	dropped, kept []partnerkeys.Key
}

// minUnused is twice how often nodes write.
const minUnused = 20 * time.Second

// revokeKeys takes keys out of the file, and off the nodes. One that is in use stays
// unless it is forced; then the error is that not all are gone.
func revokeKeys(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "keys revoke")
	var r revocation
	r.addFlags(flags)
	if handled, err := parse(flags, args); handled {
		return err
	}
	if r.ids = flags.Args(); r.ways() != 1 {
		return fmt.Errorf("%w: gatehouse keys revoke [flags] KEY..., or -ended, or -all CONSUMER", errUsage)
	}
	if *r.unused < minUnused || *r.unused > partnerkeys.MaxUnused {
		return fmt.Errorf("-unused-for %s: nodes write every ten seconds what is kept for 90 days: write a time from %s to %s", *r.unused, minUnused, partnerkeys.Short(partnerkeys.MaxUnused))
	}
	r.known = r.read(ctx)
	drop := func(set *partnerkeys.Set) (bool, error) {
		err := r.drop(s, set, time.Now())
		return len(r.dropped) > 0, err
	}
	if err := r.change(ctx, s, drop, func() error { return nil }); err != nil {
		return err
	}
	r.forget(ctx, s)
	if len(r.kept) > 0 {
		return exitCode(1)
	}
	return nil
}

func (r *revocation) addFlags(flags *flag.FlagSet) {
	r.keyring.addFlags(flags)
	r.usageSource.addFlags(flags)
	flags.BoolVar(&r.ended, "ended", false, "revoke all keys whose overlap is over")
	flags.StringVar(&r.all, "all", "", "revoke all keys of this consumer, and erase when its credentials were used")
	flags.BoolVar(&r.force, "force", false, "revoke keys that are in use too, or of which nobody knows")
	r.unused = durationFlag(flags, "unused-for", 24*time.Hour, "a key is in use that was seen in this time")
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
func (r *revocation) drop(s streams, set *partnerkeys.Set, now time.Time) error {
	asked, err := r.asked(set, now)
	if err != nil {
		return err
	}
	for _, k := range asked {
		inUse := r.known.InUse(k, *r.unused, now)
		switch {
		case inUse == nil:
			fmt.Fprintf(s.err, "revoked %s\n", k)
		case r.force:
			fmt.Fprintf(s.err, "revoked %s, forced: %v\n", k, inUse)
		default:
			fmt.Fprintf(s.err, "gatehouse: %s stays: %v; -force revokes it all the same\n", k, inUse)
			r.kept = append(r.kept, k)
			continue
		}
		r.dropped = append(r.dropped, k)
	}
	set.Drop(r.dropped...)
	return nil
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
// are all gone.
func (r *revocation) forget(ctx context.Context, s streams) {
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
		fmt.Fprintf(s.err, "gatehouse: warning: when they were used is not erased, and expires within 90 days: %v\n", err)
	}
}
