package sunsetheaders_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
)

// TestUnprovisioned: go-pdk's own server decodes a config and runs events at once, two
// of them at a time.
func TestUnprovisioned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		degraded   bool
	}{
		{"good", `{"sunset_at":"2027-06-30"}`, false},
		{"with a mistake that nobody told it of", `{"deprecated_at":"2026-02-31","sunset_at":"2027-06-30"}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			runtime, err := sunsetheaders.NewRuntime(sunsetheaders.Options{Now: clock(end), Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			config := runtime.New().(*sunsetheaders.Config)
			if err := json.Unmarshal([]byte(tt.text), config); err != nil {
				t.Fatal(err)
			}
			done := make(chan kongtest.Effects)
			for range 2 {
				go func() { done <- kongtest.Run(t, config.Access, partner()) }()
			}
			for range 2 {
				effects := <-done
				if tt.degraded {
					wantPassed(t, effects, http.Header{"Sunset": {"Wed, 30 Jun 2027 00:00:00 GMT"}})
				} else if effects.Exit == nil || effects.Exit.Status != http.StatusGone {
					t.Errorf("exit %v, want 410", effects.Exit)
				}
			}
			if n := strings.Count(log.String(), "2026-02-31"); (n == 1) != tt.degraded || n > 1 {
				t.Errorf("the mistake is logged %d times: %s", n, &log)
			}
		})
	}
}
