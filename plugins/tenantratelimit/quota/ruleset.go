package quota

import (
	"errors"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// ruleset is all limits of one plan.
type ruleset struct {
	plan  string
	rules []rule
	// policy is the value of RateLimit-Policy; empty if every limit is a shadow.
	policy string
	// blocking is the first enforced limit of 0; -1 if there is none.
	blocking int
}

// rule is one limit of a ruleset.
type rule struct {
	limit *limiter.Limit
	// unblocked is the limit before an override made it one of 0, whose burst says nothing
	// of the one that it is raised to; nil for any other.
	unblocked *limiter.Limit
	scope     []scope
	// claim and header are what the scopes of those names count by.
	claim, header string
	cost          int64
	// status is what a denied request is answered: 429 or 503.
	status int
	// title is the limit's name as a structured-field string.
	title string
	// message is what a denied client is told; empty for the config's.
	message  string
	counters LimitCounters
}

// newRuleset completes rules for a plan.
func (d *Decider) newRuleset(plan string, rules []rule) *ruleset {
	var policies []answer.Policy
	for i := range rules {
		r := &rules[i]
		r.counters = d.backend.Metrics.Limit(r.limit.Name, plan)
		if !r.limit.Shadow {
			policies = append(policies, r.advertised())
		}
	}
	return &ruleset{plan: plan, rules: rules, policy: answer.PolicyField(policies), blocking: slices.IndexFunc(rules, rule.blocks)}
}

// advertised is the limit as clients are told of it.
func (r *rule) advertised() answer.Policy {
	p := answer.Policy{Name: r.title, Quota: r.limit.Quota, Window: r.limit.Window}
	switch {
	case r.limit.Algorithm == limiter.TokenBucket && !r.limit.Blocks():
		p.Burst = r.limit.Burst
	case r.limit.Period == limiter.Day:
		p.Window = day
	}
	return p
}

// blocks is true for a limit that denies everything.
func (r rule) blocks() bool { return r.limit.Blocks() && !r.limit.Shadow }

// countsUsers is true for a limit on each user, whatever the route.
func (r rule) countsUsers() bool {
	return !r.limit.Shadow && len(r.scope) == 1 && r.scope[0] == scopeUser
}

func (s *ruleset) has(name string) bool {
	return slices.ContainsFunc(s.rules, func(r rule) bool { return r.limit.Name == name })
}

// overridden is the ruleset with other numbers for some limits. Overrides that
// name no limit of the set leave it as it is, and so do those that are no good, which
// the error names.
func (d *Decider) overridden(s *ruleset, list []Override) (*ruleset, error) {
	rules := slices.Clone(s.rules)
	var errs []error
	for i := range rules {
		for _, o := range list {
			if o.Name != rules[i].limit.Name {
				continue
			}
			var err error
			rules[i], err = o.apply(rules[i], d.maxCost)
			errs = append(errs, err)
		}
	}
	return d.newRuleset(s.plan, rules), errors.Join(errs...)
}

// apply is the rule with the override's numbers; without them, if they are no good. A
// limit that is less than a request can cost is returned beside its error.
func (o Override) apply(r rule, maxCost int64) (rule, error) {
	from := r.limit
	if r.unblocked != nil {
		from = r.unblocked
	}
	limit, err := limiter.Compile(o.spec(from.Spec))
	if err != nil {
		return r, err
	}
	r.limit, r.unblocked = limit, nil
	if limit.Blocks() {
		r.unblocked = from
		return r, nil
	}
	return r, checkCapacity(limit, r.cost*maxCost)
}

// spec is that of a limit with the override's numbers. Where there is less in a window
// than nodes take at once, they take less.
func (o Override) spec(s limiter.Spec) limiter.Spec {
	switch {
	case s.Algorithm != limiter.TokenBucket || o.Limit == 0:
	case o.Burst > 0:
		s.Burst = o.Burst
	case s.Quota == 0: // by the config, which says nothing of a burst then
		s.Burst = o.Limit
	default:
		s.Burst = min(max(1, s.Burst*o.Limit/s.Quota), limiter.MaxQuota)
	}
	s.Lease = min(s.Lease, max(0, o.Limit))
	s.Quota = o.Limit
	return s
}
