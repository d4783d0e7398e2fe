package tenantratelimit

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/demand"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/pulse"
)

// judgement is what the counters said about one request.
type judgement struct {
	status int
	set    *ruleset
	// findings are the limits that were asked; none while Redis fails and
	// nothing is counted, and the one in the way after a local refusal.
	findings []finding
}

type finding struct {
	rule *rule
	limiter.Outcome
}

// violated is true for a limit that denied the request.
func (f finding) violated() bool { return !f.Fits && !f.rule.limit.Shadow }

// question is one request on its way to the counters.
type question struct {
	principal *identity.Principal
	request   *Request
	cost      int64
	base, set *ruleset
	ask       limiter.Ask
}

func (c *Config) judge(ctx context.Context, p *identity.Principal, req *Request, base *ruleset) judgement {
	h := c.compiled.hub
	h.start(c.Observe)
	q := &question{principal: p, request: req, cost: c.costOf(req), base: c.raised(base)}
	if p.Tenant.Known() {
		q.ask.OverridesKey = limiter.OverridesKey(c.Redis.KeyPrefix, part(kindTenant, p.Tenant))
	}
	c.prepare(q, c.runtime.overrides.get(q.ask.OverridesKey))
	now := c.runtime.options.Now()
	if c.Observe {
		h.demand.Observe(now, q.sighting())
	}
	if i, o, known := c.runtime.refusals.Find(q.ask.Levels, now); known {
		return q.refusedLocally(i, o)
	}
	v, err := c.ask(ctx, q)
	if err != nil {
		return c.fallBack(q)
	}
	c.runtime.refusals.Remember(q.ask.Levels, v, now)
	return q.judged(v)
}

// raised is a ruleset as the overrides for everybody have it.
func (c *Config) raised(base *ruleset) *ruleset {
	notice := c.compiled.hub.pulse.Notice()
	if notice == "" {
		return base
	}
	key := pulse.NoticeKey(c.Redis.KeyPrefix)
	o := c.runtime.overrides.get(key)
	if o.text != notice {
		o = c.learn(key, notice)
	}
	return c.apply(o, base)
}

// learn keeps the overrides that were found at a key.
func (c *Config) learn(key, text string) *override {
	o, err := c.runtime.overrides.set(key, text)
	if err != nil {
		c.runtime.options.Logger.Warn("overrides are not used", "plugin", Name, "error", err)
	}
	return o
}

func (c *Config) apply(o *override, base *ruleset) *ruleset {
	set, err := o.apply(base, c.compiled.maxCost, c.runtime.metrics)
	if err != nil {
		c.runtime.options.Logger.Warn("overrides are not used", "plugin", Name, "error", err)
	}
	return set
}

// prepare works out the levels of a question, with the limits that the
// tenant's overrides leave.
func (c *Config) prepare(q *question, o *override) {
	q.set = c.apply(o, q.base)
	q.ask.Believed = o.text
	q.ask.Levels = make([]limiter.Level, len(q.set.rules))
	var parts [4]limiter.Part // more is rare, and allocated
	for i := range q.set.rules {
		r := &q.set.rules[i]
		q.ask.Levels[i] = limiter.Level{
			Limit: r.limit,
			Key:   limiter.Key(c.Redis.KeyPrefix, r.limit, r.partition(parts[:0], q.principal, q.request)),
			Cost:  min(q.cost*r.cost, r.limit.Capacity()), // which a mistake in the config may exceed
		}
	}
}

// sighting is the request as it is remembered for those who choose limits.
func (q *question) sighting() demand.Sighting {
	s := demand.Sighting{Realm: demand.Anonymous, Units: q.cost, Route: cmp.Or(q.request.RouteName, q.request.RouteID)}
	if q.principal.Authenticated {
		s.Realm = realm(q.principal).String()
	}
	s.User = (&rule{}).component(scopeUser, q.principal, q.request).String()
	return s
}

// maxAsks bounds how often one request meets overrides that changed meanwhile.
const maxAsks = 3

var errOverridesChange = errors.New("overrides change faster than they can be read")

// ask takes from Redis, within redis.timeout_ms. Overrides that are news are read
// on the way, which takes a second round trip.
func (c *Config) ask(ctx context.Context, q *question) (limiter.Verdict, error) {
	start := time.Now()
	q.ask.Passes = c.OnRedisError == onErrorAllow
	v, err := c.askUntilKnown(ctx, q, start)
	if !errors.Is(err, limiter.ErrOpen) {
		c.runtime.metrics.observe(time.Since(start))
	}
	return v, err
}

func (c *Config) askUntilKnown(ctx context.Context, q *question, start time.Time) (limiter.Verdict, error) {
	for range maxAsks {
		if q.ask.Timeout = c.timeout() - time.Since(start); q.ask.Timeout <= 0 {
			return limiter.Verdict{}, context.DeadlineExceeded
		}
		v, err := c.compiled.hub.leased.Take(ctx, q.ask)
		if err != nil || v.News == nil {
			return v, err
		}
		c.prepare(q, c.learn(q.ask.OverridesKey, *v.News))
	}
	return limiter.Verdict{}, errOverridesChange
}

func (c *Config) timeout() time.Duration {
	return time.Duration(c.Redis.TimeoutMS) * time.Millisecond
}

// nodes is how many share the limits, as far as this one knows.
func (c *Config) nodes() int64 {
	if c.Nodes > 0 {
		return int64(c.Nodes)
	}
	return max(1, c.compiled.hub.pulse.Nodes())
}

// unsure is true where there may be more nodes: nobody said how many, and they have not
// been counted. Without a Redis this node counts for itself.
func (c *Config) unsure() bool {
	h := c.compiled.hub
	return c.Nodes == 0 && h.usable && !h.pulse.Settled()
}

// fallBack decides without Redis.
func (c *Config) fallBack(q *question) judgement {
	c.runtime.metrics.fallback.WithLabelValues(c.OnRedisError).Inc()
	switch c.OnRedisError {
	case onErrorAllow:
		return judgement{set: q.set}
	case onErrorDeny:
		return judgement{status: statusUnavailable, set: q.set}
	}
	q.ask.Alone, q.ask.Nodes = true, c.nodes()
	q.ask.Unsure = c.unsure()
	v, err := c.compiled.hub.leased.Take(context.Background(), q.ask)
	if err != nil {
		return judgement{status: statusUnavailable, set: q.set}
	}
	return q.judged(v)
}

func (q *question) judged(v limiter.Verdict) judgement {
	j := judgement{set: q.set, findings: make([]finding, len(v.Outcomes))}
	for i, o := range v.Outcomes {
		f := finding{rule: &q.set.rules[i], Outcome: o}
		f.count(v.Allowed)
		j.findings[i] = f
	}
	if !v.Allowed {
		j.status = denial(j.findings)
	}
	return j
}

func (f finding) count(allowed bool) {
	c := &f.rule.count
	switch {
	case f.violated():
		c.denied.Inc()
	case !f.Fits:
		c.shadowDenied.Inc()
	case allowed:
		c.allowed.Inc()
	default:
		c.uncharged.Inc()
	}
}

func (q *question) refusedLocally(index int, o limiter.Outcome) judgement {
	f := finding{rule: &q.set.rules[index], Outcome: o}
	f.rule.count.denied.Inc()
	f.rule.count.refusedLocally.Inc()
	return judgement{status: denial([]finding{f}), set: q.set, findings: []finding{f}}
}
