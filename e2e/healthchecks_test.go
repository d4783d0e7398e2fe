package e2e

import (
	"net/http"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestEveryStatusIsListed wants each status that there is in one of two lists, on every
// upstream: one in neither says nothing, and keeps a target out whose check answers it.
func TestEveryStatusIsListed(t *testing.T) {
	var config map[string]any
	if err := yaml.Unmarshal(gate.config, &config); err != nil {
		t.Fatal(err)
	}
	for _, entry := range config["upstreams"].([]any) {
		upstream := entry.(map[string]any)
		if targets := upstream["targets"].([]any); len(targets) != 2 {
			t.Errorf("%s has %d targets, want 2", upstream["name"], len(targets))
		}
		for kind, check := range upstream["healthchecks"].(map[string]any) {
			healthy, unhealthy := statusesOf(check, "healthy"), statusesOf(check, "unhealthy")
			for status := 100; status < 600; status++ {
				good, bad := slices.Contains(healthy, any(status)), slices.Contains(unhealthy, any(status))
				known := http.StatusText(status) != "" || status == 306 // which was one
				if known != (good != bad) || good && bad {
					t.Errorf("%s, %s: status %d is healthy: %v, unhealthy: %v", upstream["name"], kind, status, good, bad)
				}
			}
		}
	}
}

func statusesOf(check any, health string) []any {
	return check.(map[string]any)[health].(map[string]any)["http_statuses"].([]any)
}
