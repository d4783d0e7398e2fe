package tenantratelimit

import (
	"context"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/demand"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/pulse"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
)

// backend is one Redis, shared by every config that names its URL.
type backend struct {
	client redis.UniversalClient
	usable bool // it has a URL; else each call of client fails
	local  *limiter.Local
	store  *limiter.Redis
	leased *limiter.Leased
}

// hub is what the nodes of one deployment share: a Redis and a key prefix.
type hub struct {
	*backend
	pulse  *pulse.Pulse
	demand *demand.Recorder
}

type hubKey struct{ url, prefix string }

// hub finds or makes the hub, without connecting. Errors do not show the URL,
// which may hold a password; there is a hub beside an error too, and where there
// is no URL: one whose Redis fails.
func (r *Runtime) hub(url, prefix string) (*hub, error) {
	field := "redis.url"
	if url == "" {
		url, field = r.options.RedisURL, "REDIS_URL"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := r.backend(url)
	if err != nil {
		url, err = "", fmt.Errorf("%s: %w", field, err)
		b, _ = r.backend(url)
	}
	key := hubKey{url, prefix}
	if h, ok := r.hubs[key]; ok {
		return h, err
	}
	h := &hub{
		backend: b,
		pulse:   pulse.New(b.client, prefix, r.node),
		demand: demand.NewRecorder(b.client, prefix, localSeen, func(n int) {
			r.metrics.unobserved.Add(float64(n))
		}),
	}
	h.demand.Partly = r.metrics.partly.Inc
	h.pulse.TakeOver(r.predecessor.nodes(key))
	r.hubs[key] = h
	return h, err
}

// start begins what runs in the background, with the first request: a config
// that is only looked at asks nothing of the network.
func (h *hub) start(observe bool) {
	h.pulse.Start()
	if observe {
		h.demand.Start()
	}
}

func (h *hub) close(ctx context.Context) error {
	h.pulse.Close(ctx)
	return h.demand.Close(ctx)
}

// backend finds or makes the Redis at url. The caller holds r.mu.
func (r *Runtime) backend(url string) (*backend, error) {
	if b, ok := r.backends[url]; ok {
		return b, nil
	}
	client, err := r.open(url)
	if err != nil {
		return nil, err
	}
	b := &backend{client: client, usable: url != "", local: limiter.NewLocal(localCounters, r.options.Now)}
	b.store = r.newStore(client, b.local, place(url))
	b.local.TakeOver(r.predecessor.counters(url))
	b.leased = limiter.NewLeased(b.store, localBlocks, r.options.Now, r.metrics.waste)
	r.backends[url] = b
	return b, nil
}

func (r *Runtime) open(url string) (redis.UniversalClient, error) {
	if url == "" {
		return redisurl.Nowhere(), nil
	}
	return r.options.Open(url)
}

func (r *Runtime) newStore(client redis.UniversalClient, local *limiter.Local, place string) *limiter.Redis {
	at := func(addr string) string {
		if addr == "" {
			return place
		}
		return addr
	}
	log := r.options.Logger.With("plugin", Name)
	r.metrics.open.WithLabelValues(place)
	return limiter.NewRedis(client, limiter.RedisOptions{
		Now:       r.options.Now,
		Local:     local,
		Settled:   func(units int64) { r.metrics.settled.Add(float64(units)) },
		Forgotten: func(units int64) { r.metrics.forgotten.Add(float64(units)) },
		Tripped: func(addr string, err error) {
			r.metrics.open.WithLabelValues(at(addr)).Set(1)
			log.Error("redis fails; limits fall back to what on_redis_error says", "redis", at(addr), "error", err)
		},
		Recovered: func(addr string) {
			r.metrics.open.WithLabelValues(at(addr)).Set(0)
			log.Info("redis is back; limits are shared again", "redis", at(addr))
		},
	})
}

// place is the part of a URL that says where and as whom, which is no secret.
func place(raw string) string {
	if raw == "" {
		return "none"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Path
	}
	if user := u.User.Username(); user != "" { // another client than one without a name
		return user + "@" + u.Host
	}
	return u.Host
}
