package tenantratelimit

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // containers have no time zones of their own

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// compilePlans makes the ruleset of each plan, and of no plan.
func (c *Config) compilePlans(bad *mistakes) map[string]*ruleset {
	common := c.compileLimits("limits", c.Limits, bad)
	plans := map[string]*ruleset{"": c.compilePlan("limits", "", common, bad)}
	for i, p := range c.Plans {
		if plans[p.Name] != nil {
			continue // said already
		}
		field := fmt.Sprintf("plans[%d].limits", i)
		own := c.compileLimits(field, p.Limits, bad)
		plans[p.Name] = c.compilePlan(field, p.Name, append(slices.Clone(common), own...), bad)
	}
	return plans
}

// compilePlan adds the default limit on users to rules that have none.
func (c *Config) compilePlan(field, plan string, all []rule, bad *mistakes) *ruleset {
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
	if len(rules) > maxLevels || len(rules) == maxLevels && !slices.ContainsFunc(rules, rule.countsUsers) {
		bad.addf("%s: %d limits would apply to one request, and one on each user; write at most %d", field, len(rules), maxLevels-1)
		rules = rules[:maxLevels-1]
	}
	if !slices.ContainsFunc(rules, rule.countsUsers) {
		rules = append(rules, c.userDefault(bad))
	}
	set, err := newRuleset(plan, rules, c.runtime.metrics)
	bad.add(err)
	return set
}

// countsUsers is true for a limit on each user, whatever the route.
func (r rule) countsUsers() bool {
	return !r.limit.Shadow && len(r.scope) == 1 && r.scope[0] == scopeUser
}

// userDefault is the limit that always exists: the default's default where the
// config's numbers are no good.
func (c *Config) userDefault(bad *mistakes) rule {
	r, err := c.userLimit(c.DefaultUserLimit)
	if err != nil {
		bad.addf("default_user_limit.%w", err)
	}
	if r.limit == nil { // its numbers are no good
		r, _ = c.userLimit(UserDefault{ExpectedPeak: defaultPeak, WindowSeconds: 1, Mode: modeEnforce})
	}
	return r
}

func (c *Config) userLimit(d UserDefault) (rule, error) {
	if d.ExpectedPeak < 1 || d.ExpectedPeak > 1_000_000 {
		return rule{}, fmt.Errorf("expected_peak: %d is out of range; write the requests of one user in a window (1 to 1000000)", d.ExpectedPeak)
	}
	l := Limit{
		Name: userDefaultName, Scope: []string{string(scopeUser)}, Mode: d.Mode, Cost: 1,
		Algorithm: string(limiter.TokenBucket), Limit: peakFactor * d.ExpectedPeak, WindowSeconds: d.WindowSeconds,
		Status: statusDenied,
	}
	return l.compile(c.maxCost())
}

// compileLimits leaves out the limits that are no good. One that is less than a request
// can cost stays: such a request takes all of it.
func (c *Config) compileLimits(field string, limits []Limit, bad *mistakes) []rule {
	var rules []rule
	for i := range limits {
		r, err := limits[i].compile(c.maxCost())
		if err != nil {
			bad.addf("%s[%d].%w", field, i, err)
		}
		if r.limit != nil {
			rules = append(rules, r)
		}
	}
	return rules
}

// compile checks a limit; its errors begin with the field's name. A limit that is less
// than a request can cost is returned beside its error.
func (l *Limit) compile(maxCost int64) (rule, error) {
	if err := l.check(); err != nil {
		return rule{}, err
	}
	scopes, err := parseScope(l.Scope)
	if err != nil {
		return rule{}, fmt.Errorf("scope: %w", err)
	}
	if err := l.checkNamed(scopes); err != nil {
		return rule{}, err
	}
	zone, err := time.LoadLocation(l.TimeZone)
	if err != nil || zone == time.Local {
		return rule{}, fmt.Errorf("time_zone: %q is not known here; write a name from the IANA database, such as Europe/Berlin", l.TimeZone)
	}
	limit, err := limiter.Compile(limiter.Spec{
		Name: l.Name, Algorithm: limiter.Algorithm(l.Algorithm), Quota: l.Limit,
		Window: time.Duration(l.WindowSeconds) * time.Second, Burst: l.Burst,
		Period: limiter.Period(l.Period), Zone: zone, Shadow: l.Mode == modeShadow, Lease: l.Lease,
	})
	if err != nil {
		return rule{}, fmt.Errorf("limit: %w", err)
	}
	r := rule{limit: limit, scope: scopes, claim: l.Claim, header: l.Header, cost: l.Cost, status: l.Status}
	return r, checkCapacity(limit, l.Cost*maxCost)
}

// checkNamed holds claim and header to the scopes that need them.
func (l *Limit) checkNamed(scopes []scope) error {
	for _, f := range []struct {
		scope       scope
		name, value string
	}{{scopeClaim, "claim", l.Claim}, {scopeHeader, "header", l.Header}} {
		switch scoped := slices.Contains(scopes, f.scope); {
		case scoped && f.value == "":
			return fmt.Errorf("%s: empty; write the %[1]s that the scope %[1]s counts by", f.name)
		case !scoped && f.value != "":
			return fmt.Errorf("%s: %q has no meaning without the scope %[1]s; add that, or remove it", f.name, f.value)
		}
	}
	return nil
}

func (l *Limit) check() error {
	if _, err := answer.String(l.Name); err != nil || l.Name == "" || len(l.Name) > 64 {
		return fmt.Errorf("name: %q cannot stand in a header; write 1 to 64 printable ASCII characters", l.Name)
	}
	calendar := l.Algorithm == string(limiter.Calendar)
	bucket := l.Algorithm == string(limiter.TokenBucket)
	switch {
	case l.Limit < 1 || l.Limit > limiter.MaxQuota:
		return fmt.Errorf("limit: %d is out of range; write the units admitted in a window (1 to %d)", l.Limit, int64(limiter.MaxQuota))
	case !calendar && (l.WindowSeconds < 1 || l.WindowSeconds > maxWindowSeconds):
		return fmt.Errorf("window_seconds: %d is not a window; write the seconds the limit covers (1 to %d)", l.WindowSeconds, maxWindowSeconds)
	case !slices.Contains(algorithms, limiter.Algorithm(l.Algorithm)):
		return fmt.Errorf("algorithm: %q is unknown; write token_bucket, sliding_window, fixed_window or calendar", l.Algorithm)
	case calendar && limiter.Period(l.Period) != limiter.Day && limiter.Period(l.Period) != limiter.Month:
		return fmt.Errorf("period: %q is no calendar period; write day or month", l.Period)
	case calendar && l.WindowSeconds != 0:
		return fmt.Errorf("window_seconds: %d has no meaning for a calendar quota; write period: day or month instead", l.WindowSeconds)
	case !calendar && l.Period != "":
		return fmt.Errorf("period: %q has no meaning for %s; write window_seconds instead, or algorithm: calendar", l.Period, l.Algorithm)
	case !bucket && l.Burst != 0:
		return fmt.Errorf("burst: %d has no meaning for %s; remove it, or write algorithm: token_bucket", l.Burst, l.Algorithm)
	case l.Cost < 1 || l.Cost > limiter.MaxQuota:
		return fmt.Errorf("cost: %d is out of range; write the units of one request (1 to %d)", l.Cost, int64(limiter.MaxQuota))
	case l.Mode != modeEnforce && l.Mode != modeShadow:
		return fmt.Errorf("mode: %q is unknown; write enforce or shadow", l.Mode)
	case l.Status != statusDenied && l.Status != statusUnavailable:
		return fmt.Errorf("status: %d is no answer to a denied request; write 429 or 503", l.Status)
	case l.Lease < 0 || l.Lease > l.Limit:
		return fmt.Errorf("lease: %d is out of range; write the units that a node takes at once (0 to the limit of %d)", l.Lease, l.Limit)
	}
	return nil
}

var algorithms = []limiter.Algorithm{limiter.TokenBucket, limiter.SlidingWindow, limiter.FixedWindow, limiter.Calendar}

const maxWindowSeconds = int64(limiter.MaxWindow / time.Second)

// checkCapacity refuses a limit that could never admit a request of that cost.
func checkCapacity(l *limiter.Limit, cost int64) error {
	if l.Capacity() >= cost {
		return nil
	}
	field := "limit"
	if l.Algorithm == limiter.TokenBucket {
		field = "burst"
	}
	return fmt.Errorf("%s: %d is less than a request can cost; write at least %d, or lower the cost", field, l.Capacity(), cost)
}

// maxCost is the most that a request can cost.
func (c *Config) maxCost() int64 {
	most := int64(1)
	for _, rule := range c.Costs {
		most = max(most, rule.Cost)
	}
	return most
}

// compileTenants makes a ruleset of its own, under each plan, for each tenant
// whose limits differ.
func (c *Config) compileTenants(plans map[string]*ruleset, bad *mistakes) map[string]tenantRules {
	tenants := make(map[string]tenantRules, len(c.Tenants))
	for i, t := range c.Tenants {
		field := fmt.Sprintf("tenants[%d]", i)
		if _, twice := tenants[t.Tenant]; twice || t.Tenant == "" {
			bad.addf("%s.tenant: %q is empty or there twice; write one entry for each tenant", field, t.Tenant)
			continue
		}
		own := tenantRules{plan: t.Plan}
		if list := goodOverrides(field, t.Limits, plans, bad); len(list) > 0 {
			own.plans = c.compileOverrides(field, list, plans, bad)
		}
		tenants[t.Tenant] = own
	}
	return tenants
}

// compileOverrides makes each plan's ruleset with a tenant's own numbers.
func (c *Config) compileOverrides(field string, list []Override, plans map[string]*ruleset, bad *mistakes) map[string]*ruleset {
	own := make(map[string]*ruleset, len(plans))
	for name, set := range plans {
		different, err := set.overridden(list, c.maxCost(), c.runtime.metrics)
		if err != nil {
			bad.addf("%s.limits: %w", field, err)
		}
		own[name] = different
	}
	return own
}

func goodOverrides(field string, list []Override, plans map[string]*ruleset, bad *mistakes) (good []Override) {
	for i, o := range list {
		known := false
		for _, set := range plans {
			known = known || set.has(o.Name)
		}
		switch {
		case o.Limit < 1 || o.Limit > limiter.MaxQuota:
			bad.addf("%s.limits[%d].limit: %d is out of range; write the units admitted in a window (1 to %d)", field, i, o.Limit, int64(limiter.MaxQuota))
		case !known:
			bad.addf("%s.limits[%d].name: %q is no limit of this config; write the name of one", field, i, o.Name)
		default:
			good = append(good, o)
		}
	}
	return good
}

func (s *ruleset) has(name string) bool {
	return slices.ContainsFunc(s.rules, func(r rule) bool { return r.limit.Name == name })
}

// findNeeds says what the limits and costs ask of Kong.
func (c *Config) findNeeds(plans map[string]*ruleset) needs {
	var n needs
	for _, set := range plans {
		for _, r := range set.rules {
			for _, s := range r.scope {
				n.consumer = n.consumer || s == scopeConsumer || s == scopeCredential
				n.ip = n.ip || s == scopeIP
				n.route = n.route || s == scopeRoute
				n.service = n.service || s == scopeService
			}
			n.addHeader(r.header)
		}
	}
	for _, rule := range c.Costs {
		n.method = n.method || len(rule.Methods) > 0
		n.route = n.route || len(rule.Routes) > 0
		n.addHeader(rule.Header)
	}
	n.route = n.route || c.Observe
	n.groups = c.Identity.PlanGroup != ""
	return n
}

func (n *needs) addHeader(name string) {
	if name != "" && !slices.Contains(n.headers, name) {
		n.headers = append(n.headers, name)
	}
}
