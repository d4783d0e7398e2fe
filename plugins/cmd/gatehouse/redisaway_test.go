package main

import (
	"net/http"
	"testing"
)

// TestReadyWithoutItsRedis: a node whose limits have no Redis goes on, and its health says so,
// in either way that the limiter runs.
func TestReadyWithoutItsRedis(t *testing.T) {
	p := startServe(t)
	limits := map[string]any{
		"redis":  map[string]any{"url": "redis://127.0.0.1:1"},
		"limits": []any{map[string]any{"name": "t", "scope": []string{"tenant"}, "limit": 9, "window_seconds": 60}},
	}
	const begins = "ok\nwithout redis: tenant-rate-limit: 127.0.0.1:1: "
	for _, start := range []struct {
		plugin string
		config map[string]any
		says   string
	}{
		{"tenant-rate-limit", limits, begins + "each node counts alone, with its share of each limit (on_redis_error: local): ask redis: "},
		{"gatehouse", map[string]any{"run": []string{"tenant_rate_limit"}, "tenant_rate_limit": limits}, begins + "every request is answered 503 (on_redis_error: deny), or each node counts alone"},
	} {
		if _, err := p.StartInstance(start.plugin, start.config); err != nil {
			t.Fatal(err)
		}
		p.await(t, "/readyz", http.StatusOK, start.says)
		limits["on_redis_error"] = "deny"
	}
	if _, errs, code := gatehouse(t, "", "health", "--http", p.addr); code != 0 {
		t.Errorf("health: exit code %d and %q", code, errs)
	}
}
