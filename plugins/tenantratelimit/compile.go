package tenantratelimit

import (
	"errors"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// compiled is a checked config, ready to decide.
type compiled struct {
	hub *hub
	// maxCost is the most that a request can cost.
	maxCost int64
	// plans holds a ruleset for each plan, and the one for no plan under "".
	plans map[string]*ruleset
	// tenants holds what the config says about single tenants.
	tenants map[string]tenantRules
	hidden  map[string]bool
	needs   needs
}

// tenantRules is a tenant's plan by the config's table, and for a tenant whose
// limits differ, the ruleset that it has under each plan.
type tenantRules struct {
	plan  string
	plans map[string]*ruleset
}

// needs says what has to be read from Kong beyond the verified token.
type needs struct {
	consumer, ip, route, service, method, groups bool
	headers                                      []string
}

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
	title string
	count outcomeCounters
}

// newRuleset completes rules for a plan. Names were checked to be printable
// ASCII, so the policy field can be written.
func newRuleset(plan string, rules []rule, m *metrics) (*ruleset, error) {
	var policies []answer.Policy
	for i := range rules {
		r := &rules[i]
		title, err := answer.String(r.limit.Name)
		if err != nil {
			return nil, err
		}
		r.title, r.count = title, m.outcomes(r.limit.Name, plan)
		if !r.limit.Shadow {
			policies = append(policies, r.advertised())
		}
	}
	policy, err := answer.PolicyField(policies)
	if err != nil {
		return nil, err
	}
	return &ruleset{plan: plan, rules: rules, policy: policy}, nil
}

func (r *rule) advertised() answer.Policy {
	p := answer.Policy{Name: r.limit.Name, Quota: r.limit.Quota, Window: r.limit.Window}
	switch {
	case r.limit.Algorithm == limiter.TokenBucket:
		p.Burst = r.limit.Burst
	case r.limit.Period == limiter.Day:
		p.Window = secondsPerDay
	}
	return p
}

// overridden is the ruleset with other numbers for some limits. Overrides that
// name no limit of the set leave it as it is, and so do those that are no good, which
// the error names.
func (s *ruleset) overridden(list []Override, maxCost int64, m *metrics) (*ruleset, error) {
	rules := append([]rule(nil), s.rules...)
	var errs []error
	for i := range rules {
		for _, o := range list {
			if o.Name != rules[i].limit.Name {
				continue
			}
			limit, err := o.apply(rules[i], maxCost)
			errs = append(errs, err)
			if limit != nil {
				rules[i].limit = limit
			}
		}
	}
	made, err := newRuleset(s.plan, rules, m)
	if err != nil {
		made = s
	}
	return made, errors.Join(append(errs, err)...)
}

// apply is the rule's limit with the override's numbers. One that is less than a
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
