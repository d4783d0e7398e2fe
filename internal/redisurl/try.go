package redisurl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// tryDialTimeout is shorter than the time that callers of [Try] have, so that it says
// where connecting stopped, and not only that it took too long.
const tryDialTimeout = 1500 * time.Millisecond

// Try connects to the Redis at a URL for the first time, asks it whether it is what the
// URL says, and closes the connection. [ExplainFirst] explains the error.
func Try(ctx context.Context, raw string) error {
	client, err := open(raw, tryDialTimeout)
	if err != nil {
		return err
	}
	defer client.Close()
	if err = client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask redis: %w", err)
	}
	info, err := client.Info(ctx).Result()
	if err != nil {
		return nil // it answers, and who may not ask this learns it elsewhere
	}
	_, cluster := client.(*redis.ClusterClient)
	return mismatch(ParseInfo(info), cluster)
}

// reachTimeout bounds [Reach].
const reachTimeout = 2 * time.Second

// Reach is [Try] within two seconds. Its error says what is likely in the way.
func Reach(ctx context.Context, raw string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	err := Try(ctx, raw)
	if likely := ExplainFirst(raw, err); likely != "" {
		return fmt.Errorf("%w; %s", err, likely)
	}
	return err
}

// mismatch is what a server is that the URL does not say.
func mismatch(info Info, cluster bool) error {
	mode := cmp.Or(info["redis_mode"], info["server_mode"]) // Redis', Valkey's
	switch {
	case mode == "sentinel":
		return errors.New("the server says mode:sentinel")
	case mode == "cluster" && !cluster:
		return errors.New("the server says mode:cluster")
	case info["role"] == "slave" && !cluster:
		return errors.New("the server says role:slave")
	}
	return nil
}
