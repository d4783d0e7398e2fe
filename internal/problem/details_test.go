package problem_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		kind   string
	}{
		"details stay":           {fmt.Errorf("get page: %w", problem.NotFound("such order")), 404, problem.TypeNotFound},
		"an error that knows":    {fmt.Errorf("get page: %w", teapot{}), 418, "urn:test:teapot"},
		"time is up":             {fmt.Errorf("get page: %w", context.DeadlineExceeded), 504, problem.TypeUpstreamTimeout},
		"client has gone":        {fmt.Errorf("get page: %w", context.Canceled), 499, problem.TypeClientClosed},
		"anything else is inner": {errors.New("dial tcp 10.0.0.7: secret"), 500, problem.TypeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := problem.From(tc.err)
			if got.Status != tc.status || got.Type != tc.kind || got.Parameter != "" {
				t.Errorf("From(%v) = %+v, want status %d, type %s and no parameter", tc.err, got, tc.status, tc.kind)
			}
			if got.Title == "" || got.Detail == "" || strings.Contains(got.Detail, "secret") {
				t.Errorf("From(%v): title %q, detail %q: want both, and nothing of the inside", tc.err, got.Title, got.Detail)
			}
		})
	}
}

type teapot struct{}

func (teapot) Error() string { return "teapot" }

func (teapot) Problem() *problem.Details {
	return problem.New("urn:test:teapot", "Teapot", http.StatusTeapot, "Short and stout.")
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.Write(w, problem.InvalidParameter("limit", "limit is 0: set it to 1 to 50"))
	if w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, Content-Type %q", w.Code, w.Header().Get("Content-Type"))
	}
	want := `{"type":"urn:gatehouse:problem:invalid-parameter","title":"Invalid parameter","status":400,"detail":"limit is 0: set it to 1 to 50","parameter":"limit"}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		status  int
		cache   string
		logs    string
	}{
		"says nothing of caching": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 404, "no-store", ""},
		"says so itself": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
		}, 200, "private", ""},
		"panics": {func(http.ResponseWriter, *http.Request) { panic("boom") }, 500, "no-store", `"panic":"boom"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			w := httptest.NewRecorder()
			problem.Guard(tc.handler, slog.New(slog.NewJSONHandler(&logs, nil))).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.Code != tc.status || w.Header().Get("Cache-Control") != tc.cache {
				t.Errorf("status %d, Cache-Control %q, want %d, %q", w.Code, w.Header().Get("Cache-Control"), tc.status, tc.cache)
			}
			if !strings.Contains(logs.String(), tc.logs) {
				t.Errorf("log %q, want %s in it", logs.String(), tc.logs)
			}
		})
	}
}

func TestGuardLetsAbortThrough(t *testing.T) {
	t.Parallel()
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v, want http.ErrAbortHandler", err)
		}
	}()
	aborts := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	problem.Guard(aborts, slog.New(slog.DiscardHandler)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}
