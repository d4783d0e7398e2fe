package limiter

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// header is how many words of EVALSHA come before the keys.
const header = 3

// newCall writes an ask as script.lua reads it, with room for a header, so that a
// call that flies alone is a command as it is.
func newCall(ctx context.Context, ask Ask, now time.Time) *call {
	n := len(ask.Levels)
	c := &call{ctx: ctx, levels: ask.Levels, keys: n, timeout: ask.Timeout, began: time.Now(), passes: ask.Passes}
	words := make([]any, header, header+1+n+2+argsPerLevel*n)
	for i := range ask.Levels {
		words = append(words, ask.Levels[i].Key)
	}
	if ask.OverridesKey == "" {
		words = append(words, units(int64(n)))
	} else {
		c.keys++
		words = append(words, ask.OverridesKey, units(int64(-n-1)), ask.Believed)
	}
	for i := range ask.Levels {
		words = appendLevel(words, &ask.Levels[i], now)
	}
	c.words = words
	return c
}

// tag is that of the call's keys, which in a cluster have one.
func (c *call) tag() string {
	key, _ := c.words[header].(string)
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
	words, keys := calls[0].words, calls[0].keys
	if len(calls) > 1 {
		words, keys = together(calls)
	}
	words[0], words[1], words[2] = "evalsha", s.sha, keys
	return &run{calls: calls, cmd: redis.NewCmd(ctx, words...)}
}

func together(calls []*call) (words []any, keys int) {
	size := header
	for _, c := range calls {
		size, keys = size+len(c.words)-header, keys+c.keys
	}
	words = make([]any, header, size)
	for _, c := range calls {
		words = append(words, c.words[header:header+c.keys]...)
	}
	for _, c := range calls {
		words = append(words, c.words[header+c.keys:]...)
	}
	return words, keys
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
	case len(list) == 0:
		err = errReply
	}
	if err != nil {
		for _, c := range r.calls {
			c.finish(result{err: err})
		}
		return
	}
	at, _ := list[0].(int64)
	list = list[1:]
	for _, c := range r.calls {
		var v Verdict
		v, list, err = decode(c.levels, list)
		c.finish(result{verdict: v, at: at, err: err})
	}
}

// decode reads what script.lua says of one request, and returns what it says of
// the others.
func decode(levels []Level, reply []any) (v Verdict, rest []any, err error) {
	if len(reply) > 0 {
		if news, ok := reply[0].(string); ok {
			return Verdict{News: &news}, reply[1:], nil
		}
	}
	if len(reply) < 3*len(levels) {
		return Verdict{}, nil, errReply
	}
	outcomes := make([]Outcome, len(levels))
	for i := range outcomes {
		wait, ok1 := reply[3*i].(int64)
		remaining, ok2 := reply[3*i+1].(int64)
		reset, ok3 := reply[3*i+2].(int64)
		if !ok1 || !ok2 || !ok3 {
			return Verdict{}, nil, errReply
		}
		o := Outcome{Fits: wait <= 0, Remaining: remaining, Reset: micros(reset), Retry: micros(max(0, wait))}
		if wait < 0 {
			o.More = levels[i].More
		}
		outcomes[i] = o
	}
	return verdict(levels, outcomes), reply[3*len(levels):], nil
}
