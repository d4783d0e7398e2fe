package limiter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// tenants is how many have a counter at once.
const tenants = 1_000_000

// memoryRow is what Redis keeps for a tenant with one token bucket, with a
// million of them. It is measured once: rounds would tell the same.
func memoryRow(ctx context.Context, server *redisserver.Server) ratio.Row {
	measure := sync.OnceValues(func() (float64, error) { return bytesPerTenant(ctx, server) })
	return ratio.Row{
		What: "Redis' memory for each of 1,000,000 tenants with a bucket", Unit: "bytes",
		Ours: func(context.Context) (float64, error) { return measure() }, Target: 256, AtMost: true,
	}
}

func bytesPerTenant(ctx context.Context, server *redisserver.Server) (float64, error) {
	client := server.Client()
	defer client.Close()
	limit, err := limiter.Compile(limiter.Spec{Name: "tenant", Algorithm: limiter.TokenBucket, Quota: 600, Window: time.Hour})
	if err != nil {
		return 0, err
	}
	store := limiter.NewRedis(client, limiter.RedisOptions{})
	before, err := redisserver.UsedMemory(ctx, client)
	if err != nil {
		return 0, err
	}
	if err := takeForEach(ctx, store, limit); err != nil {
		return 0, err
	}
	after, err := redisserver.UsedMemory(ctx, client)
	return (after - before) / tenants, err
}

func takeForEach(ctx context.Context, store *limiter.Redis, limit *limiter.Limit) error {
	var group sync.WaitGroup
	failed := make(chan error, callers)
	for caller := range callers {
		group.Go(func() {
			for i := caller; i < tenants; i += callers {
				key := limiter.Key("memory", limit, []limiter.Part{{Kind: 't', ID: fmt.Sprintf("tenant-%07d", i)}})
				if _, err := store.Take(ctx, limiter.Request{Descriptors: []limiter.Descriptor{{Limit: limit, Key: key, Cost: 300}}}); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	return <-failed
}
