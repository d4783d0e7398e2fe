package quota

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// evaluation is one request on its way through its limits.
type evaluation struct {
	principal *identity.Principal
	request   *Request
	cost      int64
	// base are the limits without the tenant's overrides, rules those with them.
	base, rules *ruleset
	counters    limiter.Request

	// status is zero for a request that is admitted. results are of the limits that
	// were asked; none while Redis fails and nothing is counted, and the one in the
	// way after a refusal from memory.
	status  int
	results []result
}

// result is what the counter of one limit said.
type result struct {
	rule *rule
	limiter.Result
}

// denies is true for a limit that denied the request.
func (r result) denies() bool { return !r.Fits && !r.rule.limit.Shadow }

// limited is true if a limit denied the request.
func (e *evaluation) limited() bool { return slices.ContainsFunc(e.results, result.denies) }

// denying is the name of the first limit that denied the request; empty if none did.
func (e *evaluation) denying() string {
	if i := slices.IndexFunc(e.results, result.denies); i >= 0 {
		return e.results[i].rule.limit.Name
	}
	return ""
}

// evaluate asks the limits' counters. A request whose limit is known to be used up is
// refused from memory; all others ask Redis, and while that fails, OnRedisError.
func (d *Decider) evaluate(ctx context.Context, p *identity.Principal, req *Request, rules *ruleset, cost int64) *evaluation {
	e := &evaluation{principal: p, request: req, cost: cost, base: d.overriddenForAll(rules)}
	if p.Tenant.Known() && !d.backend.PerNode {
		e.counters.OverridesKey = limiter.OverridesKey(d.settings.KeyPrefix, part(kindTenant, p.Tenant))
	}
	d.describe(e, d.backend.Overrides.get(e.counters.OverridesKey))
	now := d.backend.Now()
	if d.backend.Usage != nil {
		d.backend.Usage.Observe(now, e.observed())
	}
	if i, r, known := d.backend.Refusals.Find(e.counters.Descriptors, now); known {
		e.refuse(&e.rules.rules[i], r)
		return e
	}
	v, err := d.take(ctx, e)
	if err != nil {
		d.withoutRedis(e)
		return e
	}
	if v.Partly {
		d.backend.Metrics.FellBack(d.settings.OnRedisError)
	} else {
		d.backend.Refusals.Remember(e.counters.Descriptors, v, now)
	}
	e.finish(v)
	if v.Partly && e.status == 0 {
		e.block() // by a limit whose server could not be asked
	}
	return e
}

// describe works out the descriptors of a request, with the limits that the
// tenant's overrides leave.
func (d *Decider) describe(e *evaluation, o *override) {
	e.rules = d.apply(o, e.base)
	e.counters.Overrides = o.text
	e.counters.Descriptors = make([]limiter.Descriptor, len(e.rules.rules))
	var parts [4]limiter.Part // more is rare, and allocated
	for i := range e.rules.rules {
		r := &e.rules.rules[i]
		e.counters.Descriptors[i] = limiter.Descriptor{
			Limit: r.limit,
			Key:   limiter.Key(d.settings.KeyPrefix, r.limit, r.key(parts[:0], e.principal, e.request)),
			// A mistake in the config may make it more than the limit holds, or nothing.
			Cost: max(1, min(e.cost*r.cost, r.limit.Capacity())),
		}
	}
}

// observed is the request as it is remembered for those who choose limits.
func (e *evaluation) observed() usage.Request {
	r := usage.Request{Realm: usage.Anonymous, Units: e.cost, Route: cmp.Or(e.request.RouteName, e.request.RouteID)}
	if e.principal.Authenticated {
		r.Realm = e.named(realm(e.principal)).String()
	}
	r.User = e.named((&rule{}).component(scopeUser, e.principal, e.request)).String()
	r.Credential = credential(e.principal, e.request)
	return r
}

// named is a consumer by its name, where its counters have its id: people read what is
// remembered, and logs have no other.
func (e *evaluation) named(p limiter.Part) limiter.Part {
	if name := identity.Clean(e.request.Consumer.Username); p.Kind == kindConsumer && name.Known() {
		return part(kindConsumer, name)
	}
	return p
}

// credential is the one that was used, as usage is told of it.
func credential(p *identity.Principal, req *Request) usage.Credential {
	if !p.Credential.Known() {
		return usage.Credential{}
	}
	return usage.Credential{ID: p.Credential.String(), Consumer: identity.Clean(req.Consumer.Username).String()}
}

// maxTakes bounds how often one request meets overrides that changed meanwhile.
const maxTakes = 3

var errOverridesChange = errors.New("overrides change faster than they can be read")

// take asks Redis, within the timeout. Where the tenant's overrides have changed, Redis
// says so and charges nothing, and is asked again with the limits that they make.
func (d *Decider) take(ctx context.Context, e *evaluation) (v limiter.Verdict, err error) {
	if d.backend.PerNode {
		return d.backend.Store.Take(ctx, e.counters)
	}
	start := time.Now()
	defer func() {
		if !errors.Is(err, limiter.ErrOpen) {
			d.backend.Metrics.Waited(e.request.TraceID, time.Since(start))
		}
	}()
	e.counters.Passes = d.settings.OnRedisError == OnErrorAllow
	e.counters.Replicas = d.settings.Replicas
	e.counters.Alone = d.alone
	for range maxTakes {
		if e.counters.Timeout = d.settings.Timeout - time.Since(start); e.counters.Timeout <= 0 {
			return limiter.Verdict{}, context.DeadlineExceeded
		}
		v, err = d.backend.Store.Take(ctx, e.counters)
		if err != nil || v.Changed == nil {
			return v, err
		}
		d.describe(e, d.learn(e.counters.OverridesKey, *v.Changed))
	}
	return limiter.Verdict{}, errOverridesChange
}

// withoutRedis decides while Redis fails. A limit of 0 needs nobody's word.
func (d *Decider) withoutRedis(e *evaluation) {
	d.backend.Metrics.FellBack(d.settings.OnRedisError)
	if e.block() {
		return
	}
	switch d.settings.OnRedisError {
	case OnErrorAllow:
		return
	case OnErrorDeny:
		e.status = statusUnavailable
		return
	}
	e.counters.Offline = true
	e.counters.Nodes, e.counters.Unsure = d.nodes()
	v, err := d.backend.Store.Take(context.Background(), e.counters)
	if err != nil {
		e.status = statusUnavailable
		return
	}
	e.finish(v)
}

// nodes is how many share the limits, as far as this one knows. It is unsure while
// nobody has said how many and they have not been counted: there may be more. Without a
// Redis each node counts for itself.
func (d *Decider) nodes() (nodes int64, unsure bool) {
	if d.settings.Nodes > 0 {
		return d.settings.Nodes, false
	}
	m := d.backend.Members
	return max(1, m.Nodes()), d.backend.HasRedis && !m.Certain()
}

// finish takes what the counters said, as far as they were asked.
func (e *evaluation) finish(v limiter.Verdict) {
	e.results = make([]result, 0, len(v.Results))
	for i, of := range v.Results {
		if of.Unasked {
			continue
		}
		r := result{&e.rules.rules[i], of}
		r.count(v.Allowed)
		e.results = append(e.results, r)
	}
	if !v.Allowed {
		e.status = denialStatus(e.results)
	}
}

func (r result) count(allowed bool) {
	c := &r.rule.counters
	switch {
	case r.denies():
		c.Denied.Inc()
	case !r.Fits:
		c.ShadowDenied.Inc()
	case allowed:
		c.Allowed.Inc()
	default:
		c.Uncharged.Inc()
	}
}

// refuse is for a request whose limit is known to be used up.
func (e *evaluation) refuse(of *rule, r limiter.Result) {
	of.counters.Denied.Inc()
	of.counters.RefusedLocally.Inc()
	e.results = []result{{of, r}}
	e.status = denialStatus(e.results)
}

// block refuses a request under a limit of 0, as far as this node knows of one, whatever
// Redis would say. It reports whether there is such a limit.
func (e *evaluation) block() bool {
	i := e.rules.blocking
	if i < 0 {
		return false
	}
	e.refuse(&e.rules.rules[i], limiter.Result{})
	return true
}

// denialStatus is the status of a request that results deny: 503 only where every
// limit in the way is there to shed load.
func denialStatus(results []result) int {
	for _, r := range results {
		if r.denies() && r.rule.status == statusDenied {
			return statusDenied
		}
	}
	return statusUnavailable
}
