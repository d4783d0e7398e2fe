package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/endings"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
)

// forgetting is the erasing of one consumer's calls.
type forgetting struct {
	layers
	callerSource
}

func sunsetForgetCommand(s streams) *cobra.Command {
	var f forgetting
	c := command("forget CONSUMER", "erase all that is recorded of a consumer's calls", func(ctx context.Context, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return cli.Usagef("name one CONSUMER, by its username, custom_id or id")
		}
		return f.forget(ctx, s, args[0])
	})
	c.Example = `  gatehouse sunset forget --config kong.yaml globex-crm`
	f.layers.addFlags(c.Flags())
	f.callerSource.addFlags(c.Flags())
	c.PreRunE = func(*cobra.Command, []string) error { return f.check() }
	return c
}

// from are the places to erase from: those of the config's versions, or the flags' alone.
func (f *forgetting) from() ([]sunsetheaders.Redis, error) {
	if f.config == "" {
		return []sunsetheaders.Redis{{URL: f.url, KeyPrefix: f.prefix}}, nil
	}
	list, unread, err := versions(&f.layers, nil)
	switch {
	case err != nil:
		return nil, err
	case len(unread) > 0: // it may be recorded where nobody can read
		return nil, fmt.Errorf("%w; nothing is erased", unread[0])
	}
	if err := f.locate(list); err != nil {
		return nil, err
	}
	places := endings.Places(list) // also where observe is off by now
	return places, readable(places, list)
}

func (f *forgetting) forget(ctx context.Context, s streams, consumer string) error {
	places, err := f.from()
	if err != nil {
		return err
	}
	found, err := f.find(ctx, places, consumer)
	if err != nil {
		return err
	}
	for i, at := range places {
		if len(found[i]) == 0 {
			continue
		}
		err := f.ask(ctx, at, func(ctx context.Context, client redis.UniversalClient) error {
			return callers.Forget(ctx, client, found[i])
		})
		if err != nil {
			return err
		}
	}
	all := slices.Concat(found...)
	switch {
	case len(all) == 0 && f.config == "":
		return fmt.Errorf("nothing is recorded of a consumer %q in this Redis with keys of %s: name it by its username, custom_id or id, and with --config the config whose redis.url or key_prefix it may be under", consumer, f.prefix)
	case len(all) == 0:
		return fmt.Errorf("nothing is recorded of a consumer %q: name it by its username, custom_id or id", consumer)
	}
	fmt.Fprintf(s.err, "what was recorded of %s on %d routes and tenants is erased; a node that has seen it since its last write writes that within ten seconds\n", consumer, len(all))
	return nil
}

// find is what is recorded of one consumer, by place. Nothing is erased before it is known
// that it is one.
func (f *forgetting) find(ctx context.Context, places []sunsetheaders.Redis, consumer string) ([][]callers.Found, error) {
	found := make([][]callers.Found, len(places))
	for i, at := range places {
		err := f.ask(ctx, at, func(ctx context.Context, client redis.UniversalClient) (err error) {
			found[i], err = callers.Find(ctx, client, at.KeyPrefix, consumer)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if err := callers.SameConsumer(slices.Concat(found...), consumer); err != nil {
		return nil, fmt.Errorf("%w; nothing is erased", err)
	}
	return found, nil
}
