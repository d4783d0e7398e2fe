package limiter

import (
	"context"
	"fmt"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// peerRows ask redis_rate for the same four limits: a round trip each, until one
// denies. It counts and does no more, so it is measured against our counters, and
// then against the whole decision: principal, plan, overrides, headers.
func peerRows(o *ours, client *redis.Client) []ratio.Row {
	limiter := redis_rate.NewLimiter(client)
	const quota = 1_000_000_000
	decide := func(ctx context.Context, n int) error {
		tenant := fmt.Sprint("t", n%10)
		for _, key := range []string{tenant, tenant + fmt.Sprint(":u", n%users), tenant + ":r1", "global"} {
			result, err := limiter.Allow(ctx, key, redis_rate.PerMinute(quota))
			if err != nil {
				return fmt.Errorf("ask redis_rate: %w", err)
			}
			if result.Allowed == 0 {
				return fmt.Errorf("redis_rate denies %s", key)
			}
		}
		return nil
	}
	peer := func(ctx context.Context) (float64, error) { return perSecond(ctx, decide) }
	return []ratio.Row{
		{
			What: fmt.Sprintf("4 limits counted, %d callers", callers), Peer: "redis_rate", Unit: "decisions/s",
			Ours: o.countersPerSecond, Base: peer, Target: 3,
		},
		{
			What: fmt.Sprintf("whole decisions on 4 limits, %d callers", callers), Peer: "redis_rate", Unit: "decisions/s",
			Ours: o.perSecond, Base: peer, Target: 3,
		},
	}
}
