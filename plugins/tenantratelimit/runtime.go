package tenantratelimit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
)

// Options are what a process gives the plugin.
type Options struct {
	// RedisURL is used by configs that name none; may be empty.
	RedisURL string
	// Open makes the client of a Redis, without connecting. Default: redisurl.Open.
	Open func(url string) (redis.UniversalClient, error)
	// Registerer takes the plugin's metrics; nil keeps them to itself.
	Registerer prometheus.Registerer
	// Logger gets failures; nil discards them.
	Logger *slog.Logger
	// Now defaults to time.Now. Limits run by Redis' clock while Redis answers.
	Now func() time.Time
}

// Runtime holds what outlives a reload of Kong's config: Redis connections,
// breakers, and what this node counts without Redis.
type Runtime struct {
	options   Options
	metrics   *metrics
	refusals  *limiter.Refusals
	overrides *overrides
	source    kongrequest.Source
	// node is this process' name among all.
	node string

	mu       sync.Mutex
	backends map[string]*backend
	hubs     map[hubKey]*hub
	// predecessor is what another process left that no config has asked for yet.
	predecessor handover
}

// Bounds on memory: about 250 bytes for each entry, 350 for counters, of each Redis.
const (
	localCounters = 100_000
	localRefusals = 100_000
	localBlocks   = 100_000
	localSeen     = 200_000
)

// NewRuntime fails only where metrics of the same names are registered already.
func NewRuntime(o Options) (*Runtime, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Open == nil {
		o.Open = redisurl.Open
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics of %s: %w", Name, err)
	}
	return &Runtime{
		options:   o,
		metrics:   m,
		refusals:  limiter.NewRefusals(localRefusals),
		overrides: newOverrides(),
		source:    kongrequest.Source{Now: o.Now},
		node:      rand.Text(),
		backends:  map[string]*backend{},
		hubs:      map[hubKey]*hub{},
	}, nil
}

// New is an empty config with the defaults that a zero value cannot express.
func (r *Runtime) New() any {
	return &Config{Identity: Identity{Issue: true}, Observe: true, runtime: r}
}

// Probe asks the Redis of Options.RedisURL whether it answers. Nothing depends on the
// answer: it is for whoever starts a process and wants to be told.
func (r *Runtime) Probe(ctx context.Context) error {
	if r.options.RedisURL == "" {
		return nil
	}
	r.mu.Lock()
	b, err := r.backend(r.options.RedisURL)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err := b.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask redis: %w", err)
	}
	return nil
}

// Close writes what was observed and ends the Redis connections. Decisions after
// it fall back.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, h := range r.hubs {
		errs = append(errs, h.close(ctx))
	}
	for _, b := range r.backends {
		b.store.Close()
		errs = append(errs, b.client.Close())
	}
	return errors.Join(errs...)
}
