package limiter

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// newCall writes an ask as script.lua reads it.
func newCall(ctx context.Context, ask Ask, now time.Time) *call {
	n := len(ask.Levels)
	c := &call{ctx: ctx, levels: ask.Levels, keys: make([]any, 0, n+1), args: make([]any, 0, 2+argsPerLevel*n)}
	if ask.OverridesKey == "" {
		c.args = append(c.args, units(int64(n)))
	} else {
		c.args = append(c.args, units(int64(-n-1)), ask.Believed)
	}
	for i := range ask.Levels {
		c.keys = append(c.keys, ask.Levels[i].Key)
		c.args = appendLevel(c.args, &ask.Levels[i], now)
	}
	if ask.OverridesKey != "" {
		c.keys = append(c.keys, ask.OverridesKey)
	}
	return c
}

// tag is that of the call's keys, which in a cluster have one.
func (c *call) tag() string {
	key, _ := c.keys[0].(string)
	return Tag(key)
}

// run is one run of script.lua, for one call or several.
type run struct {
	calls []*call
	cmd   *redis.Cmd
}

// runs spreads calls over as few runs as may be.
func (l *lane) runs(ctx context.Context, calls []*call) []*run {
	if l.apart {
		slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(a.tag(), b.tag()) })
	}
	var runs []*run
	for len(calls) > 0 {
		n := 1
		for n < min(len(calls), maxTogether) && (!l.apart || calls[n].tag() == calls[0].tag()) {
			n++
		}
		runs = append(runs, newRun(ctx, l.script, calls[:n]))
		calls = calls[n:]
	}
	return runs
}

// newRun is EVALSHA with the calls' keys, and then their arguments.
func newRun(ctx context.Context, s *script, calls []*call) *run {
	keys, size := 0, 3
	for _, c := range calls {
		keys, size = keys+len(c.keys), size+len(c.keys)+len(c.args)
	}
	command := append(make([]any, 0, size), "evalsha", s.sha, keys)
	for _, c := range calls {
		command = append(command, c.keys...)
	}
	for _, c := range calls {
		command = append(command, c.args...)
	}
	return &run{calls: calls, cmd: redis.NewCmd(ctx, command...)}
}

// errReply means that the script and this code disagree about the reply.
var errReply = errors.New("unexpected reply from the limit script")

// finish gives each call its part of the reply, or the error there was instead.
func (r *run) finish(err error) {
	list, _ := r.cmd.Val().([]any)
	switch {
	case err != nil:
	case r.cmd.Err() != nil:
		err = r.cmd.Err()
	case len(list) != len(r.calls)+1:
		err = errReply
	}
	for i, c := range r.calls {
		if err != nil {
			c.finish(result{err: err})
			continue
		}
		at, _ := list[0].(int64)
		v, err := decode(c.levels, list[i+1])
		c.finish(result{verdict: v, at: at, err: err})
	}
}

// decode reads what script.lua says of one request.
func decode(levels []Level, reply any) (Verdict, error) {
	if news, ok := reply.(string); ok {
		return Verdict{News: &news}, nil
	}
	list, _ := reply.([]any)
	if len(list) < 3*len(levels) {
		return Verdict{}, errReply
	}
	outcomes := make([]Outcome, len(levels))
	for i := range outcomes {
		wait, ok1 := list[3*i].(int64)
		remaining, ok2 := list[3*i+1].(int64)
		reset, ok3 := list[3*i+2].(int64)
		if !ok1 || !ok2 || !ok3 {
			return Verdict{}, errReply
		}
		outcomes[i] = Outcome{Fits: wait == 0, Remaining: remaining, Reset: micros(reset), Retry: micros(wait)}
	}
	for _, number := range list[3*len(levels):] {
		n, _ := number.(int64)
		if n < 1 || n > int64(len(levels)) {
			return Verdict{}, errReply
		}
		outcomes[n-1].More = levels[n-1].More
	}
	return verdict(levels, outcomes), nil
}
