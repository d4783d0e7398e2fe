package servermetrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
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

func exposed(t *testing.T, handler http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type: %s", kind)
	}
	return w.Body.String()
}
