// Package releaselock keeps two from putting configs on one gateway's replicas at once: a
// lock in Redis with a fence, and a mark of the release that is unfinished.
//
// What the lock excludes and what it cannot is in docs/adr/0040.
package releaselock

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lock is one that is held. It is extended until it is released, or another one has it.
type Lock struct {
	client redis.UniversalClient
	keys   keys
	of     string // the gateway
	value  string
	ttl    time.Duration
	fence  int64
	stop   context.CancelFunc
	ended  chan struct{}

	mu sync.Mutex
	// until is when the lock ends unless it is extended, by this process' clock: counted
	// from before Redis was asked, so that it is never later than Redis has it.
	until time.Time
}

// keys are in one slot of a Cluster.
type keys struct{ lock, fence, open string }

func keysOf(name string) keys {
	prefix := "gatehouse:{" + name + "}:release:"
	return keys{prefix + "lock", prefix + "fence", prefix + "open"}
}

// Options say which lock.
type Options struct {
	// Gateway is the name of the replicas that get one config.
	Gateway string
	// Who is said to those that find the lock taken.
	Who string
	// TTL is how long the lock outlives a process that was killed. It is extended after a
	// third of it.
	TTL time.Duration
}

// Taken is the error of a lock that somebody else has.
type Taken struct {
	Who string
	// For is how long it is theirs unless they extend it.
	For time.Duration
}

func (t *Taken) Error() string {
	return fmt.Sprintf("%s has the lock for %v more, unless it is extended", t.Who, t.For.Round(time.Second))
}

// take gets the lock and the next fence, or says who has it.
var take = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {redis.call('INCR', KEYS[2]), '', 0}
end
return {0, redis.call('GET', KEYS[1]) or '', redis.call('PTTL', KEYS[1])}`)

// extend keeps the lock, if it still is this one's.
var extend = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0`)

// release gives it back, if it is.
var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`)

// Try takes the lock, or returns [Taken].
func Try(ctx context.Context, client redis.UniversalClient, o Options) (*Lock, error) {
	k := keysOf(o.Gateway)
	value := strings.ReplaceAll(o.Who, "\n", " ") + "\n" + rand.Text()
	asked := time.Now()
	reply, err := take.Run(ctx, client, []string{k.lock, k.fence}, value, o.TTL.Milliseconds()).Slice()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for the lock: %w", err)
	}
	fence, _ := reply[0].(int64)
	if fence == 0 {
		holder, _ := reply[1].(string)
		left, _ := reply[2].(int64)
		who, _, _ := strings.Cut(holder, "\n")
		return nil, &Taken{who, time.Duration(left) * time.Millisecond}
	}
	extending, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{client: client, keys: k, of: o.Gateway, value: value, ttl: o.TTL, fence: fence, stop: stop, ended: make(chan struct{}), until: asked.Add(o.TTL)}
	go l.keep(extending)
	return l, nil
}

// retry is how often a lock is tried that another has.
const retry = 200 * time.Millisecond

// Take takes the lock as soon as it is free. wait is called once, if it is not.
func Take(ctx context.Context, client redis.UniversalClient, o Options, wait func(*Taken)) (*Lock, error) {
	for waited := false; ; waited = true {
		l, err := Try(ctx, client, o)
		var taken *Taken
		if !errors.As(err, &taken) {
			return l, err
		}
		if !waited {
			wait(taken)
		}
		select {
		case <-ctx.Done():
			return nil, taken
		case <-time.After(retry):
		}
	}
}

// Fence is this holder's number: each has a higher one than all before it.
func (l *Lock) Fence() int64 { return l.fence }

func (l *Lock) keep(ctx context.Context) {
	defer close(l.ended)
	tick := time.NewTicker(l.ttl / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			asking, cancel := context.WithTimeout(ctx, l.ttl/3)
			_ = l.extend(asking) // whoever posts asks again
			cancel()
		}
	}
}

var errLost = errors.New("the lock is lost: it ended, or Redis forgot it")

func (l *Lock) extend(ctx context.Context) error {
	asked := time.Now()
	kept, err := extend.Run(ctx, l.client, []string{l.keys.lock}, l.value, l.ttl.Milliseconds()).Int()
	switch {
	case err != nil:
		return fmt.Errorf("extend the lock: %w", err)
	case kept == 0:
		return errLost
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = asked.Add(l.ttl)
	return nil
}

// Hold makes sure that the lock is this one's for so long: it is extended, and where Redis
// does not answer, what is left of it has to do.
func (l *Lock) Hold(ctx context.Context, long time.Duration) error {
	asking, cancel := context.WithTimeout(ctx, l.ttl/3)
	defer cancel()
	err := l.extend(asking)
	if errors.Is(err, errLost) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if left := time.Until(l.until); left < long {
		return errors.Join(fmt.Errorf("the lock is held for %v more, and %v are needed", left.Round(time.Millisecond), long), err)
	}
	return nil
}

// Release gives the lock back.
func (l *Lock) Release(ctx context.Context) error {
	l.stop()
	<-l.ended
	if err := release.Run(ctx, l.client, []string{l.keys.lock}, l.value).Err(); err != nil {
		return fmt.Errorf("give the lock back: %w", err)
	}
	return nil
}

// Open is a release that is not finished, as whoever comes next is to know it.
type Open struct {
	ID    string    `json:"id"`
	Who   string    `json:"who"`
	Host  string    `json:"host"`
	State string    `json:"state"` // the folder there that has its state
	Since time.Time `json:"since"`
	Fence int64     `json:"fence"`
}

// Unfinished is the release that did not finish, nil if there is none.
func (l *Lock) Unfinished(ctx context.Context) (*Open, error) { return Unfinished(ctx, l.client, l.of) }

// Unfinished is the release of a gateway that did not finish, nil if there is none.
func Unfinished(ctx context.Context, client redis.UniversalClient, gateway string) (*Open, error) {
	text, err := client.Get(ctx, keysOf(gateway).open).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("ask Redis for an unfinished release: %w", err)
	}
	var o Open
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("read the unfinished release in Redis: %w", err)
	}
	return &o, nil
}

// mark sets or removes the mark, if the lock is this one's.
var mark = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[2]) end
return 1`)

// Mark says that a release is unfinished, or with nil that it is not any more.
func (l *Lock) Mark(ctx context.Context, o *Open) error {
	text := []byte{}
	if o != nil {
		var err error
		if text, err = json.Marshal(o); err != nil {
			return err
		}
	}
	held, err := mark.Run(ctx, l.client, []string{l.keys.lock, l.keys.open}, l.value, text).Int()
	switch {
	case err != nil:
		return fmt.Errorf("mark the release in Redis: %w", err)
	case held == 0:
		return errLost
	default:
		return nil
	}
}
