package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
)

// keys runs the commands about partners' API keys.
func keys(ctx context.Context, s streams, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "issue":
			return issueKey(ctx, s, args[1:])
		case "rotate":
			return rotateKey(ctx, s, args[1:])
		case "revoke":
			return revokeKeys(ctx, s, args[1:])
		case "list":
			return listKeys(ctx, s, args[1:])
		}
	}
	return fmt.Errorf("%w: gatehouse keys issue|rotate|revoke|list [flags] …; see gatehouse keys issue -h", errUsage)
}

// lockTimeout is how long a command waits for another one.
const lockTimeout = time.Minute

// keyring is a file of keys, and the config that it goes over.
type keyring struct {
	path string
	publishing
}

func (k *keyring) addFlags(flags *flag.FlagSet) {
	keysFlag(flags, &k.path)
	k.publishing.addFlags(flags)
}

func keysFlag(flags *flag.FlagSet, path *string) {
	flags.StringVar(path, "keys", os.Getenv("GATEHOUSE_KEYS"),
		"overlay file that holds the keys, outside of every repository; it is made where it is missing (GATEHOUSE_KEYS)")
}

// change opens the file, has its keys changed and, if they were, writes it. What is said
// then, and the nodes, come before another command may change it. The nodes get the file in
// any case: an earlier command may not have reached them all.
func (k *keyring) change(ctx context.Context, s streams, change func(*partnerkeys.Set) (changed bool, err error), said func() error) (err error) {
	waiting, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	file, err := partnerkeys.Open(waiting, k.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	changed, err := change(file.Set)
	switch {
	case err != nil:
		return err
	case !changed && len(k.nodes) == 0:
		return nil
	case changed:
		if err := file.Save(); err != nil {
			return err
		}
		if err := said(); err != nil {
			return err
		}
	}
	return k.put(ctx, s)
}

// put has the nodes run what the file now has, if there are any. What it prints goes to
// standard error: standard output is for the key.
func (k *keyring) put(ctx context.Context, s streams) error {
	if len(k.nodes) == 0 {
		fmt.Fprintf(s.err, "%s is written; gatehouse publish with -overlay %[1]s puts it on nodes\n", k.path)
		return nil
	}
	all := k.publishing
	all.credentials = true
	all.layers = k.without(k.path)
	all.overlays = append(all.overlays, k.path)
	if err := all.publish(ctx, streams{in: s.in, out: s.err, err: s.err}); err != nil {
		fmt.Fprintf(s.err, "gatehouse: %s has the change and not every node: gatehouse publish with -overlay %[1]s puts it there\n", k.path)
		return err
	}
	return nil
}

// checkConsumer is the error of a consumer that the config does not have.
func (k *keyring) checkConsumer(name string) error {
	_, known, err := k.beside(k.path)
	if err == nil && !slices.Contains(known, name) {
		err = fmt.Errorf("there is no consumer %q in %s: write one of %s, or add it there first", name, k.config, strings.Join(known, ", "))
	}
	return err
}

// usageSource is where nodes write which keys are used.
type usageSource struct{ url, prefix string }

func (u *usageSource) addFlags(flags *flag.FlagSet) {
	flags.StringVar(&u.url, "redis", cmp.Or(os.Getenv("REDIS_URL"), "redis://127.0.0.1:6379/0"), "the Redis that the nodes count in (REDIS_URL)")
	flags.StringVar(&u.prefix, "prefix", "gatehouse", "the config's redis.key_prefix")
}

func (u *usageSource) read(ctx context.Context) (known partnerkeys.Usage) {
	known.LastSeen, known.Err = tenantratelimit.LastSeen(ctx, u.url, u.prefix)
	return known
}

// durationFlag defines a flag that takes days too.
func durationFlag(flags *flag.FlagSet, name string, value time.Duration, usage string) *time.Duration {
	flags.Func(name, fmt.Sprintf("%s (default %s)", usage, partnerkeys.Short(value)), func(text string) (err error) {
		value, err = partnerkeys.ParseDuration(text)
		return err
	})
	return &value
}
