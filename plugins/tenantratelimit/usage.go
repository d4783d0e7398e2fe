package tenantratelimit

import (
	"context"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Observed is what all nodes of the deployment at a Redis, by its URL and key
// prefix, have been asked for in about the last ninety days.
func Observed(ctx context.Context, url, prefix string) (usage.Groups, error) {
	client, err := redisurl.Open(url)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := tryFor(ctx, url); err != nil {
		return nil, fmt.Errorf("read what was observed: %w", err)
	}
	groups, err := usage.Read(ctx, client, prefix)
	if refused, ok := rights.Parse(err, ""); ok {
		err = fmt.Errorf("%w; the user %s needs +scan +hgetall here (refused: its %s)", err, userOf(url), refused.Of)
	}
	return groups, err
}

// tryFor is [redisurl.Try] with its explanation.
func tryFor(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	err := redisurl.Try(ctx, url)
	if likely := redisurl.ExplainFirst(url, err); likely != "" {
		return fmt.Errorf("%w; %s", err, likely)
	}
	return err
}
