package tenantratelimit

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/firstseen"
	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// tenantLabels counts decisions by tenant, for as many tenants as a metrics
// server can bear.
type tenantLabels struct {
	decisions *prometheus.CounterVec
	known     *firstseen.Set[string]
}

// maxTenantLabels is how many tenants, the first that ask, have series of their
// own. The others share one.
const maxTenantLabels = 100

// Labels of those who have none of their own. No tenant's label is empty.
const (
	labelOther     = "other tenants"
	labelAnonymous = "no tenant"
)

func newTenantLabels() *tenantLabels {
	return &tenantLabels{known: firstseen.NewSet[string](maxTenantLabels), decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_ratelimit_tenant_decisions_total",
		Help: "Requests by tenant and outcome, for the first 100 tenants; the others share a label, and so do requests without one.",
	}, []string{"tenant", "outcome"})}
}

// count counts a decision about a request of the tenant.
func (t *tenantLabels) count(tenant identity.ID, allowed bool) {
	label := tenant.Value
	if !tenant.Known() {
		label = labelAnonymous
	}
	if !t.known.Add(label) {
		label = labelOther
	}
	outcome := "denied"
	if allowed {
		outcome = "allowed"
	}
	t.decisions.WithLabelValues(label, outcome).Inc()
}
