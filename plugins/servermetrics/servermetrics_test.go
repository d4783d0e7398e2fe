package servermetrics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
	"github.com/gatehousehq/gatehouse/plugins/servermetrics"
)

type config struct{}

func (*config) Access(*pdk.PDK) {}
func (*config) Log(*pdk.PDK)    {}

func newServer(t *testing.T, meter instrument.Meter) {
	t.Helper()
	_, err := pluginserver.New(pluginserver.Options{Meter: meter}, pluginserver.Plugin{Name: "hello", Version: "1.0.0", New: func() any { return &config{} }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMetrics holds names, labels, help and buckets to what dashboards and alerts use.
func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	newServer(t, servermetrics.New(registry))
	golden.Check(t, "testdata/metrics.txt", exposed(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
}

// TestWithoutALibrary has the meter of StartServer expose the same.
func TestWithoutALibrary(t *testing.T) {
	t.Parallel()
	var registry instrument.Registry
	newServer(t, &registry)
	golden.Check(t, "testdata/metrics.txt", exposed(t, &registry))
}

// traced is a plugin that knows in which trace its requests are.
type traced struct{}

func (*traced) AccessContext(ctx context.Context, _ *pdk.PDK) {
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	pluginserver.InTrace(derived, "4bf92f3577b34da6a3ce929d0e0e4736")
	pluginserver.InTrace(context.Background(), "of no event")
}

// TestInTrace: the time that an event takes is observed in the trace that it names, by a
// meter that knows exemplars, and by one that does not.
func TestInTrace(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	var plain instrument.Registry
	for name, tc := range map[string]struct {
		meter   instrument.Meter
		handler http.Handler
		want    string // a regular expression
	}{
		"Prometheus":        {servermetrics.New(registry), promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}), `_event_duration_seconds_bucket\{phase="access",plugin="traced",le="[^"]+"\} 1 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\} `},
		"without a library": {&plain, &plain, `_event_duration_seconds_bucket\{phase="access",plugin="traced",le="60"\} 1\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := pluginserver.New(pluginserver.Options{Meter: tc.meter}, pluginserver.Plugin{Name: "traced", Version: "1.0.0", New: func() any { return &traced{} }})
			if err != nil {
				t.Fatal(err)
			}
			ln, err := listen.Unix(filepath.Join(t.TempDir(), "s"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- srv.Serve(ctx, ln) }()
			kong := kongtest.NewClient(ln.Addr().String())
			id, err := kong.StartInstance("traced", map[string]any{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := kong.HandleEvent(id, "access", kongtest.Request{}); err != nil {
				t.Fatal(err)
			}
			if err := kong.Close(); err != nil {
				t.Error(err)
			}
			stop()
			if err := <-served; err != nil {
				t.Error(err)
			}
			w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
			tc.handler.ServeHTTP(w, r)
			if text := w.Body.String(); !regexp.MustCompile(tc.want).MatchString(text) {
				t.Errorf("want %s in\n%s", tc.want, text)
			}
		})
	}
}

func exposed(t *testing.T, handler http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type: %s", kind)
	}
	return w.Body.String()
}
