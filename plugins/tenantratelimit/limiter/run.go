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

// newCall writes a request as script.lua reads it, with room for a header, so that a
// call that is a batch of its own is a command as it is.
func newCall(ctx context.Context, req Request, now time.Time) *call {
	n := len(req.Descriptors)
	c := &call{ctx: ctx, descriptors: req.Descriptors, keys: n, timeout: req.Timeout, began: time.Now(), passes: req.Passes, replicas: req.Replicas}
	words := make([]any, header, header+1+n+2+argsPerDescriptor*n)
	for i := range req.Descriptors {
		words = append(words, req.Descriptors[i].Key)
	}
	if req.OverridesKey == "" {
		words = append(words, units(int64(n)))
	} else {
		c.keys++
		words = append(words, req.OverridesKey, units(int64(-n-1)), req.Overrides)
	}
	for i := range req.Descriptors {
		words = appendDescriptor(words, &req.Descriptors[i], now)
	}
	c.words = words
	return c
}

// tag is that of the call's keys. In a Cluster they all have the same.
func (c *call) tag() string {
	key, _ := c.words[header].(string)
	return Tag(key)
}

// run is one run of script.lua, for one call or several.
type run struct {
	calls []*call
	cmd   *redis.Cmd
	// replicas are how many have what the run charged, and unconfirmed why they are
	// fewer than was asked for.
	replicas    int
	unconfirmed error
}

// runs puts the calls in as few runs as possible.
func (b *batcher) runs(ctx context.Context, calls []*call) []*run {
	if b.apart {
		slices.SortStableFunc(calls, func(x, y *call) int { return cmp.Compare(x.tag(), y.tag()) })
	}
	var runs []*run
	for len(calls) > 0 {
		n := 1
		for n < min(len(calls), maxRun) && (!b.apart || calls[n].tag() == calls[0].tag()) {
			n++
		}
		runs = append(runs, newRun(ctx, b.script, calls[:n]))
		calls = calls[n:]
	}
	return runs
}

// newRun is EVALSHA with the calls' keys, and then their arguments.
func newRun(ctx context.Context, s *script, calls []*call) *run {
	words, keys := calls[0].words, calls[0].keys
	if len(calls) > 1 {
		words, keys = join(calls)
	}
	words[0], words[1], words[2] = "evalsha", s.sha, keys
	return &run{calls: calls, cmd: redis.NewCmd(ctx, words...)}
}

// join is the keys of all calls, and then the arguments of all.
func join(calls []*call) (words []any, keys int) {
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
			c.finish(reply{err: err})
		}
		return
	}
	at, _ := list[0].(int64)
	list = list[1:]
	for _, c := range r.calls {
		var v Verdict
		v, list, err = decode(c.descriptors, list)
		said := reply{verdict: v, at: at, err: err}
		if err == nil && !r.confirms(c, v) {
			c.finishUnconfirmed(said, r.unconfirmed)
			continue
		}
		c.finish(said)
	}
}

// decode reads what script.lua says of one request, and returns what it says of
// the others.
func decode(descriptors []Descriptor, words []any) (v Verdict, rest []any, err error) {
	if len(words) > 0 {
		if overrides, ok := words[0].(string); ok {
			return Verdict{Changed: &overrides}, words[1:], nil
		}
	}
	if len(words) < 3*len(descriptors) {
		return Verdict{}, nil, errReply
	}
	results := make([]Result, len(descriptors))
	for i := range results {
		wait, ok1 := words[3*i].(int64)
		remaining, ok2 := words[3*i+1].(int64)
		reset, ok3 := words[3*i+2].(int64)
		if !ok1 || !ok2 || !ok3 {
			return Verdict{}, nil, errReply
		}
		r := Result{Fits: wait <= 0, Remaining: remaining, Reset: micros(reset), Retry: micros(max(0, wait))}
		if wait < 0 {
			r.More = descriptors[i].More
		}
		results[i] = r
	}
	return verdict(descriptors, results), words[3*len(descriptors):], nil
}
