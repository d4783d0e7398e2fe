package tenantratelimit

import (
	"context"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// Limiter is one configuration, ready to read requests and to decide about them. The
// plugin's own handler uses it, and so does the plugin that runs several in one hop. Get
// it from [Config.Limiter]. It is safe for concurrent use.
type Limiter struct {
	runtime    *Runtime
	deployment *deployment
	decider    *quota.Decider
	needs      quota.Needs
	names      identity.Names
	observe    bool
	// perNode says that there is nobody to tell of this node, or to hear from.
	perNode bool
	// degraded says that there is a mistake in the config.
	degraded bool
}

func (r *Runtime) newLimiter(c *Config, d *deployment) (*Limiter, error) {
	backend := quota.Backend{
		Store: d.leased, HasRedis: d.usable, PerNode: c.perNode(), Members: d.member,
		Refusals: r.refusals, Overrides: r.overrides,
		Metrics: r.metrics, Logger: r.logger, Now: r.options.Now,
	}
	if backend.PerNode {
		backend.Store = d.local
	}
	observe := c.Observe && !backend.PerNode
	if observe {
		backend.Usage = d.usage
	}
	decider, err := quota.New(c.settings(), backend)
	return &Limiter{
		runtime: r, deployment: d, decider: decider, needs: decider.Needs(),
		names: c.Identity.Names, observe: observe, perNode: backend.PerNode,
	}, err
}

// Decide charges every limit or none, and says what to tell the client and the
// service. It never fails; see [quota.Decider.Decide].
func (l *Limiter) Decide(ctx context.Context, req quota.Request) quota.Decision {
	if !l.perNode {
		l.deployment.start(l.observe)
	}
	d := l.decider.Decide(ctx, req)
	if !d.Refused() && d.Exempt == "" {
		l.runtime.metrics.tenants.count(d.Principal.Tenant, d.Allowed())
	}
	return d
}

// Outcome is a decision in a word, for the audit record. Of a config with a mistake in
// it, what is allowed is degraded.
func (l *Limiter) Outcome(d quota.Decision) string {
	if l.degraded && d.Allowed() {
		return kongrecord.Degraded
	}
	return d.Outcome()
}

// WithoutRedis is a context in which Redis is not asked.
func WithoutRedis() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
