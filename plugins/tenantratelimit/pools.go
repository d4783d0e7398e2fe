package tenantratelimit

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// pool is one Redis and what this node knows of its counters. Every config that names
// its URL shares it.
type pool struct {
	url    string
	client redis.UniversalClient
	usable bool // it has a Redis; else each call of client fails
	store  *limiter.Redis
	local  *limiter.Local // the store's
	leased *limiter.Leased
	health *health
	// uses are how many configs in use count here, by what their on_redis_error says.
	uses map[string]int
}

// deployment is what the nodes of one deployment share: a Redis and a key prefix.
type deployment struct {
	*pool
	member *membership.Member
	usage  *usage.Recorder
	rights *rightsCheck
}

type deploymentKey struct{ url, prefix string }

// deployment finds or makes what configs of one URL and prefix share, without
// connecting. Errors do not show the URL, which may hold a password; there is a
// deployment beside an error too, and where there is no URL: one whose Redis fails.
func (r *Runtime) deployment(of Redis) (*deployment, error) {
	url, prefix, field := of.URL, of.KeyPrefix, "redis.url"
	if url == "" {
		url, field = r.options.RedisURL, "REDIS_URL"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.pool(url)
	if err != nil {
		url, err = "", fmt.Errorf("%s: %w", field, err)
		p, _ = r.pool(url)
	}
	d := r.deploymentAt(p, deploymentKey{url, prefix})
	if of.WaitReplicas > 0 {
		d.rights.replicas.Store(true)
	}
	if r.watching {
		d.rights.start()
	}
	return d, err
}

// inProcessURL is in the place of a URL for what configs with policy local share: counters
// in this process' memory. They are handed over to the next process as others are.
const inProcessURL = "local"

// inProcess finds or makes what configs of one prefix and policy local share.
func (r *Runtime) inProcess(prefix string) *deployment {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, _ := r.pool(inProcessURL) // which opens nothing
	return r.deploymentAt(p, deploymentKey{inProcessURL, prefix})
}

// deploymentAt finds or makes it. The caller holds r.mu.
func (r *Runtime) deploymentAt(p *pool, key deploymentKey) *deployment {
	if d, ok := r.deployments[key]; ok {
		return d
	}
	prefix := key.prefix
	d := &deployment{
		pool:   p,
		member: membership.New(p.client, prefix, r.node),
		usage: usage.NewRecorder(p.client, prefix, r.name(), maxCounts, func(n int) {
			r.metrics.unobserved.Add(float64(n))
		}),
	}
	d.usage.Partly = r.metrics.partly.Inc
	d.member.TakeOver(r.predecessor.nodes(key))
	d.rights = r.newRightsCheck(p, prefix)
	r.deployments[key] = d
	return d
}

// name is what an operator knows this process by.
func (r *Runtime) name() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + r.node
}

// start begins what runs in the background, with the first request: a config
// that is only looked at asks nothing of the network.
func (d *deployment) start(observe bool) {
	d.member.Start()
	if observe {
		d.usage.Start()
	}
}

func (d *deployment) close(ctx context.Context) error {
	d.rights.task.Stop()
	d.member.Close(ctx)
	return d.usage.Close(ctx)
}

// pool finds or makes the Redis at url. The caller holds r.mu.
func (r *Runtime) pool(url string) (*pool, error) {
	if p, ok := r.pools[url]; ok {
		return p, nil
	}
	client, err := r.open(url)
	if err != nil {
		return nil, err
	}
	local := limiter.NewLocal(maxCounters, r.options.Now)
	r.watchRefusals(client, url)
	p := &pool{url: url, client: client, usable: url != "" && url != inProcessURL, store: r.newStore(client, local, url), local: local, uses: map[string]int{}}
	local.TakeOver(r.predecessor.counters(url))
	p.leased = limiter.NewLeased(p.store, maxBlocks, r.options.Now, r.metrics.waste)
	p.health = r.newHealth(p)
	r.pools[url] = p
	return p, nil
}

func (r *Runtime) open(url string) (redis.UniversalClient, error) {
	if url == "" || url == inProcessURL {
		return redisurl.Nowhere(), nil
	}
	return r.options.Open(url)
}

func (r *Runtime) newStore(client redis.UniversalClient, local *limiter.Local, url string) *limiter.Redis {
	place := place(url)
	at := func(addr string) string {
		if addr == "" {
			return place
		}
		return addr
	}
	if url != inProcessURL {
		r.metrics.open.WithLabelValues(place)
	}
	return limiter.NewRedis(client, limiter.RedisOptions{
		Now:       r.options.Now,
		Local:     local,
		Settled:   func(units int64) { r.metrics.settled.Add(float64(units)) },
		Forgotten: func(units int64) { r.metrics.forgotten.Add(float64(units)) },
		Gone:      func(addr string) { r.failing.remove(url, at(addr)); r.redisGone(at(addr)) },
		Said:      func(addr string, word limiter.Word, err error) { r.redisSaid(at(addr), word, err) },
		Tripped: func(addr string, err error) {
			r.metrics.open.WithLabelValues(at(addr)).Set(1)
			r.failing.add(url, at(addr), err)
			r.logger.Error("redis fails; limits fall back to what on_redis_error says",
				because(err, redisurl.Explain(url, err), "redis", at(addr))...)
		},
		Recovered: func(addr string) {
			r.metrics.open.WithLabelValues(at(addr)).Set(0)
			r.failing.remove(url, at(addr))
			r.logger.Info("redis is back; limits are shared again", "redis", at(addr))
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
