package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
)

// Redis counts in Redis, with one script and one round trip whatever the number
// of descriptors. Redis' clock decides, so nodes need not agree on time.
//
// A Redis Cluster runs a script on one slot. There, descriptors whose keys have
// different tags, as a tenant's and the global one have, are asked for side by
// side, each slot once; where one denies, what the others charged is taken back
// after the answer. Until then, somebody else may be denied for it.
//
// With a [Local] beside it, a node goes on counting while Redis cannot be asked, and
// what it admits then is charged in Redis later: with the counter's next call, or in
// the background where none comes. The Local bounds the memory for it.
type Redis struct {
	options  RedisOptions
	client   redis.UniversalClient
	script   script
	settling *periodic.Task
	// one is the batcher of a Redis that is no Cluster. The others are nil but for a
	// Cluster, of which each master has a batcher in masters.
	one      *batcher
	cluster  *redis.ClusterClient
	masters  *masters
	topology *topology
	// takeBacks are the charges that are being taken back.
	takeBacks sync.WaitGroup
	answers   atomic.Uint64
}

// RedisOptions are what [NewRedis] needs beside a client.
type RedisOptions struct {
	// Now is this node's clock. It only picks which calendar periods the script
	// chooses from. Default: time.Now.
	Now func() time.Time
	// Local is what this node decides by while Redis does not answer; nil for none.
	Local *Local
	// Settled is told of units that were admitted without Redis, as they are charged
	// there. Forgotten is told of those that never will be, since their counters were
	// too many to keep. Both may be nil.
	Settled, Forgotten func(units int64)
	// Tripped is told once when a server is given up on, Recovered once when it
	// is back; see [NewBreaker]. addr is empty but for a Cluster's. Gone is told when
	// a server of a Cluster has no slots any more, and then nothing more is said of it.
	Tripped   func(addr string, err error)
	Recovered func(addr string)
	Gone      func(addr string)
	// Said is told each time that a server answers with a word in place of decisions.
	Said func(addr string, word Word, err error)
}

// NewRedis counts through client, which it leaves to its owner to close.
func NewRedis(client redis.UniversalClient, o RedisOptions) *Redis {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Redis{options: o, client: client, script: newScript(scriptText)}
	r.settling = periodic.New(settleEvery, r.settle)
	if o.Local != nil {
		o.Local.attach(r.settling.Start, o.Settled, o.Forgotten)
	}
	if r.cluster, _ = client.(*redis.ClusterClient); r.cluster == nil {
		r.one = r.newBatcher(client, "")
		return r
	}
	r.masters = &masters{cluster: r.cluster, make: r.newBatcher, gone: r.gone, byAddr: map[string]*batcher{}}
	r.topology = newTopology(r.masters)
	return r
}

func (r *Redis) newBatcher(client redis.UniversalClient, addr string) *batcher {
	b := &batcher{client: client, script: &r.script, local: r.options.Local, apart: r.cluster != nil, answers: &r.answers}
	b.watch = func(err error) { r.watch(b, addr, err) }
	tripped := func(err error) {
		if r.options.Tripped != nil {
			b.tell(func() { r.options.Tripped(addr, err) })
		}
	}
	recovered := func() {
		if r.options.Recovered != nil {
			b.tell(func() { r.options.Recovered(addr) })
		}
	}
	b.breaker = NewBreaker(tripped, recovered)
	return b
}

// watch has the slots of a Cluster read again where a server fails or says that it has
// not got them.
func (r *Redis) watch(b *batcher, addr string, err error) {
	word := wordOf(err)
	var refused redis.Error
	if r.topology != nil && (word != "" || !errors.As(err, &refused)) {
		r.topology.suspect()
	}
	if word != "" && r.options.Said != nil {
		b.tell(func() { r.options.Said(addr, word, err) })
	}
}

// Answers is how many batches of requests were answered. A server that was silent is back
// where there are more.
func (r *Redis) Answers() uint64 { return r.answers.Load() }

func (r *Redis) gone(addr string) {
	if r.options.Gone != nil {
		r.options.Gone(addr)
	}
}

var errNoLocal = errors.New("no store to decide without redis")

// Take implements [Store]. It fails with [ErrOpen] while Redis is given up on,
// and never waits longer than ctx and the request's timeout allow.
func (r *Redis) Take(ctx context.Context, req Request) (Verdict, error) {
	if req.Offline && r.options.Local != nil {
		return r.options.Local.Take(ctx, req)
	}
	if req.Offline {
		return Verdict{}, errNoLocal
	}
	if err := ctx.Err(); err != nil {
		return Verdict{}, fmt.Errorf("wait for redis: %w", err)
	}
	if r.cluster != nil {
		return r.takeFromSlots(ctx, req)
	}
	done := r.one.do(newCall(ctx, req, r.options.Now()))
	return done.verdict, done.err
}

// Close charges what is owed, as far as Redis lets it within a second, and waits
// until what has to be taken back is, for 5 s at most. Answers that are still out are given up.
func (r *Redis) Close() {
	r.settling.Stop()
	if r.options.Local != nil {
		r.options.Local.settleAtOnce()
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		r.settle(ctx)
		cancel()
	}
	r.takeBacks.Wait()
	if r.cluster == nil {
		r.one.close()
		return
	}
	r.topology.close()
	r.masters.close()
}

// handOverTimeout bounds how long Redis may take to be told what is owed before the
// rest is left to the next process, which waits for that.
const handOverTimeout = 100 * time.Millisecond

// HandOver charges what is owed, as far as Redis lets it at once, and takes all that
// the Local knows out of it, for the process that takes this one's place. Nothing of it
// is charged here later.
func (r *Redis) HandOver() Snapshot {
	r.settling.Stop()
	if r.options.Local == nil {
		return Snapshot{}
	}
	r.options.Local.settleAtOnce()
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	r.settle(ctx)
	return r.options.Local.HandOver()
}

// batcherFor is the batcher to the master that has the key.
func (r *Redis) batcherFor(ctx context.Context, key string) (*batcher, error) {
	if r.cluster == nil {
		return r.one, nil
	}
	b, isNew, err := r.masters.of(ctx, key)
	if isNew { // then another may have none any more
		r.topology.suspect()
	}
	return b, err
}
