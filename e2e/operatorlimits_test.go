package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// TestLimitsOfAnOperator: a tenant that is blocked, a route that is exempt, and a limit that
// each node counts for itself, which says so in the operator's words.
func TestLimitsOfAnOperator(t *testing.T) {
	blocked := fmt.Sprintf("e2e-blocked-%d", time.Now().UnixNano())
	m := mistake{plugin: "tenant-rate-limit", config: fields{
		"policy":  "local",
		"limits":  []fields{{"name": "one", "scope": []string{"consumer", "route"}, "algorithm": "fixed_window", "limit": 1, "window_seconds": 86400, "message": "One is all."}},
		"tenants": []fields{{"tenant": blocked, "limits": []fields{{"name": "one", "limit": 0}}}},
		"exempt":  fields{"routes": []string{"partner-orders-v1"}},
		"problem": fields{"type": "https://example.com/problems/one"},
	}}
	defer useConfig(t, m.make)()

	stopped := get(t, "/mobile/v1/home", issued(t, devtoken.Mobile, devtoken.Claims{Tenant: blocked, User: "u1"})).wantStatus(t, http.StatusTooManyRequests)
	if after := stopped.header.Get("Retry-After"); after != "" {
		t.Errorf("a blocked tenant is told to come back in %s", after)
	}
	if policy := stopped.header.Get("RateLimit-Policy"); !strings.Contains(policy, `"one";q=0;w=86400`) {
		t.Errorf("RateLimit-Policy: %s", policy)
	}
	get(t, "/mobile/v1/home", issued(t, devtoken.Mobile, devtoken.Claims{Tenant: blocked + "-not", User: "u1"})).wantStatus(t, http.StatusOK)

	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
	denied := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusTooManyRequests)
	var problem struct{ Type, Detail string }
	denied.into(t, &problem)
	if problem.Type != "https://example.com/problems/one" || problem.Detail != "One is all." {
		t.Errorf("problem: %s", denied.body)
	}

	for range 3 {
		a := get(t, "/partner/v1/orders", partnerKey).wantStatus(t, http.StatusOK)
		if a.header.Get("RateLimit") != "" || a.header.Get("RateLimit-Policy") != "" {
			t.Errorf("an exempt request is told of limits: %v", a.header)
		}
		wantAuditWord(t, a.header.Get("X-Kong-Request-Id"), m.plugin, "exempt")
	}
}

// TestBrowsersReadOurHeaders: what Kong's cors says of them, on answers of a service and of
// ours.
func TestBrowsersReadOurHeaders(t *testing.T) {
	if gate.fileLog == "" {
		t.Skip("this gateway does not support cors")
	}
	const named = "RateLimit, Retry-After, Deprecation"
	m := mistake{plugin: "tenant-rate-limit", config: fields{
		"limits": []fields{{"name": "one-a-day", "scope": []string{"consumer", "route"}, "algorithm": "fixed_window", "limit": 1, "window_seconds": 86400}},
	}}
	defer useConfig(t, func(config map[string]any) {
		m.make(config)
		config["plugins"] = append(config["plugins"].([]any), map[string]any{
			"name": "cors", "config": map[string]any{"origins": []string{"https://app.example.com"}, "exposed_headers": strings.Split(named, ", ")},
		})
	})()
	for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
		a := get(t, "/partner/v1/orders", partnerKey, "Origin: https://app.example.com").wantStatus(t, status)
		if got := strings.Join(a.header.Values("Access-Control-Expose-Headers"), "|"); strings.ReplaceAll(got, ", ", ",") != strings.ReplaceAll(named, ", ", ",") {
			t.Errorf("status %d: Access-Control-Expose-Headers: %s, want %s", status, got, named)
		}
	}
}
