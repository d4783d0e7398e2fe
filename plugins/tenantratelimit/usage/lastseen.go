package usage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Credential is one of Kong's, by its id, and the username of the consumer whose it is.
type Credential struct{ ID, Consumer string }

// LastSeen is when credentials were last used, on any node, to the second. What is older
// than ninety days is forgotten. Times are of the nodes' clocks.
type LastSeen struct {
	Credentials map[Credential]time.Time
	// Since is when nodes began to write: what was used before, this Redis does not know.
	Since time.Time
	// Nodes is up to when each node, by its name, has written what it saw, which nodes do
	// every ten seconds and when they end. One that ended, and said so, is not in it.
	Nodes map[string]time.Time
}

// maxCredentials are those that a node remembers between two writes; what would be more
// counts as [Recorder.Partly].
const maxCredentials = 5000

// lastSeenKey is the key of a sorted set: the score of a credential is when it was last
// seen, in Unix seconds.
func lastSeenKey(prefix string) string { return prefix + ":{credentials}:lastseen" }

// writersKey is the key of a sorted set: the score of a node's name is up to when it has
// written, in Unix seconds, to the millisecond.
func writersKey(prefix string) string { return prefix + ":{credentials}:writers" }

// sinceKey is the key of [LastSeen.Since].
func sinceKey(prefix string) string { return prefix + ":{credentials}:since" }

func (c Credential) member() string { return c.ID + " " + c.Consumer }

func parseCredential(member string) (c Credential, ok bool) {
	c.ID, c.Consumer, ok = strings.Cut(member, " ")
	return c, ok
}

// sight is when each credential was last seen, in Unix seconds.
type sight map[Credential]int64

// see reports whether the credential, if there is one, is remembered.
func (s sight) see(c Credential, at int64) bool {
	last, known := s[c]
	if c.ID == "" || known && last >= at {
		return true
	}
	if !known && len(s) >= maxCredentials {
		return false
	}
	s[c] = at
	return true
}

// writeSeen tells Redis what this node saw until then, and when all of it is there, that
// it has looked.
func (r *Recorder) writeSeen(ctx context.Context, seen sight, until time.Time) (err error) {
	defer func() {
		if err != nil {
			r.keep(seen)
		}
	}()
	list := make([]redis.Z, 0, len(seen))
	for c, at := range seen {
		list = append(list, redis.Z{Score: float64(at), Member: c.member()})
	}
	for {
		n := min(len(list), maxCounts)
		if err := r.sendSeen(ctx, until, list[:n], n == len(list)); err != nil {
			return fmt.Errorf("write which credentials were seen: %w", err)
		}
		if list = list[n:]; len(list) == 0 {
			return nil
		}
		time.Sleep(pause)
	}
}

// keep has what could not be written be written the next time.
func (r *Recorder) keep(seen sight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, at := range seen {
		r.sight.see(c, at)
	}
}

func (r *Recorder) sendSeen(ctx context.Context, now time.Time, list []redis.Z, last bool) error {
	ctx, cancel := context.WithTimeout(ctx, pipelineTimeout)
	defer cancel()
	key, writers, since, until := lastSeenKey(r.prefix), writersKey(r.prefix), sinceKey(r.prefix), now.Add(keptSeconds*time.Second)
	forgotten := "(" + strconv.FormatInt(now.Unix()-keptSeconds, 10)
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		if len(list) > 0 {
			p.ZAddArgs(ctx, key, redis.ZAddArgs{GT: true, Members: list})
		}
		p.ZRemRangeByScore(ctx, key, "-inf", forgotten)
		p.ExpireAt(ctx, key, until)
		if last {
			p.ZAddArgs(ctx, writers, redis.ZAddArgs{Members: []redis.Z{{Score: float64(now.UnixMilli()) / 1000, Member: r.node}}})
			p.ZRemRangeByScore(ctx, writers, "-inf", forgotten)
			p.ExpireAt(ctx, writers, until)
		}
		p.ExpireAt(ctx, since, until)
		p.SetArgs(ctx, since, now.Unix(), redis.SetArgs{Mode: "NX", ExpireAt: until})
		return nil
	})
	if errors.Is(err, redis.Nil) { // of the last one: it is there
		return nil
	}
	return err
}

// leave says that this node has ended and that all that it saw is written.
func (r *Recorder) leave(ctx context.Context) error {
	key := writersKey(r.prefix)
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAddArgs(ctx, key, redis.ZAddArgs{Members: []redis.Z{{Score: 0, Member: r.node}}})
		p.ZRemRangeByScore(ctx, key, "-inf", "0") // by its score: nodes need no right to ZREM
		return nil
	})
	if err != nil {
		return fmt.Errorf("write that no more credentials are seen here: %w", err)
	}
	return nil
}

// ReadLastSeen reads what all nodes have seen.
func ReadLastSeen(ctx context.Context, client redis.UniversalClient, prefix string) (LastSeen, error) {
	// The writers first: what one has written until then is read after it.
	writers, err := client.ZRangeWithScores(ctx, writersKey(prefix), 0, -1).Result()
	if err != nil {
		return LastSeen{}, fmt.Errorf("read which nodes have seen credentials: %w", err)
	}
	all, err := client.ZRangeWithScores(ctx, lastSeenKey(prefix), 0, -1).Result()
	if err != nil {
		return LastSeen{}, fmt.Errorf("read which credentials were seen: %w", err)
	}
	since, err := client.Get(ctx, sinceKey(prefix)).Int64()
	if errors.Is(err, redis.Nil) {
		return LastSeen{}, nil // nobody has written yet
	}
	if err != nil {
		return LastSeen{}, fmt.Errorf("read since when credentials are seen: %w", err)
	}
	seen := LastSeen{Credentials: make(map[Credential]time.Time, len(all)), Since: time.Unix(since, 0), Nodes: make(map[string]time.Time, len(writers))}
	for _, z := range all {
		if c, ok := parseCredential(fmt.Sprint(z.Member)); ok {
			seen.Credentials[c] = time.Unix(int64(z.Score), 0)
		}
	}
	for _, z := range writers {
		seen.Nodes[fmt.Sprint(z.Member)] = time.UnixMilli(int64(math.Round(z.Score * 1000)))
	}
	return seen, nil
}

// ForgetCredentials removes what is known of some credentials. A node that has seen one
// since its last write writes it again, within ten seconds.
func ForgetCredentials(ctx context.Context, client redis.UniversalClient, prefix string, list []Credential) error {
	if len(list) == 0 {
		return nil
	}
	members := make([]any, len(list))
	for i, c := range list {
		members[i] = c.member()
	}
	if err := client.ZRem(ctx, lastSeenKey(prefix), members...).Err(); err != nil {
		return fmt.Errorf("forget credentials: %w", err)
	}
	return nil
}
