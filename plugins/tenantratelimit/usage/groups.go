package usage

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Groups are distributions by group and kind.
type Groups map[string]map[string]*Distribution

func (g Groups) of(group, kind string) *Distribution {
	if g[group] == nil {
		g[group] = map[string]*Distribution{}
	}
	if g[group][kind] == nil {
		g[group][kind] = &Distribution{}
	}
	return g[group][kind]
}

// Tally counts recorded requests, in any order, in memory: about 200 bytes for
// each user and route of each minute.
type Tally struct{ counts counts }

// unbounded is for one who reads what is there.
var unbounded = bounds{realms: math.MaxInt, users: math.MaxInt, addresses: math.MaxInt, routes: math.MaxInt}

// Observe counts a request that came in at that time.
func (t *Tally) Observe(at time.Time, s Request) {
	if t.counts == nil {
		t.counts = counts{}
	}
	t.counts.add(at.Unix()/windowSeconds, s, unbounded)
}

// Groups are the distributions of what was counted.
func (t *Tally) Groups() Groups {
	g := Groups{}
	for at, units := range t.counts.cells() {
		g.of(at.group, at.kind).observe(at.whose, units)
	}
	return g
}

// Read collects what all nodes have observed, from every server of a Cluster.
// It scans all keys, a thousand at a time: for an operator, not for a request.
func Read(ctx context.Context, client redis.UniversalClient, prefix string) (Groups, error) {
	g := Groups{}
	var mu sync.Mutex
	scan := func(ctx context.Context, c *redis.Client) error {
		keys := c.Scan(ctx, 0, escapeGlob(prefix)+":{*}:seen:[0-9]*", 1000).Iterator()
		for keys.Next(ctx) {
			fields, err := c.HGetAll(ctx, keys.Val()).Result()
			if err != nil {
				return fmt.Errorf("read %s: %w", keys.Val(), err)
			}
			mu.Lock()
			g.collect(groupOf(keys.Val()), fields)
			mu.Unlock()
		}
		return keys.Err()
	}
	var err error
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, scan)
	case *redis.Client:
		err = scan(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was observed: %w", err)
	}
	return g, nil
}

// escapeGlob makes a pattern of SCAN match the text itself.
func escapeGlob(text string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(text)
}

func groupOf(key string) string {
	_, rest, _ := strings.Cut(key, "{")
	group, _, _ := strings.Cut(rest, "}")
	return group
}

// collect adds a hash of observe.lua's. Fields that are none of its are passed over.
func (g Groups) collect(group string, fields map[string]string) {
	for name, value := range fields {
		if len(name) < 3 {
			continue
		}
		s, err := strconv.Atoi(name[1 : len(name)-1])
		n, err2 := strconv.ParseInt(value, 10, 64)
		if err != nil || err2 != nil || s < 0 {
			continue
		}
		switch d := g.of(group, name[:1]); name[len(name)-1] {
		case 'n':
			d.add(s, n, 0)
		case 's':
			d.add(s, 0, n)
		}
	}
	for _, kind := range []string{kindTotal, kindUser, kindRoute} {
		if peak, err := strconv.ParseInt(fields[kind+"p"], 10, 64); err == nil {
			g.of(group, kind).raise(fields[kind+"w"], peak)
		}
	}
}
