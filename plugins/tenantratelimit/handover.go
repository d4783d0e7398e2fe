package tenantratelimit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
)

const (
	// handoverVersion changes when what is handed over is written in another way.
	handoverVersion = 2
	// handoverLife is how long it is of use: a node that was away for longer knows less
	// than one that asks.
	handoverLife = time.Minute
	// handoverCounters is how many counters of each Redis are handed over, those that
	// matter most.
	handoverCounters = 20_000
	// MaxHandOver bounds what is handed over, in bytes.
	MaxHandOver = 16 << 20
)

// handover is what a process leaves to the next, by the [fingerprint] of each Redis' URL.
type handover map[string]*inheritance

// inheritance is of one Redis: its counters, and by key prefix, how many nodes there are.
type inheritance struct {
	Counters limiter.Snapshot            `json:"counters"`
	Nodes    map[string]membership.Count `json:"nodes"`
}

// handoverText is how it is written. At is in milliseconds since the Unix epoch.
type handoverText struct {
	Version int      `json:"version"`
	At      int64    `json:"at"`
	Redis   handover `json:"redis"`
}

// fingerprint names a Redis without its URL, which may hold a password.
func fingerprint(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:])
}

// of finds or makes a Redis' part.
func (l handover) of(url string) *inheritance {
	key := fingerprint(url)
	if l[key] == nil {
		l[key] = &inheritance{Nodes: map[string]membership.Count{}}
	}
	return l[key]
}

// counters takes out what is known of the counters at a Redis.
func (l handover) counters(url string) (s limiter.Snapshot) {
	if in := l[fingerprint(url)]; in != nil {
		s, in.Counters = in.Counters, limiter.Snapshot{}
	}
	return s
}

// nodes is what is known of a deployment's nodes, nothing where nothing was left.
func (l handover) nodes(key deploymentKey) (c membership.Count) {
	if in := l[fingerprint(key.url)]; in != nil {
		c = in.Nodes[key.prefix]
	}
	return c
}

// HandOver is what this process knows of its counters and of how many nodes there are,
// for [Runtime.TakeOver] of the process that takes its place, at most [MaxHandOver]
// bytes. It is called when no request comes any more, and before Close. What is owed to
// Redis is charged at once as far as Redis lets it, and the rest is the next process' to
// charge. The text names tenants and users as the keys in Redis do, and no URL.
func (r *Runtime) HandOver() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.predecessor
	if left == nil {
		left = handover{}
	}
	r.predecessor = nil
	for url, p := range r.pools {
		left.of(url).Counters = p.store.HandOver()
	}
	for key, d := range r.deployments {
		left.of(key.url).Nodes[key.prefix] = d.member.Known()
	}
	return left.write(r.options.Now(), MaxHandOver)
}

// write is the text, with fewer counters where it would be too long.
func (l handover) write(now time.Time, size int) ([]byte, error) {
	for most := handoverCounters; ; most /= 2 {
		for _, in := range l {
			in.Counters = in.Counters.First(most)
		}
		text, err := json.Marshal(handoverText{handoverVersion, now.UnixMilli(), l})
		if err != nil {
			return nil, fmt.Errorf("write what limits are at: %w", err)
		}
		if len(text) <= size || most == 0 {
			return text, nil
		}
	}
}

// TakeOver goes on from what [Runtime.HandOver] of another process wrote, as configs
// ask for it. It is called before any config is provisioned. On an error, this process
// begins as one that knows nothing.
func (r *Runtime) TakeOver(text []byte) error {
	left, err := readHandover(text, r.options.Now())
	if err != nil {
		return fmt.Errorf("go on from the last process' limits: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.predecessor = left
	return nil
}

func readHandover(text []byte, now time.Time) (handover, error) {
	if len(text) > MaxHandOver {
		return nil, fmt.Errorf("more than %d bytes", MaxHandOver)
	}
	var head struct{ Version int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Version != handoverVersion {
		return nil, fmt.Errorf("version %d, and not %d", head.Version, handoverVersion)
	}
	var t handoverText
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	if age := now.Sub(time.UnixMilli(t.At)); age.Abs() > handoverLife {
		return nil, fmt.Errorf("written %v ago, which is more than %v", age, handoverLife)
	}
	return t.Redis, t.Redis.check()
}

// check refuses what no process writes.
func (l handover) check() error {
	for _, in := range l {
		if in == nil || in.Nodes == nil {
			return errors.New("a redis without nodes")
		}
		for _, c := range in.Nodes {
			if c.Nodes < 0 || c.Nodes > limiter.MaxNodes {
				return fmt.Errorf("%d nodes", c.Nodes)
			}
		}
	}
	return nil
}
