package quota

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Settings are a configuration, with the defaults filled in.
type Settings struct {
	Rules
	// Claims say who is asking. Issue says that the service is told.
	Claims identity.Claims
	// Issuers say whose tokens are believed: all that Kong verified if there are none.
	Issuers []identity.Issuer
	Issue   bool
	// KeyPrefix is what every Redis key begins with.
	KeyPrefix string
	// Timeout is how long a request waits for Redis at most.
	Timeout time.Duration
	// Replicas is how many replicas must have a charge; see [limiter.Request].
	Replicas int
	// OnRedisError is one of [OnErrorLocal], [OnErrorAllow] and [OnErrorDeny].
	OnRedisError string
	// Nodes is how many share the limits, zero if they count each other.
	Nodes int64
	// HideHeaders are not sent to clients. LegacyHeaders sends X-RateLimit-* too.
	HideHeaders   []string
	LegacyHeaders bool
	// Problem is what denied clients are told in place of what the limits' standards say.
	Problem answer.Own
}

// What OnRedisError may say: the node counts with its share of each limit, admits
// everything, or admits nothing.
const (
	OnErrorLocal = "local"
	OnErrorAllow = "allow"
	OnErrorDeny  = "deny"
)

// Backend is what decisions are made with. Configurations share its parts.
type Backend struct {
	// Store counts. HasRedis is false for one whose Redis always fails, since there is
	// none. PerNode says that the store is this process' memory, and nothing else is meant
	// to count.
	Store             limiter.Store
	HasRedis, PerNode bool
	// Members knows how many nodes there are, and the overrides for everybody.
	Members *membership.Member
	// Usage is told of each request; nil if nobody is to know.
	Usage *usage.Recorder
	// Refusals and Overrides remember what Redis said.
	Refusals  *limiter.Refusals
	Overrides *Overrides
	Metrics   Metrics
	Logger    *slog.Logger
	Now       func() time.Time
}

// Metrics counts what decisions say.
type Metrics interface {
	// Limit makes the counters of one limit under one plan.
	Limit(name, plan string) LimitCounters
	// Waited is how long one decision waited for Redis, failures included, in the sampled
	// trace of that id; empty for none.
	Waited(traceID string, took time.Duration)
	// FellBack is a decision without Redis, by what OnRedisError says.
	FellBack(policy string)
	// Distrusted is a verified token that was refused, by what is wrong with it.
	Distrusted(identity.Fault)
	// Exempt is a request that no limit was asked about, and why.
	Exempt(Exemption)
}

// LimitCounters count a limit's results. Uncharged is a limit that had room when
// another denied; RefusedLocally, a denial without asking Redis.
type LimitCounters struct {
	Allowed, Denied, ShadowDenied, Uncharged, RefusedLocally Counter
}

// Counter counts one more.
type Counter interface{ Inc() }

// Decider decides by one configuration. It is safe for concurrent use.
type Decider struct {
	settings Settings
	backend  Backend
	issuers  identity.Issuers
	// exempt is who and what is not limited.
	exempt exempt
	// maxCost is the most that a request can cost.
	maxCost int64
	// plans holds the limits of each plan, and those of no plan under "".
	plans map[string]*ruleset
	// tenants holds what the config says about single tenants.
	tenants map[string]tenantRules
	hidden  map[string]bool
	needs   Needs
	// alone is nodes with OnErrorLocal, and nil with anything else.
	alone func() (nodes int64, unsure bool)
}

// tenantRules is a tenant's plan by the config's table, and for a tenant whose
// limits differ, the limits that it has under each plan.
type tenantRules struct {
	plan  string
	plans map[string]*ruleset
}

// New makes a Decider. An error names each mistake in the settings, by the field's name
// in kong.yaml. The Decider beside it does without what is wrong: it has every limit,
// plan and tenant that is good, and the default limit on users at least, and believes no
// token of an issuer that is in doubt.
func New(s Settings, b Backend) (*Decider, error) {
	d := &Decider{settings: s, backend: b, hidden: map[string]bool{}}
	for _, name := range s.HideHeaders {
		d.hidden[name] = true
	}
	if s.OnRedisError == OnErrorLocal {
		d.alone = d.nodes
	}
	var bad mistakes
	d.check(&bad)
	d.issuers = s.prepareIssuers(&bad)
	d.exempt = s.Exempt.compile(&bad)
	d.maxCost = maxCost(d.settings.Costs)
	d.plans = d.compilePlans(&bad)
	d.tenants = d.compileTenants(&bad)
	d.needs = d.findNeeds()
	return d, errors.Join(bad...)
}

// Needs is what [Decider.Decide] wants to know of a request.
func (d *Decider) Needs() Needs { return d.needs }

// Decide finds out who is asking, charges every limit or none, and says what to
// tell the client and the service. It waits for Redis no longer than
// [Settings].Timeout and than ctx lives, and never fails: what it means that Redis
// does not answer is for OnRedisError to say.
func (d *Decider) Decide(ctx context.Context, req Request) Decision {
	if d.issuers.Configured() {
		if fault := d.issuers.Check(&req.Evidence, d.backend.Now()); fault != "" {
			return d.distrust(req.Evidence, fault)
		}
	}
	p := identity.Resolve(req.Evidence, d.settings.Claims)
	if refusal := req.refusal(); refusal != nil {
		return Decision{Status: refusal.Status, Principal: p, Client: refusal.Headers, Body: refusal.Body, refused: true}
	}
	rules, plan := d.rulesFor(&p)
	cost := d.costOf(&req)
	if why := d.exemption(&p, &req, cost); why != "" {
		return d.pass(&p, &req, plan, why)
	}
	e := d.evaluate(ctx, &p, &req, rules, cost)
	made := Decision{Status: e.status, Principal: p, Plan: plan, Limit: e.denying(), limited: e.limited()}
	made.Client, made.Body = d.responseHeaders(e)
	if made.Allowed() {
		made.Upstream = d.upstreamHeaders(&p, &req, plan)
	}
	return made
}

// rulesFor finds the limits of a principal: those of the first plan that its
// token, tags or groups name and the config has, or of the one in the config's
// table, or of the default. The plan that is passed upstream is empty for the
// anonymous; where the config has no plans, it is whatever the token says.
func (d *Decider) rulesFor(p *identity.Principal) (rules *ruleset, plan string) {
	var own tenantRules
	if !p.Tenant.Hashed {
		own = d.tenants[p.Tenant.Value]
	}
	name := cmp.Or(d.firstKnown(p.Plans), own.plan, d.settings.DefaultPlan)
	plans := d.plans
	if own.plans != nil {
		plans = own.plans
	}
	plan = name
	switch {
	case !p.Authenticated:
		plan = ""
	case len(d.plans) == 1 && len(p.Plans) > 0:
		plan = p.Plans[0]
	}
	return plans[name], plan
}

// firstKnown is the first of the plans that the config has.
func (d *Decider) firstKnown(plans []string) string {
	for _, plan := range plans {
		if d.plans[plan] != nil {
			return plan
		}
	}
	return ""
}
