package redisurl

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// ErrNowhere is the error of all that is asked of [Nowhere].
var ErrNowhere = errors.New("there is no Redis: no URL, or one that cannot be used")

// Nowhere is the client of no Redis. It dials nobody, and each of its calls fails at
// once: who counts without a Redis does what it does while one fails.
func Nowhere() redis.UniversalClient {
	client := redis.NewClient(&redis.Options{MaxRetries: -1})
	client.AddHook(nowhere{})
	return client
}

type nowhere struct{}

// DialHook implements [redis.Hook].
func (nowhere) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, ErrNowhere }
}

// ProcessHook implements [redis.Hook].
func (nowhere) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		cmd.SetErr(ErrNowhere)
		return ErrNowhere
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (nowhere) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			cmd.SetErr(ErrNowhere)
		}
		return ErrNowhere
	}
}
