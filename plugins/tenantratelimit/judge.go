package tenantratelimit

import (
	"context"
	"errors"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
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
	levels    []limiter.Level
}

func (c *Config) judge(ctx context.Context, p *identity.Principal, req *Request, base *ruleset) judgement {
	q := &question{principal: p, request: req, cost: c.costOf(req), base: base}
	overridesKey := ""
	if p.Tenant.Known() {
		overridesKey = limiter.OverridesKey(c.Redis.KeyPrefix, part(kindTenant, p.Tenant))
	}
	believed := c.runtime.overrides.get(overridesKey)
	c.prepare(q, believed)
	now := c.runtime.options.Now()
	if i, o, known := c.runtime.refusals.Find(q.levels, now); known {
		return q.refusedLocally(i, o)
	}
	v, err := c.ask(ctx, q, overridesKey, believed)
	if err != nil {
		return c.fallBack(ctx, q)
	}
	c.runtime.refusals.Remember(q.levels, v, now)
	return q.judged(v)
}

// prepare works out the levels of a question, with the limits that the
// tenant's overrides leave.
func (c *Config) prepare(q *question, o *override) {
	set, err := o.apply(q.base, c.maxCost(), c.runtime.metrics)
	if err != nil {
		c.runtime.options.Logger.Warn("overrides are not used", "plugin", Name, "error", err)
	}
	q.set = set
	q.levels = make([]limiter.Level, len(set.rules))
	for i := range set.rules {
		r := &set.rules[i]
		q.levels[i] = limiter.Level{
			Limit: r.limit,
			Key:   limiter.Key(c.Redis.KeyPrefix, r.limit, partition(r.scope, q.principal, q.request)),
			Cost:  q.cost * r.cost,
		}
	}
}

// maxAsks bounds how often one request meets overrides that changed meanwhile.
const maxAsks = 3

var errOverridesChange = errors.New("overrides change faster than they can be read")

// ask takes from Redis, within the deadline. Overrides that are news are read
// on the way, which takes a second round trip.
func (c *Config) ask(ctx context.Context, q *question, overridesKey string, believed *override) (limiter.Verdict, error) {
	var v limiter.Verdict
	start := time.Now()
	timeout := time.Duration(c.Redis.TimeoutMS) * time.Millisecond
	err := c.compiled.backend.breaker.Do(ctx, timeout, func(ctx context.Context) error {
		for range maxAsks {
			verdict, text, stale, err := c.compiled.backend.store.TakeUnless(ctx, q.levels, overridesKey, believed.text)
			if err != nil || !stale {
				v = verdict
				return err
			}
			if believed, err = c.runtime.overrides.set(overridesKey, text); err != nil {
				c.runtime.options.Logger.Warn("overrides are not used", "plugin", Name, "error", err)
			}
			c.prepare(q, believed)
		}
		return errOverridesChange
	})
	if !errors.Is(err, limiter.ErrOpen) {
		c.runtime.metrics.observe(time.Since(start))
	}
	return v, err
}

// fallBack decides without Redis.
func (c *Config) fallBack(ctx context.Context, q *question) judgement {
	c.runtime.metrics.fallback.WithLabelValues(c.OnRedisError).Inc()
	switch c.OnRedisError {
	case onErrorAllow:
		return judgement{set: q.set}
	case onErrorDeny:
		return judgement{status: statusUnavailable, set: q.set}
	}
	levels := make([]limiter.Level, len(q.levels))
	for i, l := range q.levels {
		l.Limit = l.Limit.Share(int64(c.Nodes), l.Cost)
		levels[i] = l
	}
	v, err := c.runtime.local.Take(ctx, levels)
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
		j.status = statusDenied
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
	return judgement{status: statusDenied, set: q.set, findings: []finding{f}}
}
