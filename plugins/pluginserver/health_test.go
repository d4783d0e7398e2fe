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
