package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// openQuota is what the open route admits of one client.
const openQuota = 20

// TestNobodyOnAnOpenRoute: on a route without an auth plugin nothing that a client
// sends makes it a tenant, a user or a consumer, be the plugins apart or in one hop.
func TestNobodyOnAnOpenRoute(t *testing.T) {
	for _, mode := range []string{"apart", "in one hop"} {
		t.Run(mode, func(t *testing.T) {
			restore := useConfig(t, func(config map[string]any) { addOpenRoute(t, config, mode == "in one hop") })
			defer restore()

			admitted := 0
			var last answer
			for i := range 3 * openQuota {
				a := get(t, "/open", claims(t, i)...)
				if a.status == http.StatusTooManyRequests {
					break
				}
				last = a
				admitted++
			}
			if admitted > openQuota || admitted < openQuota/2 {
				t.Errorf("%d requests with as many identities passed, want up to %d: they are one client's", admitted, openQuota)
			}
			h := receivedOnce(t, "orders", last.traceID(t)).Header
			for _, name := range []string{
				"X-Tenant-Id", "X-User-Id", "X-Plan", "X-Consumer-Id", "X-Consumer-Custom-Id", "X-Consumer-Username",
				"X-Consumer-Groups", "X-Credential-Identifier", "X-Anonymous-Consumer",
			} {
				wantHeader(t, h, name)
			}
		})
	}
}

// claims is all that a client may send to be somebody, each time somebody else.
func claims(t *testing.T, i int) []string {
	t.Helper()
	tenant := fmt.Sprintf("forged-%d", i)
	return []string{
		bearer(t, devtoken.Web, tenant, tenant), "apikey: dev-only-globex-2026-09",
		"X-Tenant-Id: " + tenant, "X-User-Id: " + tenant, "X-Plan: pro",
		"X-Consumer-Id: " + tenant, "X-Consumer-Custom-Id: " + tenant, "X-Consumer-Username: " + tenant,
		"X-Consumer-Groups: plan-pro", "X-Credential-Identifier: " + tenant, "X-Anonymous-Consumer: true",
	}
}

// addOpenRoute adds a route that anybody may use, and on it a limiter of its own, the
// only one.
func addOpenRoute(t *testing.T, config map[string]any, oneHop bool) {
	t.Helper()
	scope := []string{"tenant", "user", "consumer", "credential"}
	var limits []any
	for _, s := range scope {
		limits = append(limits, map[string]any{
			// A name of its own, so that runs do not spend each other's budget.
			"name": fmt.Sprintf("%s-%d", s, time.Now().UnixNano()), "scope": []string{s},
			"algorithm": "fixed_window", "limit": openQuota, "window_seconds": 31_536_000,
		})
	}
	plugin := map[string]any{"name": "tenant-rate-limit", "config": map[string]any{"limits": limits}}
	if oneHop {
		plugin = map[string]any{"name": "gatehouse", "config": map[string]any{
			"run": []string{"trace_inject", "tenant_rate_limit"}, "tenant_rate_limit": map[string]any{"limits": limits},
		}}
	}
	config["plugins"] = slices.DeleteFunc(config["plugins"].([]any), func(p any) bool {
		return p.(map[string]any)["name"] == "tenant-rate-limit"
	})
	addOrdersService(t, config, map[string]any{
		"name": "open", "path": "/v2/orders",
		"routes":  []any{map[string]any{"name": "open", "paths": []string{"/open"}, "strip_path": true}},
		"plugins": []any{plugin},
	})
}
