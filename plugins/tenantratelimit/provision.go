package tenantratelimit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

const (
	secondsPerDay = 24 * time.Hour
	// userDefaultName is the name of the limit that always exists.
	userDefaultName = "user-default"
	// peakFactor is how far above the expected peak a user may go.
	peakFactor = 10
	// The defaults of what Kong's schema has too.
	defaultPeak      = 10
	defaultKeyPrefix = "gatehouse"
	defaultTimeoutMS = 20
	// maxLevels bounds the limits that apply to one request, and so the work
	// that one script call does while Redis does nothing else.
	maxLevels = 32
)

var keyPrefix = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// Provision checks the config, applies the defaults that Kong's schema would
// have, and prepares its decisions. It asks nothing of the network. Each error
// names the field, its value and the fix. What is right in the config is
// prepared beside an error: every limit, plan and tenant that is good, and the
// default limit on users.
//
// A config without a Redis is no error; see [Config.Warnings].
func (c *Config) Provision() error {
	c.applyDefaults()
	var bad mistakes
	c.check(&bad)
	h, err := c.runtime.hub(c.Redis.URL, c.Redis.KeyPrefix)
	bad.add(err)
	built := &compiled{hub: h, maxCost: c.maxCost(), hidden: map[string]bool{}}
	for _, name := range c.HideHeaders {
		built.hidden[name] = true
	}
	built.plans = c.compilePlans(&bad)
	built.tenants = c.compileTenants(built.plans, &bad)
	built.needs = c.findNeeds(built.plans)
	c.compiled = built
	c.countAlone()
	return errors.Join(bad...)
}

// countAlone counts the config, and says so, if it has no Redis.
func (c *Config) countAlone() {
	if c.compiled.hub.usable || c.alone {
		return
	}
	c.alone = true
	c.runtime.metrics.withoutRedis.Inc()
	for _, warning := range c.Warnings() {
		c.runtime.options.Logger.Warn("there is no redis for this config", "plugin", Name, "error", warning)
	}
}

// Warnings are what is no mistake, and no good: a config without a Redis, of which
// each node counts alone.
func (c *Config) Warnings() []error {
	if c.Redis.URL != "" || c.runtime.options.RedisURL != "" {
		return nil
	}
	return []error{fmt.Errorf("redis.url: empty, and there is no REDIS_URL: %s; write redis://host:6379/0", withoutRedis[c.OnRedisError])}
}

// withoutRedis is what becomes of requests where there is no Redis, by on_redis_error.
var withoutRedis = map[string]string{
	onErrorLocal: "each node counts alone, with its share of each limit",
	onErrorAllow: "nothing is limited, as on_redis_error says",
	onErrorDeny:  "every request is answered 503, as on_redis_error says",
}

// Degrade has a config that Provision refused go on with what is right in it; one
// that could not be decoded, with as much of it as was.
func (c *Config) Degrade(error) {
	c.degraded = true
	if c.compiled == nil {
		_ = c.Provision() // which says what Degrade was told
	}
}

// Close is the end of the config.
func (c *Config) Close() error {
	if c.alone {
		c.alone = false
		c.runtime.metrics.withoutRedis.Dec()
	}
	return nil
}

// mistakes are what is wrong with a config, each once.
type mistakes []error

func (m *mistakes) add(err error) {
	if err == nil || slices.ContainsFunc(*m, func(e error) bool { return e.Error() == err.Error() }) {
		return
	}
	*m = append(*m, err)
}

func (m *mistakes) addf(format string, args ...any) { m.add(fmt.Errorf(format, args...)) }

func (c *Config) applyDefaults() {
	c.Identity.Names = c.Identity.OrDefaults()
	defaultTo(&c.Identity.PlanClaim, "plan")
	defaultTo(&c.DefaultUserLimit.ExpectedPeak, defaultPeak)
	defaultTo(&c.DefaultUserLimit.WindowSeconds, 1)
	defaultTo(&c.DefaultUserLimit.Mode, modeEnforce)
	defaultTo(&c.Redis.TimeoutMS, defaultTimeoutMS)
	defaultTo(&c.Redis.KeyPrefix, defaultKeyPrefix)
	defaultTo(&c.Identity.PlanTag, "plan:")
	defaultTo(&c.OnRedisError, onErrorLocal)
	for i := range c.Limits {
		c.Limits[i].applyDefaults()
	}
	for i := range c.Plans {
		for j := range c.Plans[i].Limits {
			c.Plans[i].Limits[j].applyDefaults()
		}
	}
}

func (l *Limit) applyDefaults() {
	defaultTo(&l.Algorithm, string(limiter.TokenBucket))
	defaultTo(&l.Cost, 1)
	defaultTo(&l.TimeZone, "UTC")
	defaultTo(&l.Mode, modeEnforce)
	defaultTo(&l.Status, statusDenied)
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// What limits and Redis errors may be told to do.
const (
	modeEnforce  = "enforce"
	modeShadow   = "shadow"
	onErrorLocal = "local"
	onErrorAllow = "allow"
	onErrorDeny  = "deny"
)

// check looks at everything but the limits themselves, and puts the default in the
// place of what is no good.
func (c *Config) check(bad *mistakes) {
	if len(c.Limits) == 0 && len(c.Plans) == 0 {
		bad.addf("limits: empty, and plans too, so nothing would be limited; write at least one limit or plan")
	}
	if !keyPrefix.MatchString(c.Redis.KeyPrefix) {
		bad.addf("redis.key_prefix: %q would not make a safe Redis key; write 1 to 64 letters, digits, or any of _ . : -", c.Redis.KeyPrefix)
		c.Redis.KeyPrefix = defaultKeyPrefix
	}
	if c.Redis.TimeoutMS < 1 || c.Redis.TimeoutMS > 1000 {
		bad.addf("redis.timeout_ms: %d is out of range; write the milliseconds that a request may wait (1 to 1000)", c.Redis.TimeoutMS)
		c.Redis.TimeoutMS = defaultTimeoutMS
	}
	if c.Nodes < 0 || c.Nodes > 10_000 {
		bad.addf("nodes: %d is out of range; write the number of gateway nodes (1 to 10000), or leave it out", c.Nodes)
		c.Nodes = 0
	}
	if _, known := withoutRedis[c.OnRedisError]; !known {
		bad.addf("on_redis_error: %q is unknown; write local, allow or deny", c.OnRedisError)
		c.OnRedisError = onErrorLocal
	}
	c.checkHeaders(bad)
	c.checkCosts(bad)
	c.checkPlanNames(bad)
}

func (c *Config) checkHeaders(bad *mistakes) {
	for i, name := range c.HideHeaders {
		if !slices.Contains(hideable, name) {
			bad.addf("hide_headers[%d]: %q is not sent by this plugin; write one of: %s", i, name, strings.Join(hideable, ", "))
		}
	}
}

// checkCosts leaves out the entries that are no good.
func (c *Config) checkCosts(bad *mistakes) {
	var good []Cost
	for i, rule := range c.Costs {
		switch {
		case rule.Cost < 1 || rule.Cost > 1_000_000:
			bad.addf("costs[%d].cost: %d is out of range; write the units of such a request (1 to 1000000)", i, rule.Cost)
			continue
		case rule.Header == "" && len(rule.Values) > 0:
			bad.addf("costs[%d].values: %q are of no header; write its name in header", i, rule.Values)
			continue
		case len(rule.Methods) == 0 && len(rule.Routes) == 0 && rule.Header == "" && i < len(c.Costs)-1:
			bad.addf("costs[%d]: has no methods, no routes and no header, so the entries after it never count; move it to the end", i)
		}
		good = append(good, rule)
	}
	c.Costs = good
}

// checkPlanNames leaves out plans that cannot be told apart, and references to plans
// that there are not.
func (c *Config) checkPlanNames(bad *mistakes) {
	var names []string
	for i, p := range c.Plans {
		if p.Name == "" || slices.Contains(names, p.Name) {
			bad.addf("plans[%d].name: %q is empty or there twice; give each plan a name of its own", i, p.Name)
			continue
		}
		names = append(names, p.Name)
	}
	known := func(field string, plan *string) {
		if *plan == "" || slices.Contains(names, *plan) {
			return
		}
		bad.addf("%s: %q is not in plans; write one of: %s", field, *plan, strings.Join(names, ", "))
		*plan = ""
	}
	known("default_plan", &c.DefaultPlan)
	for i := range c.Tenants {
		known(fmt.Sprintf("tenants[%d].plan", i), &c.Tenants[i].Plan)
	}
}
