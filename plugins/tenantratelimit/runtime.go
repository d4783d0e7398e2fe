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

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/internal/periodic"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
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
// breakers, and what this node counts without Redis. Of each deployment that requests
// come for, it runs the heartbeats and the recorder of usage, and of each Redis the task
// that settles; Close ends them all.
type Runtime struct {
	options   Options
	logger    *slog.Logger // says that it is this plugin
	metrics   *metrics
	refusals  *limiter.Refusals
	overrides *quota.Overrides
	source    kongrequest.Source
	// node is this process' name among all.
	node string

	said    lastSaid
	failing failing

	mu          sync.Mutex
	pools       map[string]*pool // by URL
	deployments map[deploymentKey]*deployment
	// watching is true after Watch, which misnamed runs from.
	watching bool
	misnamed *periodic.Task
	// predecessor is what another process left that no config has asked for yet.
	predecessor handover
}

// Bounds on memory: about 250 bytes for each entry, 350 for counters, of each Redis.
const (
	maxCounters = 100_000
	maxRefusals = 100_000
	maxBlocks   = 100_000
	maxCounts   = 200_000 // of usage
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
	made := &Runtime{
		options:     o,
		logger:      o.Logger.With("plugin", Name),
		metrics:     m,
		refusals:    limiter.NewRefusals(maxRefusals),
		overrides:   quota.NewOverrides(),
		source:      kongrequest.Source{Now: o.Now},
		node:        rand.Text(),
		pools:       map[string]*pool{},
		deployments: map[deploymentKey]*deployment{},
	}
	made.misnamed = periodic.New(watchEvery, made.lookAtOverrides)
	return made, nil
}

// New is a config of which nothing was decoded yet, bound to this runtime.
func (r *Runtime) New() any {
	c := &Config{runtime: r}
	defaults.New(c)
	return c
}

// Bind makes a config that was not made by New run on this runtime. It sets no
// defaults.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Close writes what was observed and ends the Redis connections. Decisions after
// it fall back.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.misnamed.Stop()
	var errs []error
	for _, d := range r.deployments {
		errs = append(errs, d.close(ctx))
	}
	for _, p := range r.pools {
		p.health.task.Stop()
		p.store.Close()
		errs = append(errs, p.client.Close())
	}
	return errors.Join(errs...)
}
