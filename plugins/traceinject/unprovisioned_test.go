package traceinject_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestUnprovisioned: go-pdk's own server decodes a config and runs events at once, two
// of them at a time.
func TestUnprovisioned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		degraded   bool
	}{
		{"good", `{"incoming":"link"}`, false},
		{"with a mistake that nobody told it of", `{"trusted_cidrs":["300.0.0.0/8"]}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			spans := &keptSpans{}
			runtime := newRuntime(t, traceinject.Options{Exporter: spans, Random: fixedIDs, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			config := runtime.New().(*traceinject.Config)
			if err := json.Unmarshal([]byte(tt.text), config); err != nil {
				t.Fatal(err)
			}
			done := make(chan kongtest.Effects)
			for range 2 {
				go func() { done <- kongtest.Run(t, config.Access, kongtest.Request{}) }()
			}
			for range 2 {
				effects := <-done
				if got := effects.Service.Headers.Get("traceparent"); got != ownParent {
					t.Errorf("traceparent %q, want %q", got, ownParent)
				}
				if tt.degraded {
					wantWord(t, effects)
				}
			}
			kongtest.Run(t, config.Log, kongtest.Request{Log: string(tinyRecord)})
			closeRuntime(t, config)
			if n := len(spans.get()); n != 1 {
				t.Errorf("%d spans, want 1", n)
			}
			if n := strings.Count(log.String(), "300.0.0.0/8"); (n == 1) != tt.degraded || n > 1 {
				t.Errorf("the mistake is logged %d times: %s", n, &log)
			}
		})
	}
}
