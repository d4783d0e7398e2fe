package timeleft_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
)

const ms = time.Millisecond

func TestHandler(t *testing.T) {
	t.Parallel()
	const most, reserve = 1500 * ms, 100 * ms
	for name, tc := range map[string]struct {
		header  []string
		left    time.Duration // 0: answered with a 504
		invalid int
	}{
		"no header":          {nil, most, 0},
		"less than the most": {[]string{"600"}, 500 * ms, 0},
		"the route's":        {[]string{"1600"}, most, 0},
		"more than the most": {[]string{"99999999"}, most, 0},
		"hardly any":         {[]string{"101"}, ms, 0},
		"the reserve":        {[]string{"100"}, 0, 0},
		"less than it":       {[]string{"1"}, 0, 0},
		"zero":               {[]string{"0"}, most, 1},
		"negative":           {[]string{"-600"}, most, 1},
		"text":               {[]string{"1.6s"}, most, 1},
		"huge":               {[]string{strings.Repeat("9", 1000)}, most, 1},
		"twice":              {[]string{"600", "700"}, most, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var left, later time.Duration
				page := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					left = timeleft.Of(r.Context(), most)
					time.Sleep(ms) // the bubble's time
					later = timeleft.Of(r.Context(), time.Hour)
				})
				var logs bytes.Buffer
				invalid := 0
				h := timeleft.Handler(page, timeleft.Options{Reserve: reserve, Invalid: func() { invalid++ }, Logger: slog.New(slog.NewJSONHandler(&logs, nil))})
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header[requesttimeout.Header] = tc.header
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if left != tc.left || invalid != tc.invalid {
					t.Errorf("%v left and %d invalid, want %v and %d", left, invalid, tc.left, tc.invalid)
				}
				if refused := tc.left == 0; refused != (w.Code == http.StatusGatewayTimeout && strings.Contains(w.Body.String(), problem.TypeTooLittleTime)) {
					t.Errorf("%d %s, refused should be %t", w.Code, w.Body, refused)
				}
				if tc.left == 0 && w.Header().Get("Cache-Control") != etag.NoStore {
					t.Errorf("Cache-Control %q, want %q", w.Header().Get("Cache-Control"), etag.NoStore)
				}
				if tc.header != nil && tc.invalid == 0 && tc.left == 500*ms && later != left-ms {
					t.Errorf("a millisecond later %v are left, want %v", later, left-ms)
				}
				if (tc.invalid > 0) != strings.Contains(logs.String(), "Request-Timeout") || logs.Len() > 400 {
					t.Errorf("log %q", logs.String())
				}
			})
		})
	}
}

// TestInvalidIsLoggedOnceASecond: a gateway that is set wrong says it with every request.
func TestInvalidIsLoggedOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		invalid := 0
		h := timeleft.Handler(http.NotFoundHandler(), timeleft.Options{Invalid: func() { invalid++ }, Logger: slog.New(slog.NewJSONHandler(&logs, nil))})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(requesttimeout.Header, "soon")
		for range 100 {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if lines := strings.Count(logs.String(), "\n"); lines != 1 || invalid != 100 {
			t.Errorf("%d lines and %d counted, want 1 and 100", lines, invalid)
		}
	})
}
