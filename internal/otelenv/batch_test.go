package otelenv_test

import (
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
)

// TestBatch: what the environment says goes over the defaults of a program, one by one.
func TestBatch(t *testing.T) {
	defaults := otelenv.Batch{Delay: time.Second, Timeout: 30 * time.Second, QueueSize: 4096, Size: 512}
	for variable, tc := range map[string]struct {
		value string
		edit  func(*otelenv.Batch)
	}{
		"OTEL_BSP_SCHEDULE_DELAY":        {"200", func(b *otelenv.Batch) { b.Delay = 200 * time.Millisecond }},
		"OTEL_BSP_EXPORT_TIMEOUT":        {"60000", func(b *otelenv.Batch) { b.Timeout = time.Minute }},
		"OTEL_BSP_MAX_QUEUE_SIZE":        {"10", func(b *otelenv.Batch) { b.QueueSize = 10 }},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": {"5", func(b *otelenv.Batch) { b.Size = 5 }},
		"":                               {"", func(*otelenv.Batch) {}},
	} {
		t.Run(variable, func(t *testing.T) {
			for _, name := range []string{"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"} {
				t.Setenv(name, "")
			}
			if variable != "" {
				t.Setenv(variable, tc.value)
			}
			want := defaults
			tc.edit(&want)
			if got := defaults.Over(); got != want {
				t.Errorf("batch %+v, want %+v", got, want)
			}
		})
	}
}
