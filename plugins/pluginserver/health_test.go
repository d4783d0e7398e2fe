package pluginserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
)

func TestProfilingIsAnOption(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		srv, err := New(Options{Profiling: on}, accessPlugin(func(*pdk.PDK) {}))
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			"/debug/pprof/":                  "goroutine?debug=1",
			"/debug/pprof/goroutine?debug=1": "goroutine profile: total",
			"/debug/pprof/heap":              "\x1f\x8b", // gzip
			"/debug/pprof/nothing":           "",
		} {
			w := httptest.NewRecorder()
			srv.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if found := on && want != ""; (w.Code == http.StatusOK) != found {
				t.Errorf("profiling %v: %s answers %d", on, path, w.Code)
			} else if found && !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s answers %.80q, want %q in it", path, w.Body, want)
			}
		}
	}
}

// TestMetricsAreThere holds the names to what dashboards and alerts use.
func TestMetricsAreThere(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	families, err := srv.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range families {
		got[strings.TrimPrefix(f.GetName(), "gatehouse_pluginserver_")] = true
	}
	for _, name := range []string{
		"events_total", "event_duration_seconds", "event_pdk_calls", "events_running", "event_waits_total", "panics_total",
		"pdk_calls_total", "abandoned_handlers", "instances", "instance_start_failures_total", "connections", "accept_waits_total",
		"bad_frames_total", "connection_timeouts_total", "connections_cut_total", "log_lines_suppressed_total",
	} {
		if !got[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}
