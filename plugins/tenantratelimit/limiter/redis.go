package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis counts in a Redis server, with one script and one round trip whatever
// the number of levels. Redis' clock decides, so nodes need not agree on time.
type Redis struct {
	client redis.Scripter
	script *redis.Script
	// now is this node's clock. It only picks which calendar periods the
	// script chooses from.
	now func() time.Time
}

// NewRedis counts through client.
func NewRedis(client redis.Scripter, now func() time.Time) *Redis {
	return &Redis{client: client, script: redis.NewScript(scriptText), now: now}
}

// errReply means that the script and this code disagree about the reply.
var errReply = errors.New("unexpected reply from the limit script")

// Take implements [Store].
func (r *Redis) Take(ctx context.Context, levels []Level) (Verdict, error) {
	v, _, err := r.take(ctx, levels, "", "")
	return v, err
}

// TakeUnless is Take, unless the text at overridesKey is another one than
// believed: then nothing is charged, stale is true, and current is the text.
func (r *Redis) TakeUnless(ctx context.Context, levels []Level, overridesKey, believed string) (v Verdict, current string, stale bool, err error) {
	v, changed, err := r.take(ctx, levels, overridesKey, believed)
	if err != nil || changed == nil {
		return v, believed, false, err
	}
	return Verdict{}, *changed, true, nil
}

func (r *Redis) take(ctx context.Context, levels []Level, overridesKey, believed string) (Verdict, *string, error) {
	keys := make([]string, 0, len(levels)+1)
	args := make([]any, 0, 1+argsPerLevel*len(levels))
	args = append(args, believed)
	now := r.now()
	for _, l := range levels {
		keys = append(keys, l.Key)
		args = appendArgs(args, l, now)
	}
	if overridesKey != "" {
		keys = append(keys, overridesKey)
	}
	reply, err := r.script.Run(ctx, r.client, keys, args...).Result()
	if err != nil {
		return Verdict{}, nil, fmt.Errorf("run limit script: %w", err)
	}
	if text, ok := reply.(string); ok && overridesKey != "" {
		return Verdict{}, &text, nil
	}
	return decode(levels, reply)
}

func decode(levels []Level, reply any) (Verdict, *string, error) {
	list, ok := reply.([]any)
	if !ok || len(list) != 4*len(levels) {
		return Verdict{}, nil, errReply
	}
	outcomes := make([]Outcome, len(levels))
	for i := range outcomes {
		var n [4]int64
		for j := range n {
			if n[j], ok = list[4*i+j].(int64); !ok {
				return Verdict{}, nil, errReply
			}
		}
		outcomes[i] = Outcome{Fits: n[0] == 1, Remaining: n[1], Reset: micros(n[2]), Retry: micros(n[3])}
	}
	return verdict(levels, outcomes), nil, nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
