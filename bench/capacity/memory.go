package capacity

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// counters is of how many tenants Redis keeps one, of each algorithm.
const counters = 20_000

// takeCounters measures what Redis keeps for a counter that is in use.
func (s *system) takeCounters(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "\nRedis' bytes for a counter, with %d of them\n", counters)
	for _, spec := range []limiter.Spec{
		{Algorithm: limiter.TokenBucket, Window: time.Hour},
		{Algorithm: limiter.FixedWindow, Window: time.Hour},
		{Algorithm: limiter.SlidingWindow, Window: time.Hour},
		{Algorithm: limiter.Calendar, Period: limiter.Month},
	} {
		spec.Name, spec.Quota = "tenant", 600
		each, err := counterBytes(ctx, s.redis, spec)
		if err != nil {
			fmt.Fprintf(w, "%-16s failed\n", spec.Algorithm)
			return fmt.Errorf("count by %s: %w", spec.Algorithm, err)
		}
		fmt.Fprintf(w, "%-16s %.0f\n", spec.Algorithm, each)
	}
	return nil
}

func counterBytes(ctx context.Context, server *redisserver.Server, spec limiter.Spec) (float64, error) {
	client := server.Client()
	defer client.Close()
	limit, err := limiter.Compile(spec)
	if err != nil {
		return 0, err
	}
	before, err := redisserver.UsedMemory(ctx, client)
	if err != nil {
		return 0, err
	}
	store := limiter.NewRedis(client, limiter.RedisOptions{})
	const callers = 64
	running, together := errgroup.WithContext(ctx)
	for caller := range callers {
		running.Go(func() error {
			for n := caller; n < counters; n += callers {
				key := limiter.Key("capacity", limit, []limiter.Part{{Kind: 't', ID: fmt.Sprintf("tenant-%05d", n)}})
				if _, err := store.Take(together, limiter.Request{Descriptors: []limiter.Descriptor{{Limit: limit, Key: key, Cost: 300}}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := running.Wait(); err != nil {
		return 0, err
	}
	after, err := redisserver.UsedMemory(ctx, client)
	return (after - before) / counters, err
}

// takeMemory tells what the processes have, after all tables before.
func (s *system) takeMemory(_ context.Context, w io.Writer) error {
	fmt.Fprintf(w, "\nmemory at the end, MiB\n")
	for _, p := range s.parts(s.line) {
		sum := 0
		for _, pid := range p.pids {
			mib, err := ratio.ResidentMiB(pid)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			sum += mib
		}
		fmt.Fprintf(w, "%-14s %d\n", p.name, sum)
	}
	return nil
}
