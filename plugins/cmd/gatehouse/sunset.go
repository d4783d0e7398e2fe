package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/endings"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
)

// sunsetCommand is about API versions that are going to end.
func sunsetCommand(s streams) *cobra.Command {
	return cli.Group("sunset", "say who still calls API versions that are going to end, and when they end",
		sunsetReportCommand(s), sunsetCalendarCommand(s), sunsetForgetCommand(s))
}

// sunsetTimeout bounds the reading of all that is recorded.
const sunsetTimeout = time.Minute

// callerSource is where nodes record who calls.
type callerSource struct{ url, prefix string }

func (c *callerSource) addFlags(flags *pflag.FlagSet) {
	redisFlag(flags, &c.url, "the Redis that the nodes record in")
	flags.StringVar(&c.prefix, "prefix", "gatehouse", "the config's redis.key_prefix")
}

// ask asks the Redis something.
func (c *callerSource) ask(ctx context.Context, ask func(context.Context, redis.UniversalClient) error) error {
	client, err := redisurl.Open(c.url)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err) // a flag was looked at before
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, sunsetTimeout)
	defer cancel()
	if err := redisurl.Reach(ctx, c.url); err != nil {
		return err
	}
	return ask(ctx, client)
}

var errNothingRecorded = errors.New("nothing is recorded: write observe: true in sunset-headers; nodes write every ten seconds, from the first call on")

// recorded is what nodes have recorded.
func (c *callerSource) recorded(ctx context.Context) (recorded callers.Recorded, err error) {
	err = c.ask(ctx, func(ctx context.Context, client redis.UniversalClient) error {
		recorded, err = callers.Read(ctx, client, c.prefix)
		return err
	})
	if err == nil && recorded.Since.IsZero() {
		err = errNothingRecorded
	}
	return recorded, err
}

// versions are those of a config with its overlays, on these routes or on all.
func versions(l *layers, routes []string) ([]endings.Version, error) {
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		return nil, err
	}
	document, err := l.layer(checker.Secrets())
	if err != nil {
		return nil, err
	}
	list, err := endings.Versions(document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", l.config, err)
	case len(list) == 0:
		return nil, fmt.Errorf("%s: no route with a name has sunset-headers, or the section sunset_headers: no version ends", l.config)
	}
	return endings.Only(list, routes)
}

func sunsetForgetCommand(s streams) *cobra.Command {
	var source callerSource
	c := command("forget CONSUMER", "erase all that is recorded of a consumer's calls", func(ctx context.Context, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return cli.Usagef("name one CONSUMER, by its username, custom_id or id")
		}
		return source.forget(ctx, s, args[0])
	})
	source.addFlags(c.Flags())
	c.PreRunE = func(*cobra.Command, []string) error { return checkRedis(c.Flags(), source.url) }
	return c
}

func (c *callerSource) forget(ctx context.Context, s streams, consumer string) error {
	return c.ask(ctx, func(ctx context.Context, client redis.UniversalClient) error {
		n, err := callers.Forget(ctx, client, c.prefix, consumer)
		switch {
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("nothing is recorded of a consumer %q: name it by its username, custom_id or id", consumer)
		}
		fmt.Fprintf(s.err, "what was recorded of %s on %d routes and tenants is erased; a node that has seen it since its last write writes that within ten seconds\n", consumer, n)
		return nil
	})
}

func sunsetCalendarCommand(s streams) *cobra.Command {
	var l layers
	c := command("calendar [ROUTE...]", "print an iCalendar of deprecations, brownouts and ends, for those who call", func(_ context.Context, routes []string) error {
		list, err := versions(&l, routes)
		if err != nil {
			return err
		}
		return endings.Calendar(s.out, list, time.Now())
	})
	c.Example = `  gatehouse sunset calendar --config kong.yaml >api-versions.ics`
	l.addFlags(c.Flags())
	return c
}
