package limiter

import (
	"context"
	"slices"
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

// split groups a request by tags, in the order in which they first come.
func split(req Request) []*part {
	var parts []*part
	of := func(key string) *part {
		tag := Tag(key)
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
	parts := split(req)
	for _, p := range parts {
		of := req
		of.Descriptors, of.OverridesKey, of.Overrides = p.descriptors, p.overridesKey, p.overrides
		p.call = newCall(ctx, of, r.options.Now())
		if p.batcher, p.err = r.batcherFor(within, p.tag); p.err == nil {
			p.batcher.start(p.call)
		}
	}
	for _, p := range parts {
		r.finish(within, p)
	}
	v, err := merge(req, parts)
	if err == nil && v.Changed == nil && v.Allowed {
		return v, nil
	}
	for _, p := range parts {
		r.takeBack(p, v.Results)
	}
	return v, err
}

func (r *Redis) finish(ctx context.Context, p *part) {
	if p.err != nil {
		return
	}
	if p.reply = p.call.wait(p.batcher, p.call.rest()); moved(p.err) {
		p.reply = r.follow(ctx, p.call)
	}
}

// moved is true where a slot has another server than was thought.
func moved(err error) bool {
	return err != nil && (redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK"))
}

// follow makes a call again where the Cluster says that its slot is now.
func (r *Redis) follow(ctx context.Context, c *call) reply {
	again := &call{descriptors: c.descriptors, words: slices.Clone(c.words), keys: c.keys, local: c.local, replicas: c.replicas}
	next := newRun(ctx, &r.script, []*call{again})
	args := next.cmd.Args()
	args[0], args[1] = "eval", r.script.text // that server may not have the script
	next.cmd = redis.NewCmd(ctx, args...)
	next.finish(r.cluster.Process(ctx, next.cmd))
	return again.reply
}

// merge puts the parts' verdicts together. If the overrides changed, no result counts.
func merge(req Request, parts []*part) (Verdict, error) {
	v := Verdict{Allowed: true, Results: make([]Result, len(req.Descriptors))}
	for _, p := range parts {
		if p.err != nil {
			return Verdict{}, p.err
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
	if v.Changed != nil {
		return Verdict{Changed: v.Changed}, nil
	}
	return v, nil
}

var takeBackScript = redis.NewScript(takeBackText)

// takeBackTimeout is for what nobody waits for.
const takeBackTimeout = time.Second

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
