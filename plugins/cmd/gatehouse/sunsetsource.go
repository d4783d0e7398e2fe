package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/endings"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
)

// sunsetTimeout bounds the reading of all that is recorded.
const sunsetTimeout = time.Minute

// callerSource is where nodes record who calls: where each config says, unless a flag says
// another place.
type callerSource struct {
	url, prefix string
	flags       *pflag.FlagSet
}

const defaultPrefix = "gatehouse"

func (c *callerSource) addFlags(flags *pflag.FlagSet) {
	c.flags = flags
	redisFlag(flags, &c.url, "the Redis that the nodes record in, in place of the config's redis.url")
	flags.StringVar(&c.prefix, "prefix", defaultPrefix, "what keys begin with, in place of the config's redis.key_prefix")
}

// check looks at the flags.
func (c *callerSource) check() error { return checkRedis(c.flags, c.url) }

// locate puts into versions where each is recorded, as it is to be asked for from here.
func (c *callerSource) locate(list []endings.Version) error {
	if err := c.one(list); err != nil {
		return err
	}
	for i := range list {
		list[i].Locate(c.place)
	}
	return nil
}

// readable refuses a place that only Kong can read of.
func readable(places []sunsetheaders.Redis, list []endings.Version) error {
	for _, at := range places {
		if schema.IsReference(at.URL) {
			return fmt.Errorf("redis.url of route %s is %s, which only Kong reads: name that Redis with --redis", strings.Join(endings.In(list, at), ", "), at.URL)
		}
	}
	return nil
}

// place is a config's, as the flags have it.
func (c *callerSource) place(at sunsetheaders.Redis) sunsetheaders.Redis {
	if at.URL == "" || c.flags.Changed("redis") {
		at.URL = c.url
	}
	if c.flags.Changed("prefix") {
		at.KeyPrefix = c.prefix
	}
	return at
}

// one refuses a flag that stands for two places: of the versions in the other one nothing
// would be found.
func (c *callerSource) one(list []endings.Version) error {
	urls, prefixes := map[string]bool{}, map[string]bool{}
	for _, at := range endings.RecordedIn(list) {
		urls[at.URL], prefixes[at.KeyPrefix] = true, true
	}
	for _, of := range []struct {
		flag, field string
		values      map[string]bool
	}{{"redis", "redis.url", urls}, {"prefix", "redis.key_prefix", prefixes}} {
		if c.flags.Changed(of.flag) && len(of.values) > 1 {
			return cli.Usagef("--%s: the versions have %d different %s: name the ROUTEs of one, or leave --%s out", of.flag, len(of.values), of.field, of.flag)
		}
	}
	return nil
}

// ask asks the Redis of a place something. Errors do not show its URL, which may hold a
// password.
func (c *callerSource) ask(ctx context.Context, at sunsetheaders.Redis, ask func(context.Context, redis.UniversalClient) error) error {
	client, err := redisurl.Open(at.URL)
	if err != nil {
		field := "redis.url"
		if at.URL == c.url {
			field = "REDIS_URL" // a flag was looked at before
		}
		return fmt.Errorf("%s: %w", field, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, sunsetTimeout)
	defer cancel()
	if err := redisurl.Reach(ctx, at.URL); err != nil {
		return err
	}
	return ask(ctx, client)
}

var errNothingRecorded = errors.New("nothing is recorded: write observe: true in sunset-headers; nodes write every ten seconds, from the first call on")

// recorded is what nodes have recorded of versions.
func (c *callerSource) recorded(ctx context.Context, list []endings.Version) (endings.Records, error) {
	if err := c.locate(list); err != nil {
		return nil, err
	}
	places := endings.RecordedIn(list)
	if err := readable(places, list); err != nil {
		return nil, err
	}
	records, some := endings.Records{}, false
	for _, at := range places {
		err := c.ask(ctx, at, func(ctx context.Context, client redis.UniversalClient) (err error) {
			records[at], err = callers.Read(ctx, client, at.KeyPrefix)
			return err
		})
		if err != nil {
			return nil, err
		}
		some = some || !records[at].Since.IsZero()
	}
	if !some {
		return nil, errNothingRecorded
	}
	return records, nil
}
