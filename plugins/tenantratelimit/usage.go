package tenantratelimit

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Observed is what all nodes of the deployment at a Redis, by its URL and key
// prefix, have been asked for in about the last ninety days.
func Observed(ctx context.Context, url, prefix string) (groups usage.Groups, err error) {
	err = asking(ctx, url, "read what was observed", "+scan +hgetall", func(client redis.UniversalClient) error {
		groups, err = usage.Read(ctx, client, prefix)
		return err
	})
	return groups, err
}

// LastSeen is when the credentials of the deployment were last used, in the last ninety
// days.
func LastSeen(ctx context.Context, url, prefix string) (seen usage.LastSeen, err error) {
	err = asking(ctx, url, "read which credentials were seen", "+zrange", func(client redis.UniversalClient) error {
		seen, err = usage.ReadLastSeen(ctx, client, prefix)
		return err
	})
	return seen, err
}

// ForgetCredentials removes when those credentials were last used.
func ForgetCredentials(ctx context.Context, url, prefix string, list []usage.Credential) error {
	return asking(ctx, url, "forget credentials", "+zrem", func(client redis.UniversalClient) error {
		return usage.ForgetCredentials(ctx, client, prefix, list)
	})
}

// asking asks a Redis something for an operator. Its error says what is likely in the way.
func asking(ctx context.Context, url, what, rightsFor string, ask func(redis.UniversalClient) error) error {
	client, err := redisurl.Open(url)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := redisurl.Reach(ctx, url); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err = ask(client)
	if refused, ok := rights.Parse(err, ""); ok {
		err = fmt.Errorf("%w; the user %s needs %s here (refused: its %s)", err, userOf(url), rightsFor, refused.Of)
	}
	return err
}
