package otlpsink

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTreeWaitsForItsSpans: a person asks once, right after the request.
func TestTreeWaitsForItsSpans(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("ab", 16)
	gateway := Span{TraceID: id, SpanID: "1", Name: "gateway", Kind: "server"}
	call := Span{TraceID: id, SpanID: "2", ParentSpanID: "1", Name: "call", Kind: "client"}
	service := Span{TraceID: id, SpanID: "3", ParentSpanID: "2", Name: "service", Kind: "server"}
	type export struct {
		at    time.Duration
		spans []Span
	}
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		target  string
		exports []export
		spans   int
		took    time.Duration
	}{
		"all there for long":          {"?format=text", []export{{-time.Second, []Span{gateway, call, service}}}, 3, 0},
		"all in one go, just now":     {"?format=text", []export{{0, []Span{gateway, call, service}}}, 3, quiet},
		"none there yet":              {"?format=text", []export{{200 * ms, []Span{gateway, call, service}}}, 3, 200*ms + quiet},
		"the first one comes last":    {"?format=text", []export{{0, []Span{call, service}}, {900 * ms, []Span{gateway}}}, 3, 900*ms + quiet},
		"continued from a client":     {"?format=text", []export{{0, []Span{call, service}}}, 2, quietBelow},
		"called and not answered yet": {"?format=text", []export{{0, []Span{gateway, call}}, {900 * ms, []Span{service}}}, 3, 900*ms + quiet},
		"late company":                {"?format=text", []export{{0, []Span{gateway}}, {300 * ms, []Span{call, service}}}, 3, 300*ms + quiet},
		"lost for good":               {"?format=text", []export{{0, []Span{gateway, call}}}, 2, textWait},
		"never heard of":              {"?format=text", nil, 0, textWait},
		"as long as it is told":       {"?format=text&wait=1s", []export{{0, []Span{gateway, call}}}, 2, time.Second},
		"not at all":                  {"?format=text&wait=0s", []export{{0, []Span{gateway, call}}}, 2, 0},
		"a program":                   {"", []export{{0, []Span{gateway, call}}}, 2, 0},
		"a program that waits":        {"?wait=2s", []export{{0, []Span{gateway, call}}, {900 * ms, []Span{service}}}, 3, 900*ms + quiet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := New()
				for _, e := range tt.exports {
					if e.at > 0 {
						time.AfterFunc(e.at, func() { s.store.add(e.spans) })
						continue
					}
					s.store.add(e.spans)
					time.Sleep(-e.at)
				}
				began, w := time.Now(), httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/traces/"+id+tt.target, nil))
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %s, want %s", took, tt.took)
				}
				if found := w.Code == http.StatusOK; found != (tt.spans > 0) {
					t.Errorf("status %d", w.Code)
				}
				if got := len(s.Trace(id)); got != tt.spans {
					t.Errorf("%d spans, want %d", got, tt.spans)
				}
			})
		})
	}
}

func TestBadWait(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"2", "soon", "-1s", "1h"} {
		w := httptest.NewRecorder()
		New().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/traces/x?wait="+wait, nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `wait is "`+wait+`"`) {
			t.Errorf("wait=%s: status %d, %s", wait, w.Code, w.Body)
		}
	}
}
