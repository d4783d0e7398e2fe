package inflight_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/bff/inflight"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, asked = 5, 12
		refusals := 0
		l := inflight.New(most, func() { refusals++ })
		slow := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second) // the bubble's time
			w.WriteHeader(http.StatusOK)
		}))
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			slow.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			return w
		}
		var group sync.WaitGroup
		for range most {
			group.Go(func() {
				if w := ask(); w.Code != http.StatusOK {
					t.Errorf("within the limit: %d", w.Code)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		for range asked - most {
			w := ask()
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || w.Header().Get("Cache-Control") != "no-store" ||
				!strings.Contains(w.Body.String(), problem.TypeOverloaded) {
				t.Errorf("beyond it: %d %v %s", w.Code, w.Header(), w.Body)
			}
		}
		if took := time.Since(began); took > 0 || l.Now() != most || refusals != asked-most {
			t.Errorf("after %v there are %d requests and %d were refused, want %d and %d at once", took, l.Now(), refusals, most, asked-most)
		}
		group.Wait()
		if w := ask(); w.Code != http.StatusOK || l.Now() != 0 {
			t.Errorf("afterwards: %d, and %d requests are left", w.Code, l.Now())
		}
	})
}

// TestLimitSurvivesPanics: a request that is over is not counted, however it ended.
func TestLimitSurvivesPanics(t *testing.T) {
	t.Parallel()
	l := inflight.New(1, func() {})
	h := l.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	for range 3 {
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}()
	}
	if l.Now() != 0 {
		t.Errorf("%d requests are left", l.Now())
	}
}
