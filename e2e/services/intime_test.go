package services

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
)

func TestInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault, path, wait string
		refused           bool
	}{
		"time enough":           {"", "/v2/orders", "1500", false},
		"just enough":           {"", "/v2/orders", "5", false},
		"too little":            {"", "/v2/orders", "4", true},
		"not said":              {"", "/v2/orders", "", false},
		"said wrong":            {"", "/v2/orders", "0", false},
		"it needs more":         {`{"needs_ms":800}`, "/v2/orders", "799", true},
		"and has it":            {`{"needs_ms":800}`, "/v2/orders", "800", false},
		"another path needs it": {`{"needs_ms":800,"paths":["/v1"]}`, "/v2/orders", "799", false},
		"a fault in its place":  {`{"status":503}`, "/v2/orders", "4", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f faults
			asked := false
			h := f.inTime(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
			if tc.fault != "" {
				answering(t, &f, tc.fault)
			}
			r := httptest.NewRequest(http.MethodGet, tc.path, nil)
			if tc.wait != "" {
				r.Header.Set(requesttimeout.Header, tc.wait)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			refused := w.Code == http.StatusGatewayTimeout && strings.Contains(w.Body.String(), problem.TypeTooLittleTime)
			if refused != tc.refused || asked == tc.refused {
				t.Errorf("%d %s, asked %t; want it refused: %t", w.Code, w.Body, asked, tc.refused)
			}
		})
	}
}
