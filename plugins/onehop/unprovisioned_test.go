package onehop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestUnprovisioned: go-pdk's own server decodes a configuration and runs events at
// once, two of them at a time. A mistake degrades its section alone.
func TestUnprovisioned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		trace string
		want  map[string]any // of what log plugins find
	}{
		{"good", all.trace, map[string]any{"gatehouse.tenant-rate-limit": "allowed", "gatehouse.sunset-headers": "deprecated"}},
		{"with a mistake that nobody told it of", mistaken.trace,
			map[string]any{"gatehouse.tenant-rate-limit": "allowed", "gatehouse.sunset-headers": "deprecated", "gatehouse.trace-inject": "degraded"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, sections{})
			limit := strings.Replace(all.limit, `{`, `{"identity":{"issue":true},`, 1) // Kong's default
			config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
			text := `{"run":["pii_log_scrub","trace_inject","tenant_rate_limit","sunset_headers"],"pii_log_scrub":` + all.scrub +
				`,"trace_inject":` + tt.trace + `,"tenant_rate_limit":` + limit + `,"sunset_headers":` + all.sunset + `}`
			if err := json.Unmarshal([]byte(text), config); err != nil {
				t.Fatal(err)
			}
			defer config.Close()
			done := make(chan kongtest.Effects)
			for range 2 {
				go func() { done <- kongtest.Run(t, config.Access, alice()) }()
			}
			for range 2 {
				checkUnprovisioned(t, <-done, tt.want)
			}
			kongtest.Run(t, config.Log, with(alice(), func(r *kongtest.Request) { r.Log = record(t) }))
			if lines := strings.Count(p.audit.String(), "\n"); lines != 1 {
				t.Errorf("%d audit records, want 1", lines)
			}
			if n, mistakes := strings.Count(p.log.String(), "300.0.0.0/8"), strings.Count(text, "300.0.0.0/8"); n != mistakes {
				t.Errorf("the mistake is logged %d times, want %d: %s", n, mistakes, &p.log)
			}
		})
	}
}

func checkUnprovisioned(t *testing.T, effects kongtest.Effects, want map[string]any) {
	t.Helper()
	if effects.Exit != nil {
		t.Fatalf("exit %v", effects.Exit)
	}
	if got := effects.Service.Headers.Get("X-Tenant-Id"); got != "acme" {
		t.Errorf("X-Tenant-Id %q, want acme", got)
	}
	decided := map[string]any{}
	for _, kv := range effects.Serialized {
		if strings.HasPrefix(kv.Key, "gatehouse.") {
			decided[kv.Key] = kv.Value
		}
	}
	if diff := cmp.Diff(want, decided); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}
