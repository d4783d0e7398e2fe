// Package eviction asks a Redis whether it throws counters away when its memory is full.
// Every counter has a time to live, so policies for keys that have one take counters too.
package eviction

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// State is what a Redis says of its memory; a Cluster, all its masters together.
type State struct {
	// Policy is the maxmemory-policy of a server that may evict; empty if none may. Addr is
	// the server's, in a Cluster.
	Policy, Addr string
	// Evicted is how many keys were evicted since the servers started.
	Evicted int64
}

// Ask asks each master. INFO is enough, which managed services allow and CONFIG not.
func Ask(ctx context.Context, client redis.UniversalClient) (State, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return ask(ctx, client)
	}
	var all State
	var mu sync.Mutex
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		one, err := ask(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		all.Evicted += one.Evicted
		if one.Policy != "" {
			all.Policy, all.Addr = one.Policy, c.Options().Addr
		}
		return err
	})
	return all, err
}

func ask(ctx context.Context, client redis.Cmdable) (State, error) {
	text, err := client.Info(ctx).Result()
	if err != nil {
		return State{}, fmt.Errorf("ask redis for its memory policy: %w", err)
	}
	return read(redisurl.ParseInfo(text)), nil
}

const noEviction = "noeviction"

func read(info redisurl.Info) (s State) {
	s.Evicted, _ = strconv.ParseInt(info["evicted_keys"], 10, 64)
	limit, _ := strconv.ParseInt(info["maxmemory"], 10, 64)
	if policy := info["maxmemory_policy"]; limit > 0 && policy != noEviction {
		s.Policy = policy
	}
	return s
}
