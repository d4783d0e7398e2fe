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
}

// rule is one limit of a ruleset.
type rule struct {
	limit *limiter.Limit
	scope []scope
	// claim and header are what the scopes of those names count by.
	claim, header string
	cost          int64
	// status is what a denied request is answered: 429 or 503.
	status int
	// title is the limit's name as a structured-field string.
	title    string
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
	return &ruleset{plan: plan, rules: rules, policy: answer.PolicyField(policies)}
}

// advertised is the limit as clients are told of it.
func (r *rule) advertised() answer.Policy {
	p := answer.Policy{Name: r.title, Quota: r.limit.Quota, Window: r.limit.Window}
	switch {
	case r.limit.Algorithm == limiter.TokenBucket:
		p.Burst = r.limit.Burst
	case r.limit.Period == limiter.Day:
		p.Window = day
	}
	return p
}

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
			limit, err := o.apply(rules[i], d.maxCost)
			errs = append(errs, err)
			if limit != nil {
				rules[i].limit = limit
			}
		}
	}
	return d.newRuleset(s.plan, rules), errors.Join(errs...)
}

// apply is the rule's limit with the override's numbers. A limit that is less than a
// request can cost is returned beside its error.
func (o Override) apply(r rule, maxCost int64) (*limiter.Limit, error) {
	spec := r.limit.Spec
	if spec.Algorithm == limiter.TokenBucket {
		scaled := max(1, spec.Burst*o.Limit/spec.Quota)
		spec.Burst = min(scaled, limiter.MaxQuota)
		if o.Burst > 0 {
			spec.Burst = o.Burst
		}
	}
	spec.Quota = o.Limit
	limit, err := limiter.Compile(spec)
	if err != nil {
		return nil, err
	}
	return limit, checkCapacity(limit, r.cost*maxCost)
}
