package limiter

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// part is what of a request is in one slot of a Cluster.
type part struct {
	tag         string
	descriptors []Descriptor
	// index says where each descriptor stands in the request.
	index                   []int
	overridesKey, overrides string

	batcher *batcher
	call    *call
	reply
}

// split groups a request by tags, or by what else is common to keys, in the order in
// which they first come.
func split(req Request, common func(key string) string) []*part {
	var parts []*part
	of := func(key string) *part {
		tag := common(key)
		i := slices.IndexFunc(parts, func(p *part) bool { return p.tag == tag })
		if i < 0 {
			parts, i = append(parts, &part{tag: tag}), len(parts)
		}
		return parts[i]
	}
	for i, d := range req.Descriptors {
		p := of(d.Key)
		p.descriptors, p.index = append(p.descriptors, d), append(p.index, i)
	}
	if req.OverridesKey != "" {
		p := of(req.OverridesKey)
		p.overridesKey, p.overrides = req.OverridesKey, req.Overrides
	}
	return parts
}

// takeFromSlots asks each slot at once, and then has all of it or nothing: where one
// slot denies or fails, what the others charged is given back.
func (r *Redis) takeFromSlots(ctx context.Context, req Request) (Verdict, error) {
	within := ctx // for what is asked of the cluster besides
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, req.Timeout)
		defer cancel()
	}
	asked := split(req, Tag)
	for _, p := range asked {
		p.call = newCall(ctx, p.of(req), r.options.Now())
		if p.batcher, p.err = r.batcherFor(within, p.tag); p.err == nil {
			p.batcher.start(p.call)
		}
	}
	parts := make([]*part, 0, len(asked))
	for _, p := range asked {
		if r.finish(within, p); p.scattered() {
			parts = append(parts, r.takeKeys(within, req, p)...)
		} else {
			parts = append(parts, p)
		}
	}
	v, err := r.merge(req, parts)
	if err == nil && v.Changed == nil && v.Allowed {
		return v, nil
	}
	for _, p := range parts {
		r.takeBack(p, v.Results)
	}
	return v, err
}

// of is what of the request is the part's.
func (p *part) of(req Request) Request {
	req.Descriptors, req.OverridesKey, req.Overrides = p.descriptors, p.overridesKey, p.overrides
	return req
}

// finish waits for a part, and asks again where its slot has moved to.
func (r *Redis) finish(ctx context.Context, p *part) {
	if p.err != nil {
		return
	}
	if p.reply = p.call.wait(p.batcher, p.call.rest()); wordOf(p.err) == Moved {
		p.reply = r.follow(ctx, p.call)
	}
}

// scattered is true if the part's slot is on its way to another server: its keys may be
// on both.
func (p *part) scattered() bool {
	word := wordOf(p.err)
	return word == Ask || word == TryAgain
}

// takeKeys asks for each key of a part by itself, side by side. Of a slot that is on its
// way to another server, some keys are here and some there, and those that nobody has
// used yet are nowhere: a run of the script with several is refused by both, and one of
// a single key is always made by one of them.
func (r *Redis) takeKeys(ctx context.Context, req Request, p *part) []*part {
	parts := split(p.of(req), func(key string) string { return key })
	var asked sync.WaitGroup
	for _, k := range parts {
		for i, within := range k.index {
			k.index[i] = p.index[within]
		}
		k.call = newCall(ctx, k.of(req), r.options.Now())
		k.call.local = r.options.Local
		asked.Go(func() { k.reply = r.follow(ctx, k.call) })
	}
	asked.Wait()
	return parts
}

// follow makes a call again where the Cluster says that its slot is now.
func (r *Redis) follow(ctx context.Context, c *call) reply {
	again := &call{descriptors: c.descriptors, words: slices.Clone(c.words), keys: c.keys, local: c.local, replicas: c.replicas}
	next := newRun(ctx, &r.script, []*call{again})
	err := r.cluster.Process(ctx, next.cmd)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		args := next.cmd.Args()
		args[0], args[1] = "eval", r.script.text
		next.cmd = redis.NewCmd(ctx, args...)
		err = r.cluster.Process(ctx, next.cmd)
	}
	next.finish(err)
	return again.reply
}

// merge puts the parts' verdicts together. If the overrides changed, no result counts.
func (r *Redis) merge(req Request, parts []*part) (Verdict, error) {
	v := Verdict{Allowed: true, Results: make([]Result, len(req.Descriptors))}
	var failed []*part
	for _, p := range parts {
		if p.err != nil {
			failed = append(failed, p)
			continue
		}
		if p.verdict.Changed != nil {
			v.Changed = p.verdict.Changed
			continue
		}
		v.Allowed = v.Allowed && p.verdict.Allowed
		for i, result := range p.verdict.Results {
			v.Results[p.index[i]] = result
		}
	}
	switch {
	case v.Changed != nil:
		return Verdict{Changed: v.Changed}, nil
	case len(failed) == 0:
		return v, nil
	case len(failed) == len(parts) || !r.standIn(req, failed, &v):
		return Verdict{}, failed[0].err
	}
	return v, nil
}

// standIn completes a verdict with the limits whose servers failed, in the way that the
// request says. It is false if the request then fails.
func (r *Redis) standIn(req Request, failed []*part, v *Verdict) bool {
	v.Partly = true
	switch {
	case req.Passes:
		for _, p := range failed {
			for _, i := range p.index {
				v.Results[i] = Result{Fits: true, Unasked: true}
			}
		}
	case req.Alone != nil && r.options.Local != nil:
		r.decideAlone(req, failed, v)
	default:
		return false
	}
	return true
}

// decideAlone has this node decide about the limits whose servers failed.
func (r *Redis) decideAlone(req Request, failed []*part, v *Verdict) {
	var index []int
	rest := req
	rest.Descriptors = nil
	for _, p := range failed {
		rest.Descriptors, index = append(rest.Descriptors, p.descriptors...), append(index, p.index...)
	}
	rest.Offline = true
	rest.Nodes, rest.Unsure = req.Alone()
	decided := r.options.Local.decide(rest, v.Allowed)
	for i, result := range decided.Results {
		v.Results[index[i]] = result
	}
	v.Allowed = v.Allowed && decided.Allowed
}

var takeBackScript = redis.NewScript(takeBackText)

// takeBackTimeout is for what nobody waits for: a charge that is not taken back in time
// stays.
const takeBackTimeout = 5 * time.Second

// takeBack gives back what a part was charged, without waiting for it, and corrects
// what the merged results say is left. If Redis cannot be asked, the charges stay: a
// limit then admits less, never more.
func (r *Redis) takeBack(p *part, results []Result) {
	if p.err != nil || p.verdict.Changed != nil || !p.verdict.Allowed {
		return
	}
	keys, args := takeBackArgs(p)
	if len(keys) == 0 {
		return
	}
	for i, result := range p.verdict.Results {
		if result.Fits && results != nil {
			results[p.index[i]].Remaining += p.descriptors[i].Cost + result.More
			results[p.index[i]].More = 0
		}
	}
	r.takeBacks.Go(func() { r.runTakeBack(keys, args) })
}

func (r *Redis) runTakeBack(keys []string, args []any) {
	ctx, cancel := context.WithTimeout(context.Background(), takeBackTimeout)
	defer cancel()
	takeBackScript.Run(ctx, r.client, keys, args...)
}

// takeBackArgs are the arguments of takeback.lua for what a part was charged.
func takeBackArgs(p *part) (keys []string, args []any) {
	args = []any{text(p.at)}
	for i, result := range p.verdict.Results {
		if d := &p.descriptors[i]; result.Fits {
			keys = append(keys, d.Key)
			args = append(args, d.Limit.wire.kind, text(d.Cost+result.More), d.Limit.wire.a, d.Limit.wire.b)
		}
	}
	return keys, args
}
