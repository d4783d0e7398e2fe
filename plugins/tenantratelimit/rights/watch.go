package rights

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// unwatched marks a context.
type unwatched struct{}

// Unwatched is a context whose commands no [Watch] tells of: they only ask what the user
// may do, or are missed by nobody.
func Unwatched(ctx context.Context) context.Context {
	return context.WithValue(ctx, unwatched{}, true)
}

// Watch tells refused of each refusal of a command, on every server of a Cluster. It is
// called before the client is used, and refused while a command is on its way.
func Watch(client redis.UniversalClient, refused func(Refusal)) {
	h := hook{refused}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		cluster.OnNewNode(func(c *redis.Client) { c.AddHook(h) })
		return
	}
	client.AddHook(h)
}

type hook struct{ refused func(Refusal) }

func (h hook) look(ctx context.Context, cmd redis.Cmder, err error) {
	if err == nil || ctx.Value(unwatched{}) != nil {
		return
	}
	if r, ok := Parse(err, cmd.Name()); ok {
		h.refused(r)
	}
}

// DialHook implements [redis.Hook].
func (hook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements [redis.Hook].
func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.look(ctx, cmd, err)
		return err
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.look(ctx, cmd, cmd.Err())
		}
		return err
	}
}
