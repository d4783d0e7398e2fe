package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Missing is what a user may not do.
type Missing []Refusal

// Probe runs each command that the limiter needs, in one round trip to each master, such
// that it changes nothing, and says which of them are refused. No refusal that it meets
// is told to a [Watch].
func Probe(ctx context.Context, client redis.UniversalClient, prefix string, replicas bool) (Missing, error) {
	wanted := needs(prefix)
	if replicas {
		wanted = append(wanted, waits)
	}
	ctx = Unwatched(ctx)
	var missing Missing
	var mu sync.Mutex
	err := forEachMaster(ctx, client, func(ctx context.Context, c redis.Cmdable) error {
		refused, err := probe(ctx, c, wanted)
		mu.Lock()
		defer mu.Unlock()
		for _, r := range refused {
			if !slices.Contains(missing, r) {
				missing = append(missing, r)
			}
		}
		return err
	})
	return missing, err
}

func forEachMaster(ctx context.Context, client redis.UniversalClient, do func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return do(ctx, c) })
	}
	return do(ctx, client)
}

func probe(ctx context.Context, client redis.Cmdable, wanted []need) (refused []Refusal, err error) {
	p := client.Pipeline()
	cmds := make([]*redis.Cmd, len(wanted))
	for i, n := range wanted {
		cmds[i] = p.Do(ctx, n.words()...)
	}
	_, _ = p.Exec(ctx) // each command has its error
	for i, cmd := range cmds {
		err := cmd.Err()
		if _, said := errors.AsType[redis.Error](err); err != nil && !said {
			return nil, fmt.Errorf("probe the rights of the redis user: %w", err)
		}
		if r, ok := Parse(err, wanted[i].command); ok {
			r.Command = wanted[i].command
			refused = append(refused, r)
		}
	}
	return refused, nil
}

// Commands are the commands that are refused, as a server's ACL names them.
func (m Missing) Commands() string { return m.of(OfCommand) }

// Keys is true where the user may not touch the keys.
func (m Missing) Keys() bool { return m.of(OfKey) != "" }

// CountNothing is true where no request can be counted.
func (m Missing) CountNothing() bool {
	return m.Keys() || slices.ContainsFunc(m, func(r Refusal) bool { return lost(r.Command) == noCounts })
}

func (m Missing) of(what string) string {
	var list []string
	for _, r := range m {
		if r.Of == what {
			list = append(list, r.Command)
		}
	}
	return strings.Join(list, " ")
}
