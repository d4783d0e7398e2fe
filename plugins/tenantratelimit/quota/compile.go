package quota

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

const (
	day = 24 * time.Hour
	// userDefaultName is the name of the limit that always exists.
	userDefaultName = "user-default"
	// peakFactor is how far above the expected peak a user may go.
	peakFactor = 10
	// maxLimits bounds the limits that apply to one request, and so the work
	// that one script call does while Redis does nothing else.
	maxLimits  = 32
	modeShadow = "shadow"
)

// compilePlans makes the ruleset of each plan, and of no plan.
func (d *Decider) compilePlans(bad *mistakes) map[string]*ruleset {
	common := d.compileLimits("limits", d.settings.Limits, bad)
	plans := map[string]*ruleset{"": d.compilePlan("limits", "", common, bad)}
	for i, p := range d.settings.Plans {
		if plans[p.Name] != nil {
			continue // check has said so
		}
		field := fmt.Sprintf("plans[%d].limits", i)
		own := d.compileLimits(field, p.Limits, bad)
		plans[p.Name] = d.compilePlan(field, p.Name, append(slices.Clone(common), own...), bad)
	}
	return plans
}

// compilePlan adds the default limit on users to rules that have none.
func (d *Decider) compilePlan(field, plan string, all []rule, bad *mistakes) *ruleset {
	var rules []rule
	names := map[string]bool{userDefaultName: true}
	for _, r := range all {
		if names[r.limit.Name] {
			bad.addf("%s: %q is the name of two limits of one request; give each a name of its own (%s is taken)", field, r.limit.Name, userDefaultName)
			continue
		}
		names[r.limit.Name] = true
		rules = append(rules, r)
	}
	if len(rules) > maxLimits || len(rules) == maxLimits && !slices.ContainsFunc(rules, rule.countsUsers) {
		bad.addf("%s: %d limits would apply to one request, and one on each user; write at most %d", field, len(rules), maxLimits-1)
		rules = rules[:maxLimits-1]
	}
	if !slices.ContainsFunc(rules, rule.countsUsers) {
		rules = append(rules, d.userDefault(bad))
	}
	return d.newRuleset(plan, rules)
}

// userDefault is the limit that always exists. Numbers that are no good make it the
// one of a user who is expected to make ten requests in a second.
func (d *Decider) userDefault(bad *mistakes) rule {
	r, err := d.settings.DefaultUserLimit.limit().compile(d.maxCost)
	if err == nil && r.limit.Blocks() {
		err = errors.New("expected_peak: 0 would block every user; write the requests that one makes at the busiest, or a limit of 0 for whom you mean")
	}
	if err != nil {
		bad.addf("default_user_limit.%w", err)
	}
	if r.limit == nil || r.limit.Blocks() {
		r, _ = UserDefault{ExpectedPeak: 10, WindowSeconds: 1}.limit().compile(d.maxCost)
	}
	return r
}

func (u UserDefault) limit() *Limit {
	return &Limit{
		Name: userDefaultName, Scope: []string{string(scopeUser)}, Mode: u.Mode, Cost: 1,
		Algorithm: string(limiter.TokenBucket), Limit: peakFactor * u.ExpectedPeak, WindowSeconds: u.WindowSeconds,
		Status: statusDenied,
	}
}

// compileLimits leaves out the limits that are no good. One that is less than a request
// can cost stays: such a request takes all of it.
func (d *Decider) compileLimits(field string, limits []Limit, bad *mistakes) []rule {
	var rules []rule
	for i := range limits {
		r, err := limits[i].compile(d.maxCost)
		if err != nil {
			bad.addf("%s[%d].%w", field, i, err)
		}
		if r.limit != nil {
			rules = append(rules, r)
		}
	}
	return rules
}

// compile makes a rule; its errors begin with the field's name. A limit that is less
// than a request can cost is returned beside its error.
func (l *Limit) compile(maxCost int64) (rule, error) {
	title, err := answer.String(l.Name)
	if err != nil {
		return rule{}, fmt.Errorf("name: %w", err)
	}
	scopes, err := parseScope(l.Scope)
	if err != nil {
		return rule{}, fmt.Errorf("scope: %w", err)
	}
	limit, err := limiter.Compile(limiter.Spec{
		Name: l.Name, Algorithm: limiter.Algorithm(l.Algorithm), Quota: l.Limit,
		Window: time.Duration(l.WindowSeconds) * time.Second, Burst: l.Burst,
		Period: limiter.Period(l.Period), Zone: l.TimeZone, Shadow: l.Mode == modeShadow, Lease: l.Lease,
	})
	if err != nil {
		return rule{}, err
	}
	r := rule{limit: limit, scope: scopes, claim: l.Claim, header: l.Header, cost: l.Cost, status: l.Status, title: title, message: l.Message}
	return r, checkCapacity(limit, l.Cost*maxCost)
}

// checkCapacity refuses a limit that could never admit a request of that cost, unless it
// is to admit none at all.
func checkCapacity(l *limiter.Limit, cost int64) error {
	if l.Capacity() >= cost || l.Blocks() {
		return nil
	}
	switch {
	case l.Algorithm != limiter.TokenBucket:
		return fmt.Errorf("limit: %d is less than a request can cost; write at least %d, or lower the cost", l.Capacity(), cost)
	case l.Burst == l.Quota: // which it is where none is written
		return fmt.Errorf("limit: %d is less than a request can cost; write burst: %d or more, or lower the cost", l.Capacity(), cost)
	default:
		return fmt.Errorf("burst: %d is less than a request can cost; write at least %d, or lower the cost", l.Capacity(), cost)
	}
}

// compileTenants makes a ruleset of its own, under each plan, for each tenant
// whose limits differ.
func (d *Decider) compileTenants(bad *mistakes) map[string]tenantRules {
	tenants := make(map[string]tenantRules, len(d.settings.Tenants))
	for i, t := range d.settings.Tenants {
		field := fmt.Sprintf("tenants[%d]", i)
		if _, known := tenants[t.Tenant]; known || t.Tenant == "" {
			bad.addf("%s.tenant: %q is empty or has an entry already; write one entry for each tenant", field, t.Tenant)
			continue
		}
		own := tenantRules{plan: t.Plan}
		if list := d.goodOverrides(field, t.Limits, bad); len(list) > 0 {
			own.plans = d.compileOverrides(field, list, bad)
		}
		tenants[t.Tenant] = own
	}
	return tenants
}

// compileOverrides makes each plan's ruleset with a tenant's own numbers.
func (d *Decider) compileOverrides(field string, list []Override, bad *mistakes) map[string]*ruleset {
	own := make(map[string]*ruleset, len(d.plans))
	for name, set := range d.plans {
		different, err := d.overridden(set, list)
		if err != nil {
			bad.addf("%s.limits: %w", field, err)
		}
		own[name] = different
	}
	return own
}

func (d *Decider) goodOverrides(field string, list []Override, bad *mistakes) (good []Override) {
	for i, o := range list {
		known := false
		for _, set := range d.plans {
			known = known || set.has(o.Name)
		}
		if !known {
			bad.addf("%s.limits[%d].name: %q is no limit of this config; write the name of one", field, i, o.Name)
			continue
		}
		good = append(good, o)
	}
	return good
}

// findNeeds says what the issuers, limits and costs ask of Kong.
func (d *Decider) findNeeds() Needs {
	n := Needs{Consumer: d.issuers.Configured()}
	for _, set := range d.plans {
		for _, r := range set.rules {
			for _, s := range r.scope {
				n.Consumer = n.Consumer || s == scopeConsumer || s == scopeCredential
				n.IP = n.IP || s == scopeIP
				n.Route = n.Route || s == scopeRoute
				n.Service = n.Service || s == scopeService
			}
			n.addHeader(r.header)
		}
	}
	for _, cost := range d.settings.Costs {
		n.Method = n.Method || len(cost.Methods) > 0
		n.Route = n.Route || len(cost.Routes) > 0
		n.addHeader(cost.Header)
	}
	n.Consumer = n.Consumer || len(d.exempt.consumers) > 0
	n.IP = n.IP || len(d.exempt.networks) > 0
	n.Preflight = d.exempt.preflights
	n.Method = n.Method || n.Preflight
	n.Route = n.Route || d.backend.Usage != nil || len(d.exempt.routes) > 0
	n.Groups = d.settings.Claims.PlanGroup != ""
	return n
}

func (n *Needs) addHeader(name string) {
	if name != "" && !slices.Contains(n.Headers, name) {
		n.Headers = append(n.Headers, name)
	}
}
