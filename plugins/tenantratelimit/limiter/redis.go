package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis counts in Redis, with one script and one round trip whatever the number
// of levels. Redis' clock decides, so nodes need not agree on time.
//
// A Redis Cluster runs a script on one slot. There, levels whose keys have
// different tags, as a tenant's and the global one have, are asked for side by
// side, each slot once; where one denies, what the others charged is taken back
// after the answer. Until then, somebody else may be denied for it.
type Redis struct {
	options RedisOptions
	scripts *scripts
	cluster *redis.ClusterClient // nil for anything else
	// one is the lane of a Redis that is no cluster; others are by address.
	one    *lane
	mu     sync.RWMutex
	others map[string]*lane
	// backs are the charges that are being taken back.
	backs sync.WaitGroup
}

// RedisOptions are what [NewRedis] needs beside a client.
type RedisOptions struct {
	// Now is this node's clock. It only picks which calendar periods the script
	// chooses from. Default: time.Now.
	Now func() time.Time
	// Tripped is told once when a server is given up on, Recovered once when it
	// is back; see [NewBreaker]. addr is empty but for a cluster's.
	Tripped   func(addr string, err error)
	Recovered func(addr string)
}

// NewRedis counts through client, which it leaves to its owner to close.
func NewRedis(client redis.UniversalClient, o RedisOptions) *Redis {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Redis{options: o, scripts: newScripts(), others: map[string]*lane{}}
	if r.cluster, _ = client.(*redis.ClusterClient); r.cluster == nil {
		r.one = r.newLane(client, "")
	}
	return r
}

func (r *Redis) newLane(client redis.UniversalClient, addr string) *lane {
	tripped := func(err error) {
		if r.cluster != nil {
			r.cluster.ReloadState(context.Background()) // a replica may have taken over
		}
		if r.options.Tripped != nil {
			r.options.Tripped(addr, err)
		}
	}
	recovered := func() {
		if r.options.Recovered != nil {
			r.options.Recovered(addr)
		}
	}
	return &lane{client: client, scripts: r.scripts, breaker: NewBreaker(tripped, recovered)}
}

// errReply means that the script and this code disagree about the reply.
var errReply = errors.New("unexpected reply from the limit script")

// Take implements [Store]. It fails with [ErrOpen] while Redis is given up on,
// and never waits longer than ctx allows.
func (r *Redis) Take(ctx context.Context, ask Ask) (Verdict, error) {
	if r.cluster != nil {
		return r.takeFromSlots(ctx, ask)
	}
	keys, args := r.arguments(ask.Levels, ask.OverridesKey, ask.Believed)
	reply, err := r.one.do(&call{ctx: ctx, script: &r.scripts.take, keys: keys, args: args})
	if err != nil {
		return Verdict{}, err
	}
	v, _, err := decode(ask.Levels, reply)
	return v, err
}

// arguments are those of script.lua.
func (r *Redis) arguments(levels []Level, overridesKey, believed string) (keys []string, args []any) {
	keys = make([]string, 0, len(levels)+1)
	args = make([]any, 0, 1+argsPerLevel*len(levels))
	args = append(args, believed)
	now := r.options.Now()
	for i := range levels {
		keys = append(keys, levels[i].Key)
		args = appendLevel(args, &levels[i], now)
	}
	if overridesKey != "" {
		keys = append(keys, overridesKey)
	}
	return keys, args
}

// decode reads a reply of script.lua; at is Redis' time, in microseconds.
func decode(levels []Level, reply any) (v Verdict, at int64, err error) {
	if news, ok := reply.(string); ok {
		return Verdict{News: &news}, 0, nil
	}
	list, _ := reply.([]any)
	if len(list) < 3*len(levels)+1 {
		return Verdict{}, 0, errReply
	}
	outcomes := make([]Outcome, len(levels))
	for i := range outcomes {
		wait, ok1 := list[3*i].(int64)
		remaining, ok2 := list[3*i+1].(int64)
		reset, ok3 := list[3*i+2].(int64)
		if !ok1 || !ok2 || !ok3 {
			return Verdict{}, 0, errReply
		}
		outcomes[i] = Outcome{Fits: wait == 0, Remaining: remaining, Reset: micros(reset), Retry: micros(wait)}
	}
	list = list[3*len(levels):]
	at, ok := list[0].(int64)
	for _, number := range list[1:] {
		n, _ := number.(int64)
		if n < 1 || n > int64(len(levels)) {
			return Verdict{}, 0, errReply
		}
		outcomes[n-1].More = levels[n-1].More
	}
	if !ok {
		return Verdict{}, 0, errReply
	}
	return verdict(levels, outcomes), at, nil
}

// Close waits until what has to be taken back is.
func (r *Redis) Close() { r.backs.Wait() }

// laneFor is the lane to the master that has the key.
func (r *Redis) laneFor(ctx context.Context, key string) (*lane, error) {
	if r.cluster == nil {
		return r.one, nil
	}
	master, err := r.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("find the slot's server: %w", err)
	}
	addr := master.Options().Addr
	r.mu.RLock()
	l := r.others[addr]
	r.mu.RUnlock()
	if l != nil {
		return l, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l = r.others[addr]; l == nil {
		l = r.newLane(master, addr)
		r.others[addr] = l
	}
	return l, nil
}
