package limiter

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// counter stands between the limiter and Redis. It counts the scripts that
// requests wait for, and can answer them itself.
type counter struct {
	scripts atomic.Int64
	answers atomic.Bool
}

func (c *counter) open(url string) (redis.UniversalClient, error) {
	client, err := redisurl.Open(url)
	if err == nil {
		client.AddHook(c)
	}
	return client, err
}

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if c.take(cmd) {
			return nil
		}
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			c.take(cmd)
		}
		return next(ctx, cmds)
	}
}

// take counts a script of the limiter's, and says whether it was answered.
func (c *counter) take(cmd redis.Cmder) bool {
	run, ok := cmd.(*redis.Cmd)
	if !ok || len(cmd.Args()) < 4 {
		return false
	}
	key, _ := cmd.Args()[3].(string)
	if strings.Contains(key, ":seen:") || strings.HasSuffix(key, ":{nodes}") {
		return false // in the background
	}
	c.scripts.Add(1)
	if c.answers.Load() {
		run.SetVal(admitted(cmd.Args()))
		return true
	}
	return false
}

// admitted is the script's reply to one request that fits everywhere.
func admitted(args []any) []any {
	keys, _ := args[2].(int)
	text, _ := args[3+keys].(string)
	levels, _ := strconv.Atoi(text)
	if levels < 0 { // overrides follow
		levels = -levels - 1
	}
	reply := append(make([]any, 0, 1+3*levels), int64(1))
	for range levels {
		reply = append(reply, int64(0), int64(9), int64(0))
	}
	return reply
}
