package callers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Recorded is what all nodes have recorded.
type Recorded struct {
	// Since is when nodes began to record; zero where none did.
	Since time.Time
	// Routes are the callers by the route's name, or its id where it has none.
	Routes map[string][]Calls
	// Last is when each route was called last, also by those who were forgotten since. Of a
	// route that is not there nobody knows that a node would record its calls.
	Last map[string]time.Time
}

// Calls are those of one caller on one route. Times are of the nodes' clocks.
type Calls struct {
	Caller
	First, Last time.Time
	// Days are the counts of the last 90 days with calls, by their first moments in UTC.
	Days map[time.Time]Counts
	// Agents are what clients say they are, the latest first.
	Agents []string
}

// Read reads what is recorded.
func Read(ctx context.Context, client redis.UniversalClient, prefix string) (Recorded, error) {
	recorded := Recorded{Routes: map[string][]Calls{}, Last: map[string]time.Time{}}
	since, err := client.Get(ctx, sinceKey(prefix)).Int64()
	if errors.Is(err, redis.Nil) {
		return recorded, nil // nobody has written yet
	}
	if err != nil {
		return recorded, fmt.Errorf("read since when callers are recorded: %w", err)
	}
	recorded.Since = time.Unix(since, 0).UTC()
	routes, err := client.ZRangeWithScores(ctx, routesKey(prefix), 0, -1).Result()
	if err != nil {
		return recorded, fmt.Errorf("read which routes were called: %w", err)
	}
	for _, z := range routes {
		route, _ := z.Member.(string)
		recorded.Last[route] = time.Unix(int64(z.Score)-seconds(routeKept), 0).UTC()
		if recorded.Routes[route], err = readRoute(ctx, client, keysOf(prefix, route)); err != nil {
			return recorded, fmt.Errorf("read who calls %s: %w", route, err)
		}
	}
	return recorded, nil
}

func readRoute(ctx context.Context, client redis.UniversalClient, k keys) (list []Calls, err error) {
	err = eachCaller(ctx, client, k, func(_ string, fields map[string]string) error {
		list = append(list, parseCalls(fields))
		return nil
	})
	return list, err
}

// maxReads is how many callers are read in one round trip.
const maxReads = 100

// eachCaller visits the hashes of a route's callers, by their members.
func eachCaller(ctx context.Context, client redis.UniversalClient, k keys, visit func(member string, fields map[string]string) error) error {
	members, err := client.ZRange(ctx, k.index, 0, -1).Result()
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(members, maxReads) {
		replies := make([]*redis.MapStringStringCmd, len(chunk))
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, member := range chunk {
				replies[i] = p.HGetAll(ctx, k.caller(member))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, member := range chunk {
			if fields := replies[i].Val(); len(fields) > 0 { // else it was forgotten just now
				if err := visit(member, fields); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// parseCalls reads a caller's hash.
func parseCalls(fields map[string]string) Calls {
	c := Calls{Caller: callerOf(fields), First: unix(fields["first"]), Last: unix(fields["last"]), Days: map[time.Time]Counts{}}
	seen := map[string]time.Time{}
	for field, value := range fields {
		if day, ok := strings.CutPrefix(field, "d"); ok {
			if at, err := time.Parse(dayForm, day); err == nil {
				c.Days[at] = parseCounts(value)
			}
		} else if agent, ok := strings.CutPrefix(field, "u"); ok {
			seen[agent] = unix(value)
			c.Agents = append(c.Agents, agent)
		}
	}
	slices.SortFunc(c.Agents, func(a, b string) int { return cmp.Or(seen[b].Compare(seen[a]), cmp.Compare(a, b)) })
	return c
}

func unix(text string) time.Time {
	seconds, _ := strconv.ParseInt(text, 10, 64) // our script's
	return time.Unix(seconds, 0).UTC()
}
