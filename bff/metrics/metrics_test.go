package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehousehq/gatehouse/bff/metrics"
	"github.com/gatehousehq/gatehouse/internal/golden"
)

func exposed(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestMetrics holds names, labels, help and buckets to what dashboards and alerts use.
func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, []string{"orders"})
	m.InFlight(func() int { return 3 }, 512)
	m.Called(t.Context(), "orders", "circuit_open", 30*time.Millisecond)
	m.Called(t.Context(), "orders", "ok", 60*time.Millisecond)
	m.Retried("orders")
	m.Hedged("orders")
	m.Circuit("orders", "open")
	m.Degraded("billing")
	m.Overloaded()
	m.InvalidTimeout()
	golden.Check(t, "testdata/metrics.txt", exposed(t, registry))
}

// TestHandler: whatever is asked for, routes are few, and a panic counts as it is answered.
func TestHandler(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	patterns := map[string]string{"/web/v1/dashboard": "/web/v1/dashboard", "/users/u1": "/users/{id}", "/users/u2": "/users/{id}", "/a": "", "/b": ""}
	route := func(r *http.Request) string { return patterns[r.URL.Path] }
	h := metrics.New(registry, nil).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route(r) == "" {
			w.WriteHeader(http.StatusNotFound)
			w.WriteHeader(http.StatusOK) // does nothing
			return
		}
		_, _ = io.WriteString(w, "a page")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), route)
	for path := range patterns {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	text := exposed(t, registry)
	for _, line := range []string{
		`gatehouse_bff_requests_total{code="200",route="/web/v1/dashboard"} 1`,
		`gatehouse_bff_requests_total{code="200",route="/users/{id}"} 2`,
		`gatehouse_bff_requests_total{code="404",route="none"} 2`,
		`gatehouse_bff_request_duration_seconds_count{route="none"} 2`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

// TestPool: connections are counted from when they are opened until they are closed, and
// requests while they wait.
func TestPool(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, []string{"orders"})
	waiting, answer := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		waiting <- struct{}{}
		<-answer
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{DialContext: http.DefaultTransport.(*http.Transport).DialContext}
	pool := m.Watch(transport, map[string]string{server.Listener.Addr().String(): "orders"})
	holds := func(when string, lines ...string) {
		t.Helper()
		text := exposed(t, registry)
		for _, line := range lines {
			if !strings.Contains(text, "gatehouse_bff_upstream_"+line+"\n") {
				t.Errorf("%s: %s is missing in\n%s", when, line, text)
			}
		}
	}
	done := make(chan error)
	for range 2 {
		go func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
			if err != nil {
				done <- err
				return
			}
			resp, err := pool.RoundTrip(r)
			if err == nil {
				pool.Shared(r)
				_, _ = io.Copy(io.Discard, resp.Body)
				err = resp.Body.Close()
			}
			done <- err
		}()
	}
	<-waiting
	<-waiting
	holds("under way", `connections{state="open",upstream="orders"} 2`, `connections{state="in_use",upstream="orders"} 2`, `dials_total{upstream="orders"} 2`)
	close(answer)
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	holds("answered", `connections{state="open",upstream="orders"} 2`, `connections{state="in_use",upstream="orders"} 0`, `shared_total{upstream="orders"} 2`)
	for range 1000 { // a connection is idle a moment after its answer was read
		transport.CloseIdleConnections()
		if strings.Contains(exposed(t, registry), `connections{state="open",upstream="orders"} 0`) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	holds("closed", `connections{state="open",upstream="orders"} 0`, `dials_total{upstream="orders"} 2`)
}
