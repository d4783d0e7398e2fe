package auditlog

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestKilledQueueIsCounted: how many records wait outlives the process, and what is handed
// over or was delivered is not counted as lost.
func TestKilledQueueIsCounted(t *testing.T) {
	t.Parallel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		receiver reply
		end      func(*Log)
		want     int
	}{
		"killed":      {hangs, func(*Log) {}, 3},
		"handed over": {hangs, func(l *Log) { l.HandOver() }, 0},
		"ended":       {takes, func(l *Log) { check(l.Close(t.Context())) }, 0},
		"given up":    {hangs, func(l *Log) { check(l.Close(ended)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Target: OTLP, WaitingFile: filepath.Join(t.TempDir(), "waiting")}
			begin := func(o Options, answer reply) *Log {
				o, err := o.withDefaults()
				check(err)
				l, err := openOTLP(o, &replies{next: func() reply { return answer }})
				check(err)
				return l
			}
			first := begin(o, tt.receiver)
			for range 3 {
				check(first.Handle(t.Context(), record("r1")))
			}
			tt.end(first)
			var log bytes.Buffer
			registry := prometheus.NewRegistry()
			o.Registerer, o.Logger = registry, slog.New(slog.NewJSONHandler(&log, nil))
			next := begin(o, takes)
			checkExports(t, registry, "killed", tt.want)
			if said := strings.Contains(log.String(), "killed while they waited"); said != (tt.want > 0) {
				t.Errorf("log: %s", &log)
			}
			check(next.Close(t.Context()))
			check(first.Close(ended))
		})
	}
}
