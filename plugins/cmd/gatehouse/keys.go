package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
)

// keysCommand is about partners' API keys.
func keysCommand(s streams) *cobra.Command {
	return cli.Group("keys", "issue, rotate and revoke partners' API keys, and say which are in use",
		keysIssueCommand(s), keysRotateCommand(s), keysRevokeCommand(s), keysListCommand(s))
}

// lockTimeout is how long a command waits for another one.
const lockTimeout = time.Minute

// keyring is a file of keys, and the config that it goes over.
type keyring struct {
	path string
	publishing
}

func (k *keyring) addFlags(flags *pflag.FlagSet) {
	keysFlag(flags, &k.path)
	k.publishing.addFlags(flags)
}

func keysFlag(flags *pflag.FlagSet, path *string) {
	flags.StringVar(path, "keys", os.Getenv("GATEHOUSE_KEYS"),
		"overlay `FILE` that holds the keys, outside of every repository; it is made where it is missing (GATEHOUSE_KEYS)")
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
		fmt.Fprintf(s.err, "%s is written; gatehouse publish with --overlay %[1]s puts it on nodes\n", k.path)
		return nil
	}
	all := k.publishing
	all.credentials = true
	all.layers = k.without(k.path)
	all.overlays = append(all.overlays, k.path)
	if err := all.publish(ctx, streams{in: s.in, out: s.err, err: s.err}); err != nil {
		fmt.Fprintf(s.err, "gatehouse: %s has the change and not every node: gatehouse publish with --overlay %[1]s puts it there\n", k.path)
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

func (u *usageSource) addFlags(flags *pflag.FlagSet) {
	redisFlag(flags, &u.url, "the Redis that the nodes count in")
	flags.StringVar(&u.prefix, "prefix", "gatehouse", "the config's redis.key_prefix")
}

func (u *usageSource) read(ctx context.Context) (known partnerkeys.Usage) {
	known.LastSeen, known.Err = tenantratelimit.LastSeen(ctx, u.url, u.prefix)
	return known
}

// durationFlag defines a flag that takes days too.
func durationFlag(flags *pflag.FlagSet, name string, value time.Duration, usage string) *time.Duration {
	flags.Func(name, fmt.Sprintf("%s (default %s)", usage, partnerkeys.Short(value)), func(text string) (err error) {
		value, err = partnerkeys.ParseDuration(text)
		return err
	})
	return &value
}
