package tenantratelimit

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// tenantLabels counts decisions by tenant, for as many tenants as a metrics
// server can bear.
type tenantLabels struct {
	decisions *prometheus.CounterVec

	mu    sync.RWMutex
	known map[string]tenantCounters
}

type tenantCounters struct{ allowed, denied prometheus.Counter }

// maxTenantLabels is how many tenants, the first that ask, have series of their
// own. The others share one.
const maxTenantLabels = 100

// Labels of those who have none of their own. No tenant's label is empty.
const (
	labelOther     = "other tenants"
	labelAnonymous = "no tenant"
)

func newTenantLabels() *tenantLabels {
	return &tenantLabels{known: map[string]tenantCounters{}, decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_ratelimit_tenant_decisions_total",
		Help: "Requests by tenant and outcome, for the first 100 tenants; the others share a label, and so do requests without one.",
	}, []string{"tenant", "outcome"})}
}

// count counts a decision about a request of the tenant.
func (t *tenantLabels) count(tenant identity.ID, allowed bool) {
	c := t.of(tenant)
	if allowed {
		c.allowed.Inc()
	} else {
		c.denied.Inc()
	}
}

func (t *tenantLabels) of(tenant identity.ID) tenantCounters {
	label := tenant.Value
	if !tenant.Known() {
		label = labelAnonymous
	}
	t.mu.RLock()
	c, ok := t.known[label]
	full := len(t.known) >= maxTenantLabels
	t.mu.RUnlock()
	switch {
	case ok:
		return c
	case full:
		return t.add(labelOther)
	}
	return t.add(label)
}

// add makes a label's series. Concurrent callers get the same ones.
func (t *tenantLabels) add(label string) tenantCounters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.known[label]
	if !ok {
		c = tenantCounters{t.decisions.WithLabelValues(label, "allowed"), t.decisions.WithLabelValues(label, "denied")}
		t.known[label] = c
	}
	return c
}
