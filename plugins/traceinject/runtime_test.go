package traceinject_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

var tinyRecord = []byte(`{"started_at": 1767225600000, "request": {"method": "GET"}}`)

func export(t *testing.T, config *traceinject.Config, spans int) {
	t.Helper()
	for range spans {
		trace, err := config.Tracer().Recall(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := exportText(config, trace, tinyRecord); err != nil {
			t.Fatal(err)
		}
	}
}

const spansHead = `# HELP gatehouse_trace_spans_total Spans by outcome: exported, dropped (queue full), failed (collector), unreadable (log record).
# TYPE gatehouse_trace_spans_total counter
`

func wantSpans(t *testing.T, registry *prometheus.Registry, counts string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(spansHead+counts), "gatehouse_trace_spans_total"); err != nil {
		t.Error(err)
	}
}

// TestQueueIsBounded: with a collector that hangs, what does not fit is dropped
// and counted, and what does fit arrives once the collector is back.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		spans := &keptSpans{hold: make(chan struct{})}
		batch := traceinject.DefaultBatch
		batch.QueueSize = 10
		config := newConfig(t, traceinject.Options{Exporter: spans, Batch: batch, Registerer: registry}, nil)
		export(t, config, 25)
		time.Sleep(2 * time.Second) // the batch is being exported, and hangs
		export(t, config, 5)
		wantSpans(t, registry, `gatehouse_trace_spans_total{outcome="dropped"} 20
gatehouse_trace_spans_total{outcome="exported"} 0
gatehouse_trace_spans_total{outcome="failed"} 0
gatehouse_trace_spans_total{outcome="unreadable"} 0
`)
		close(spans.hold)
		synctest.Wait()
		export(t, config, 3)
		closeRuntime(t, config)
		wantSpans(t, registry, `gatehouse_trace_spans_total{outcome="dropped"} 20
gatehouse_trace_spans_total{outcome="exported"} 13
gatehouse_trace_spans_total{outcome="failed"} 0
gatehouse_trace_spans_total{outcome="unreadable"} 0
`)
		if n := len(spans.get()); n != 13 {
			t.Errorf("%d spans arrived, want 13", n)
		}
	})
}

// TestOutageIsReportedOnce: the log has one line when an outage begins and one
// when it ends, however many batches fail in between.
func TestOutageIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		spans := &keptSpans{err: errors.New("collector is down")}
		config := newConfig(t, traceinject.Options{
			Exporter: spans, Registerer: registry, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}, nil)
		for range 3 {
			export(t, config, 1)
			time.Sleep(2 * time.Second)
		}
		spans.fail(nil)
		export(t, config, 1)
		closeRuntime(t, config)
		if n := strings.Count(log.String(), "collector is down"); n != 1 {
			t.Errorf("the outage is reported %d times:\n%s", n, log.String())
		}
		if n := strings.Count(log.String(), "recovered"); n != 1 {
			t.Errorf("the recovery is reported %d times:\n%s", n, log.String())
		}
		wantSpans(t, registry, `gatehouse_trace_spans_total{outcome="dropped"} 0
gatehouse_trace_spans_total{outcome="exported"} 1
gatehouse_trace_spans_total{outcome="failed"} 3
gatehouse_trace_spans_total{outcome="unreadable"} 0
`)
	})
}

// TestOutage: a collector that is away for three seconds costs no span, one that stays
// away those of whose batch the time is up.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		outage           time.Duration
		exported, failed int
	}{
		"3 seconds": {3 * time.Second, 5, 0},
		"a minute":  {time.Minute, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry := prometheus.NewRegistry()
				spans := &keptSpans{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
				config := newConfig(t, traceinject.Options{Exporter: spans, Registerer: registry}, nil)
				export(t, config, 2)
				time.Sleep(tt.outage - time.Second)
				export(t, config, 3)
				time.Sleep(time.Second)
				spans.fail(nil)
				time.Sleep(10 * time.Second) // the longest time between two tries, and the batch's
				wantSpans(t, registry, fmt.Sprintf(`gatehouse_trace_spans_total{outcome="dropped"} 0
gatehouse_trace_spans_total{outcome="exported"} %d
gatehouse_trace_spans_total{outcome="failed"} %d
gatehouse_trace_spans_total{outcome="unreadable"} 0
`, tt.exported, tt.failed))
				if n := len(spans.get()); n != tt.exported {
					t.Errorf("%d spans arrived, want %d", n, tt.exported)
				}
			})
		})
	}
}

func TestCloseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := &keptSpans{hold: make(chan struct{})}
		defer close(spans.hold)
		runtime, err := traceinject.NewRuntime(traceinject.Options{Exporter: spans})
		if err != nil {
			t.Fatal(err)
		}
		config := runtime.New().(*traceinject.Config)
		if err := config.Provision(); err != nil {
			t.Fatal(err)
		}
		export(t, config, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := runtime.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close returned %v", err)
		}
	})
}

func TestMetricsRegisterOnce(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	newRuntime(t, traceinject.Options{Registerer: registry})
	if _, err := traceinject.NewRuntime(traceinject.Options{Registerer: registry}); err == nil {
		t.Error("a second runtime registered the same metrics without an error")
	}
}
