package limiter

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// trip is the part of an ask that is in one slot of a cluster.
type trip struct {
	tag    string
	levels []Level
	// index says where each level stands in the ask.
	index               []int
	overridesKey, trust string

	lane *lane
	call *call
	result
}

// split groups an ask by tags, in the order in which they first come.
func split(ask Ask) []*trip {
	var trips []*trip
	of := func(key string) *trip {
		tag := Tag(key)
		i := slices.IndexFunc(trips, func(t *trip) bool { return t.tag == tag })
		if i < 0 {
			trips, i = append(trips, &trip{tag: tag}), len(trips)
		}
		return trips[i]
	}
	for i, l := range ask.Levels {
		t := of(l.Key)
		t.levels, t.index = append(t.levels, l), append(t.index, i)
	}
	if ask.OverridesKey != "" {
		t := of(ask.OverridesKey)
		t.overridesKey, t.trust = ask.OverridesKey, ask.Believed
	}
	return trips
}

// takeFromSlots asks each slot at once, and has all of it or nothing.
func (r *Redis) takeFromSlots(ctx context.Context, ask Ask) (Verdict, error) {
	within := ctx // for what is asked of the cluster beside
	if ask.Timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, ask.Timeout)
		defer cancel()
	}
	trips := split(ask)
	for _, t := range trips {
		part := ask
		part.Levels, part.OverridesKey, part.Believed = t.levels, t.overridesKey, t.trust
		t.call = newCall(ctx, part, r.options.Now())
		if t.lane, t.err = r.laneFor(within, t.tag); t.err == nil {
			t.lane.start(t.call)
		}
	}
	for _, t := range trips {
		r.finish(within, t)
	}
	v, err := merge(ask, trips)
	if err == nil && v.News == nil && v.Allowed {
		return v, nil
	}
	for _, t := range trips {
		r.takeBack(t, v.Outcomes)
	}
	return v, err
}

func (r *Redis) finish(ctx context.Context, t *trip) {
	if t.err != nil {
		return
	}
	if t.result = t.call.wait(t.lane, t.call.rest()); moved(t.err) {
		t.result = r.follow(ctx, t.call)
	}
}

// moved is true where a slot has another server than was thought.
func moved(err error) bool {
	return err != nil && (redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "ASK"))
}

// follow makes a call again where the cluster says that its slot is now.
func (r *Redis) follow(ctx context.Context, c *call) result {
	again := &call{levels: c.levels, words: slices.Clone(c.words), keys: c.keys, local: c.local}
	next := newRun(ctx, &r.script, []*call{again})
	args := next.cmd.Args()
	args[0], args[1] = "eval", r.script.text
	next.cmd = redis.NewCmd(ctx, args...)
	next.finish(r.cluster.Process(ctx, next.cmd))
	return again.result
}

// merge puts the trips' verdicts together. News in one of them is news to all.
func merge(ask Ask, trips []*trip) (Verdict, error) {
	v := Verdict{Allowed: true, Outcomes: make([]Outcome, len(ask.Levels))}
	for _, t := range trips {
		if t.err != nil {
			return Verdict{}, t.err
		}
		if t.verdict.News != nil {
			v.News = t.verdict.News
			continue
		}
		v.Allowed = v.Allowed && t.verdict.Allowed
		for i, o := range t.verdict.Outcomes {
			v.Outcomes[t.index[i]] = o
		}
	}
	if v.News != nil {
		return Verdict{News: v.News}, nil
	}
	return v, nil
}

var takeBackScript = redis.NewScript(takeBackText)

// takeBackTimeout is for what nobody waits for.
const takeBackTimeout = time.Second

// takeBack gives a trip's charges back, without waiting for it, and corrects
// what the merged outcomes say is left. If Redis cannot be asked, they stay.
func (r *Redis) takeBack(t *trip, outcomes []Outcome) {
	if t.err != nil || t.verdict.News != nil || !t.verdict.Allowed {
		return
	}
	keys, args := chargesOf(t)
	if len(keys) == 0 {
		return
	}
	for i, o := range t.verdict.Outcomes {
		if o.Fits && outcomes != nil {
			outcomes[t.index[i]].Remaining += t.levels[i].Cost + o.More
			outcomes[t.index[i]].More = 0
		}
	}
	r.backs.Go(func() { r.runTakeBack(keys, args) })
}

func (r *Redis) runTakeBack(keys []string, args []any) {
	ctx, cancel := context.WithTimeout(context.Background(), takeBackTimeout)
	defer cancel()
	takeBackScript.Run(ctx, r.client, keys, args...)
}

// chargesOf are the arguments of takeback.lua for what a trip was charged.
func chargesOf(t *trip) (keys []string, args []any) {
	args = []any{text(t.at)}
	for i, o := range t.verdict.Outcomes {
		if l := &t.levels[i]; o.Fits {
			keys = append(keys, l.Key)
			args = append(args, l.Limit.wire.kind, text(l.Cost+o.More), l.Limit.wire.a, l.Limit.wire.b)
		}
	}
	return keys, args
}
