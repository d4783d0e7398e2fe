package tenantratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// Options are what a process gives the plugin.
type Options struct {
	// RedisURL is used by configs that name none; may be empty.
	RedisURL string
	// Registerer takes the plugin's metrics; nil keeps them to itself.
	Registerer prometheus.Registerer
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Now defaults to time.Now. Limits run by Redis' clock while Redis answers.
	Now func() time.Time
}

// Runtime holds what outlives a reload of Kong's config: Redis connections,
// breakers, and the counters of a node on its own.
type Runtime struct {
	options   Options
	metrics   *metrics
	local     *limiter.Local
	refusals  *limiter.Refusals
	overrides *overrides
	source    kongrequest.Source

	mu       sync.Mutex
	backends map[string]*backend
}

// Bounds on memory: about 200 bytes for each counter.
const (
	localCounters = 100_000
	localRefusals = 100_000
)

// NewRuntime fails only where metrics of the same names are registered already.
func NewRuntime(o Options) (*Runtime, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics of %s: %w", Name, err)
	}
	return &Runtime{
		options:   o,
		metrics:   m,
		local:     limiter.NewLocal(localCounters, o.Now),
		refusals:  limiter.NewRefusals(localRefusals),
		overrides: newOverrides(),
		source:    kongrequest.Source{Now: o.Now},
		backends:  map[string]*backend{},
	}, nil
}

// New is an empty config with the defaults that a zero value cannot express.
func (r *Runtime) New() any {
	return &Config{Identity: Identity{Issue: true}, runtime: r}
}

// Probe asks the Redis of Options.RedisURL whether it answers. Nothing depends on the
// answer: it is for whoever starts a process and wants to be told.
func (r *Runtime) Probe(ctx context.Context) error {
	if r.options.RedisURL == "" {
		return nil
	}
	b, err := r.backend("")
	if err != nil {
		return err
	}
	if err := b.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask redis: %w", err)
	}
	return nil
}

// Close ends the Redis connections. Decisions after it fall back.
func (r *Runtime) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, b := range r.backends {
		errs = append(errs, b.client.Close())
	}
	return errors.Join(errs...)
}

// backend is one Redis, shared by every config that names its URL.
type backend struct {
	client  *redis.Client
	store   *limiter.Redis
	breaker *limiter.Breaker
}

// backend finds or makes the Redis at url, without connecting. Errors do not
// show the URL, which may hold a password.
func (r *Runtime) backend(url string) (*backend, error) {
	if url == "" {
		url = r.options.RedisURL
	}
	if url == "" {
		return nil, errors.New("redis.url: empty, and the process has no REDIS_URL; write redis://host:6379/0")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.backends[url]; ok {
		return b, nil
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis.url: not the URL of a Redis; write redis://user:password@host:6379/0, rediss:// for TLS, or unix://")
	}
	b := r.newBackend(o)
	r.backends[url] = b
	return b, nil
}

func (r *Runtime) newBackend(o *redis.Options) *backend {
	// A request's deadline bounds everything; a retry would only use it up.
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	// RESP2 and no CLIENT commands: one exchange less to make a connection.
	o.Protocol, o.DisableIdentity = 2, true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(o)
	open := r.metrics.open.WithLabelValues(o.Addr)
	log := r.options.Logger.With("plugin", Name, "redis", o.Addr)
	return &backend{
		client: client,
		store:  limiter.NewRedis(client, r.options.Now),
		breaker: limiter.NewBreaker(func(err error) {
			open.Set(1)
			log.Error("redis fails; limits fall back to what on_redis_error says", "error", err)
		}, func() {
			open.Set(0)
			log.Info("redis is back; limits are shared again")
		}),
	}
}
