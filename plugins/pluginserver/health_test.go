package pluginserver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
)

// TestReady: what the program has against requests is what /readyz says, and no reason
// to end it.
func TestReady(t *testing.T) {
	t.Parallel()
	var why error
	srv, err := New(Options{Ready: func() error { return why }}, accessPlugin(func(*pdk.PDK) {}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		serving bool
		why     error
		status  int
		body    string
	}{
		{false, nil, http.StatusServiceUnavailable, "not serving\n"},
		{false, errors.New("disk full"), http.StatusServiceUnavailable, "not serving\n"},
		{true, errors.New("disk full"), http.StatusServiceUnavailable, "disk full\n"},
		{true, nil, http.StatusOK, "ok\n"},
	} {
		srv.ready.Store(tt.serving)
		why = tt.why
		for path, want := range map[string]int{"/readyz": tt.status, "/healthz": http.StatusOK} {
			w := httptest.NewRecorder()
			srv.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if w.Code != want || path == "/readyz" && w.Body.String() != tt.body {
				t.Errorf("serving %v, %v: %s answers %d %q, want %d %q", tt.serving, tt.why, path, w.Code, w.Body, want, tt.body)
			}
		}
	}
}

// TestTroubles: what is wrong and keeps nobody from serving stands below ok.
func TestTroubles(t *testing.T) {
	t.Parallel()
	var lines []string
	srv, err := New(Options{Troubles: func() []string { return lines }}, accessPlugin(func(*pdk.PDK) {}))
	if err != nil {
		t.Fatal(err)
	}
	srv.ready.Store(true)
	for want, troubles := range map[string][]string{"ok\n": nil, "ok\none\ntwo\n": {"one", "two"}} {
		lines = troubles
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%q: /readyz answers %d %q, want 200 %q", troubles, w.Code, w.Body, want)
		}
	}
}

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
