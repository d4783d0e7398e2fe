package tenantratelimit

import (
	"context"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
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
	return usage.Read(ctx, client, prefix)
}
