package exemplar_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/internal/exemplar"
)

var traceID = trace.TraceID{15: 7}

func within(flags trace.TraceFlags, id trace.TraceID) context.Context {
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: trace.SpanID{7: 1}, TraceFlags: flags,
	}))
}

func TestObserve(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		want string // behind the bucket's count
	}{
		"sampled":             {within(trace.FlagsSampled, traceID), ` # {trace_id="00000000000000000000000000000007"} 0.5 `},
		"not sampled":         {within(0, traceID), "\n"},
		"no trace":            {context.Background(), "\n"},
		"sampled, without id": {within(trace.FlagsSampled, trace.TraceID{}), "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewRegistry()
			h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Buckets: []float64{1}})
			registry.MustRegister(h)
			exemplar.Observe(tc.ctx, h, 0.5)
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
			promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
			if text := w.Body.String(); !strings.Contains(text, `took_seconds_bucket{le="1.0"} 1`+tc.want) {
				t.Errorf("want a bucket with %q in\n%s", tc.want, text)
			}
		})
	}
}

// A summary takes no exemplars.
func TestObserveElsewhere(t *testing.T) {
	t.Parallel()
	seen := 0.0
	exemplar.Observe(within(trace.FlagsSampled, traceID), prometheus.ObserverFunc(func(v float64) { seen = v }), 0.5)
	if seen != 0.5 {
		t.Errorf("observed %v, want 0.5", seen)
	}
}

func BenchmarkObserve(b *testing.B) {
	for name, ctx := range map[string]context.Context{
		"sampled":     within(trace.FlagsSampled, traceID),
		"not sampled": within(0, traceID),
	} {
		b.Run(name, func(b *testing.B) {
			h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Buckets: prometheus.DefBuckets})
			b.ReportAllocs()
			for b.Loop() {
				exemplar.Observe(ctx, h, 0.5)
			}
		})
	}
	b.Run("without exemplars", func(b *testing.B) {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Buckets: prometheus.DefBuckets})
		b.ReportAllocs()
		for b.Loop() {
			h.Observe(0.5)
		}
	})
}
