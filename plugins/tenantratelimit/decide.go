package tenantratelimit

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// Request is what a decision is made from.
type Request struct {
	identity.Evidence
	// Method, RouteID, RouteName and ServiceID may be empty where no limit and
	// no cost asks for them.
	Method, RouteID, RouteName, ServiceID string
	// HeaderNames are those that the client sent; read only where Kong
	// authenticated nobody.
	HeaderNames []string
	// Headers are the first values of those that a limit or a cost asks for, by
	// the names that the config has for them.
	Headers map[string]string
}

// Decision is what to do with the request.
type Decision struct {
	// Status is zero for a request that is admitted, else 429 or 503.
	Status int
	// Principal and Plan are who is asking, and under which plan.
	Principal identity.Principal
	Plan      string
	// Upstream is the change to the upstream request's headers, and Client the
	// headers of the response. A name with no values is to be removed.
	Upstream, Client map[string][]string
	// Body is the problem document of a request that is not admitted.
	Body []byte
	// Degraded says that the config has a mistake in it.
	Degraded bool

	// limited is true if a limit denied the request.
	limited bool
}

// Allowed is true for a request that goes upstream.
func (d Decision) Allowed() bool { return d.Status == 0 }

// Outcome is the decision in a word, for the audit record: allowed; limited where a
// limit denied the request, be its status 429 or 503; unavailable where no limit
// could be asked. Of a config with a mistake in it, what is allowed is degraded.
func (d Decision) Outcome() string {
	switch {
	case d.Allowed() && d.Degraded:
		return kongrecord.Degraded
	case d.Allowed():
		return "allowed"
	case d.limited:
		return "limited"
	}
	return "unavailable"
}

// Decide resolves the principal, charges every limit or none, and says what to
// tell the client and the upstream. It waits for Redis no longer than
// redis.timeout_ms and than ctx lives, and never fails: what a Redis means that
// does not answer is on_redis_error's to say.
func (c *Config) Decide(ctx context.Context, req Request) Decision {
	p := identity.Resolve(req.Evidence, identity.Claims{
		Names: c.Identity.Names,
		Plan:  c.Identity.PlanClaim, PlanTag: c.Identity.PlanTag, PlanGroup: c.Identity.PlanGroup,
	})
	set, plan := c.compiled.choose(&p, c.DefaultPlan)
	j := c.judge(ctx, &p, &req, set)
	d := Decision{
		Status: j.status, Principal: p, Plan: plan, Degraded: c.degraded,
		limited: slices.ContainsFunc(j.findings, finding.violated),
	}
	c.runtime.metrics.tenants.count(p.Tenant, d.Allowed())
	d.Client, d.Body = c.tell(j)
	if d.Allowed() {
		d.Upstream = c.upstream(&p, &req, plan)
	}
	return d
}

// WithoutRedis is a context in which Redis is not asked.
func WithoutRedis() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// choose finds the limits of a principal: those of the first plan that its
// token, tags or groups name and the config has, or of the one in the config's
// table, or of the default. The plan that is passed upstream is empty for the
// anonymous; where the config has no plans, it is whatever the token says.
func (b *compiled) choose(p *identity.Principal, defaultPlan string) (set *ruleset, plan string) {
	var own tenantRules
	if !p.Tenant.Hashed {
		own = b.tenants[p.Tenant.Value]
	}
	label := cmp.Or(b.known(p.Plans), own.plan, defaultPlan)
	plans := b.plans
	if own.plans != nil {
		plans = own.plans
	}
	plan = label
	switch {
	case !p.Authenticated:
		plan = ""
	case len(b.plans) == 1 && len(p.Plans) > 0:
		plan = p.Plans[0]
	}
	return plans[label], plan
}

// known is the first of the plans that the config has.
func (b *compiled) known(plans []string) string {
	for _, plan := range plans {
		if b.plans[plan] != nil {
			return plan
		}
	}
	return ""
}

func (c *Config) upstream(p *identity.Principal, req *Request, plan string) map[string][]string {
	h := identity.Upstream(*p, plan, c.Identity.Issue)
	if !p.Authenticated {
		standIn := req.Consumer.ID != ""
		for _, name := range identity.Disowned(req.HeaderNames, standIn) {
			h[name] = nil
		}
	}
	return h
}

// costOf is what the request costs by the first entry of costs that is about it.
func (c *Config) costOf(req *Request) int64 {
	for i := range c.Costs {
		if c.Costs[i].matches(req) {
			return c.Costs[i].Cost
		}
	}
	return 1
}

func (r *Cost) matches(req *Request) bool {
	method := len(r.Methods) == 0 || slices.Contains(r.Methods, req.Method)
	route := len(r.Routes) == 0 || slices.Contains(r.Routes, req.RouteName) || slices.Contains(r.Routes, req.RouteID)
	return method && route && r.matchesHeader(req)
}

func (r *Cost) matchesHeader(req *Request) bool {
	value := req.Headers[r.Header]
	switch {
	case r.Header == "":
		return true
	case len(r.Values) == 0:
		return value != ""
	}
	return slices.Contains(r.Values, value)
}

const (
	statusDenied      = http.StatusTooManyRequests
	statusUnavailable = http.StatusServiceUnavailable
)
