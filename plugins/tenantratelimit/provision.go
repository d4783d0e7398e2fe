package tenantratelimit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// Provision fills in the defaults that Kong's schema would have, checks what that cannot
// check, and prepares decisions. It asks nothing of the network. Each error
// names the field, its value and the fix. What is right in the config is
// prepared beside an error: every limit, plan and tenant that is good, and the
// default limit on users.
//
// A config without a Redis is no error; see [Config.Warnings].
func (c *Config) Provision() error { return c.limiter.Provision(c.newLimiter) }

func (c *Config) newLimiter() (*Limiter, error) {
	defaults.Fill(c)
	d, noRedis := c.deployment()
	l, err := c.runtime.newLimiter(c, d)
	c.countWithoutRedis(d)
	c.counts = d.pool
	c.runtime.use(c.counts, c.OnRedisError, 1)
	c.limitNames = l.decider.Limits()
	c.runtime.overrides.Use(c.limitNames)
	return l, errors.Join(noRedis, err)
}

// deployment is what the config counts in.
func (c *Config) deployment() (*deployment, error) {
	if c.perNode() {
		return c.runtime.inProcess(c.Redis.KeyPrefix), nil
	}
	return c.runtime.deployment(c.Redis)
}

func (c *Config) perNode() bool { return c.Policy == policyLocal }

// settings are the config as the core has it.
func (c *Config) settings() quota.Settings {
	i := c.Identity
	return quota.Settings{
		Rules: quota.Rules{
			Limits: c.Limits, Plans: c.Plans, DefaultPlan: c.DefaultPlan,
			Tenants: c.Tenants, DefaultUserLimit: c.DefaultUserLimit, Costs: c.Costs,
			Exempt: c.Exempt,
		},
		Problem:   answer.Own{Type: c.Problem.Type, Title: c.Problem.Title, Message: c.Problem.Message},
		Claims:    identity.Claims{Names: i.Names, Plan: i.PlanClaim, PlanTag: i.PlanTag, PlanGroup: i.PlanGroup},
		Issuers:   i.Issuers,
		Issue:     i.Issue,
		KeyPrefix: c.Redis.KeyPrefix, Timeout: c.timeout(), Replicas: c.Redis.WaitReplicas, OnRedisError: c.OnRedisError,
		Nodes:       int64(c.Nodes),
		HideHeaders: c.HideHeaders, LegacyHeaders: c.LegacyHeaders,
	}
}

// Limiter is what the config decides with. If nobody called Provision, the first event
// does, and a config that it refuses degrades, which is logged.
func (c *Config) Limiter() *Limiter {
	return c.limiter.Get(c.newLimiter, func(l *Limiter, err error) {
		c.runtime.logger.Error("the config has mistakes; what is right in it counts", "error", err)
		l.degraded = true
	})
}

// Degrade has a config that Provision refused go on with what is right in it; one
// that could not be decoded, with as much of it as was.
func (c *Config) Degrade(error) {
	_ = c.Provision() // which says what Degrade was told
	c.limiter.Made().degraded = true
}

// Close is the end of the config.
func (c *Config) Close() error {
	if c.counted != nil {
		c.counted.Dec()
		c.counted = nil
	}
	if c.counts != nil {
		c.runtime.use(c.counts, c.OnRedisError, -1)
		c.counts = nil
	}
	if c.limitNames != nil {
		c.runtime.overrides.Disuse(c.limitNames)
		c.limitNames = nil
	}
	return nil
}

// countWithoutRedis counts the config, and says so, if no Redis counts for it.
func (c *Config) countWithoutRedis(d *deployment) {
	switch {
	case c.perNode():
		c.counted = c.runtime.metrics.perNode
		c.runtime.logger.Info("policy is local: this config's limits are counted in this process' memory, and each node admits all of them")
	case !d.usable:
		c.counted = c.runtime.metrics.withoutRedis
	default:
		return
	}
	c.counted.Inc()
	for _, warning := range c.Warnings() {
		c.runtime.logger.Warn("there is no redis for this config", "error", warning)
	}
}

// Warnings are what is no mistake, and no good: a config without a Redis, of which
// each node counts alone, and what says something to nobody since that is meant.
func (c *Config) Warnings() []error {
	switch {
	case c.perNode():
		return c.unread()
	case c.Redis.URL != "" || c.runtime.options.RedisURL != "":
		return nil
	}
	what := withoutRedis[c.OnRedisError]
	if c.OnRedisError != quota.OnErrorLocal {
		what += ", as on_redis_error says"
	}
	return []error{fmt.Errorf("redis.url: empty, and there is no REDIS_URL: %s; write redis://host:6379/0, or policy: local", what)}
}

// unread are fields that policy local does not read, as far as their defaults show.
func (c *Config) unread() (list []error) {
	const reason = "policy is local, which asks no Redis and no other node; remove it, or write policy: redis"
	for field, set := range map[string]bool{
		"redis.url": c.Redis.URL != "", "redis.wait_replicas": c.Redis.WaitReplicas > 0, "nodes": c.Nodes > 0,
	} {
		if set {
			list = append(list, fmt.Errorf("%s: is not read: %s", field, reason))
		}
	}
	slices.SortFunc(list, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return list
}

// withoutRedis is what becomes of requests where there is no Redis, by on_redis_error.
var withoutRedis = map[string]string{
	quota.OnErrorLocal: "each node counts alone, with its share of each limit",
	quota.OnErrorAllow: "nothing is limited",
	quota.OnErrorDeny:  "every request is answered 503",
}
