package exemplar_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
			exemplar.New([]float64{1}).Observe(tc.ctx, h, 0.5)
			if text := exposed(registry); !strings.Contains(text, `took_seconds_bucket{le="1.0"} 1`+tc.want) {
				t.Errorf("want a bucket with %q in\n%s", tc.want, text)
			}
		})
	}
}

func exposed(registry *prometheus.Registry) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	return w.Body.String()
}

// TestKeep: each bucket of each histogram goes on naming a trace for a second, and no
// value is lost meanwhile.
func TestKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "took_seconds", Buckets: []float64{1, 2}}, []string{"of"})
		registry.MustRegister(vec)
		h := exemplar.New([]float64{1, 2})
		wants := func(when string, buckets ...string) {
			t.Helper()
			text := exposed(registry)
			for _, bucket := range buckets {
				if !strings.Contains(text, "took_seconds_bucket{"+bucket) {
					t.Errorf("%s: want %s in\n%s", when, bucket, text)
				}
			}
		}
		h.ObserveIn("a", vec.WithLabelValues("x"), 1) // a bound is in its bucket
		h.ObserveIn("b", vec.WithLabelValues("x"), 0.5)
		h.ObserveIn("c", vec.WithLabelValues("x"), 7)
		h.ObserveIn("d", vec.WithLabelValues("y"), 0.5)
		wants("at once", `of="x",le="1.0"} 2 # {trace_id="a"}`, `of="x",le="+Inf"} 3 # {trace_id="c"}`, `of="y",le="1.0"} 1 # {trace_id="d"}`)
		time.Sleep(time.Second)
		h.ObserveIn("e", vec.WithLabelValues("x"), 0.5)
		wants("a second later", `of="x",le="1.0"} 3 # {trace_id="e"}`, `of="x",le="+Inf"} 4 # {trace_id="c"}`)
	})
}

func BenchmarkObserve(b *testing.B) {
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Buckets: prometheus.DefBuckets})
	h := exemplar.New(prometheus.DefBuckets)
	sampled, not := within(trace.FlagsSampled, traceID), within(0, traceID)
	for name, observe := range map[string]func(){
		"sampled":           func() { h.Observe(sampled, histogram, 0.5) },
		"not sampled":       func() { h.Observe(not, histogram, 0.5) },
		"without exemplars": func() { histogram.Observe(0.5) },
		"each named": func() {
			histogram.(prometheus.ExemplarObserver).ObserveWithExemplar(0.5, prometheus.Labels{"trace_id": traceID.String()})
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				observe()
			}
		})
	}
}
