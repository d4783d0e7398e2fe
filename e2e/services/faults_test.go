package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answering is a handler with f's faults before one that answers 200.
func answering(t *testing.T, f *faults, fault string) http.Handler {
	t.Helper()
	w := httptest.NewRecorder()
	f.handlePut(w, httptest.NewRequest(http.MethodPut, "/__faults", strings.NewReader(fault)))
	if w.Code != http.StatusNoContent {
		t.Fatalf("PUT %s: %d %s", fault, w.Code, w.Body)
	}
	return f.inject(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

// status asks h once; 0 means that it gave no answer.
func status(ctx context.Context, h http.Handler, path string) int {
	w := httptest.NewRecorder()
	w.Code = 0
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx))
	return w.Code
}

func TestFaultHits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault string
		paths []string
		want  []int
	}{
		"every path":    {`{"status":503}`, []string{"/v1/orders", "/"}, []int{503, 503}},
		"some paths":    {`{"status":503,"paths":["/v1/orders","/v3/"]}`, []string{"/v1/orders", "/v1/orders/1", "/v1/ordersx", "/v2/orders", "/v3/x", "/v3"}, []int{503, 503, 200, 200, 503, 200}},
		"every second":  {`{"status":503,"rate":0.5}`, []string{"/", "/", "/", "/"}, []int{503, 200, 503, 200}},
		"every third":   {`{"status":500,"rate":0.333}`, []string{"/", "/", "/", "/"}, []int{500, 200, 200, 200}},
		"rate of paths": {`{"status":503,"rate":0.5,"paths":["/a"]}`, []string{"/b", "/a", "/b", "/a", "/a"}, []int{200, 503, 200, 200, 503}},
		"no status":     {`{"latency_ms":1}`, []string{"/"}, []int{200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var f faults
				h := answering(t, &f, tc.fault)
				var got []int
				for _, path := range tc.paths {
					got = append(got, status(t.Context(), h, path))
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("statuses (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestFaultTakesTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  string
		lifted time.Duration // when DELETE /__faults comes
		took   time.Duration
		status int
	}{
		"late":                    {`{"latency_ms":50}`, time.Hour, 50 * time.Millisecond, 200},
		"late and wrong":          {`{"latency_ms":50,"status":502}`, time.Hour, 50 * time.Millisecond, 502},
		"late until lifted":       {`{"latency_ms":60000}`, time.Second, time.Second, 200},
		"hangs until lifted":      {`{"hang":true}`, time.Second, time.Second, 200},
		"hangs until given up":    {`{"hang":true}`, time.Hour, 10 * time.Second, 0},
		"late until given up":     {`{"latency_ms":60000}`, time.Hour, 10 * time.Second, 0},
		"late, and then it hangs": {`{"latency_ms":50,"hang":true}`, time.Second, time.Second, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var f faults
				h := answering(t, &f, tc.fault)
				lift := time.AfterFunc(tc.lifted, func() { f.handleDelete(httptest.NewRecorder(), nil) })
				defer lift.Stop()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				if got := status(ctx, h, "/"); got != tc.status || time.Since(start) != tc.took {
					t.Errorf("%d after %v, want %d after %v", got, time.Since(start), tc.status, tc.took)
				}
			})
		})
	}
}

func TestFaultIsReplacedAndLifted(t *testing.T) {
	t.Parallel()
	var f faults
	answering(t, &f, `{"status":503}`)
	h := answering(t, &f, `{"status":500}`)
	if got := status(t.Context(), h, "/"); got != 500 {
		t.Errorf("after the second PUT: %d, want 500", got)
	}
	f.handleDelete(httptest.NewRecorder(), nil)
	f.handleDelete(httptest.NewRecorder(), nil) // nothing left to lift
	if got := status(t.Context(), h, "/"); got != 200 {
		t.Errorf("after DELETE: %d, want 200", got)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	var f faults
	server := httptest.NewServer(answering(t, &f, `{"reset":true}`))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want a connection reset", err)
	}
	if got := status(t.Context(), answering(t, &f, `{"reset":true}`), "/"); got != 500 {
		t.Errorf("where the connection cannot be had: %d, want 500", got)
	}
}

func TestParseFaultErrors(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		``:                                  "read fault: EOF: send one JSON object",
		`[]`:                                "send one JSON object",
		`{"statsu":503}`:                    `unknown field "statsu"`,
		`{"status":503}{}`:                  "more than one JSON value",
		`{"status":200}`:                    "status is 200: set it to 400 to 599",
		`{"needs_ms":60001}`:                "needs_ms is 60001: set it to 0 to 60000",
		`{"latency_ms":-1}`:                 "latency_ms is -1: set it to 0 to 60000",
		`{"status":503,"rate":0}`:           "rate is 0: set it over 0",
		`{"status":503,"rate":1.5}`:         "rate is 1.5: set it over 0",
		`{"status":503,"paths":["orders"]}`: `paths has "orders": begin it with /`,
		`{"paths":["/v1"],"rate":1}`:        "fault does nothing: set latency_ms, needs_ms, status, hang, reset, redirect or body",
		`{"status":503,"pad_bytes":1}`:      "pad_bytes stand before body: set body",
		`{"body":"","pad_bytes":-1}`:        "pad_bytes is -1: set it to 0 to 1073741824",
	} {
		if _, err := parseFault(strings.NewReader(fault)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseFault(%s) = %v, want %s", fault, err, want)
		}
		var f faults
		w := httptest.NewRecorder()
		f.handlePut(w, httptest.NewRequest(http.MethodPut, "/__faults", strings.NewReader(fault)))
		if w.Code != http.StatusBadRequest || f.set != nil {
			t.Errorf("PUT %s: %d, fault %v; want 400 and none set", fault, w.Code, f.set)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add(`{"latency_ms":50,"status":503,"rate":1.0,"paths":["/v1/orders"],"hang":false,"reset":false}`)
	f.Add(`{"rate":1e-9,"reset":true}`)
	f.Add(`{"rate":null,"paths":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := parseFault(strings.NewReader(text))
		if err != nil {
			return
		}
		if s := fault.steps(); s < 1 || s > 1000 {
			t.Errorf("rate of %s is %d thousandths", text, s)
		}
	})
}

func TestPage(t *testing.T) {
	t.Parallel()
	items := []string{"e", "d", "c", "b", "a"}
	self := func(s string) string { return s }
	for name, tc := range map[string]struct {
		cursor string
		limit  int
		want   []string
		next   string
	}{
		"first":           {"", 2, []string{"e", "d"}, encodeCursor("d")},
		"middle":          {encodeCursor("d"), 2, []string{"c", "b"}, encodeCursor("b")},
		"last":            {encodeCursor("b"), 2, []string{"a"}, ""},
		"exactly the end": {encodeCursor("c"), 2, []string{"b", "a"}, ""},
		"after the end":   {encodeCursor("a"), 2, []string{}, ""},
		"all":             {"", 5, items, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, next, err := page(items, self, tc.cursor, tc.limit)
			if err != nil || next != tc.next {
				t.Errorf("next %q, error %v, want %q", next, err, tc.next)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
	for _, cursor := range []string{"x", encodeCursor("z"), encodeCursor(""), encodeCursor("d") + "\n", "YTpk="} {
		if _, _, err := page(items, self, cursor, 2); err == nil {
			t.Errorf("cursor %q: no error", cursor)
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	for _, seed := range []string{"", "x", encodeCursor("acme-1040"), encodeCursor(""), "YTpk\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		if id, err := decodeCursor(cursor); err == nil && encodeCursor(id) != cursor {
			t.Errorf("%q decodes to %q, whose cursor is %q", cursor, id, encodeCursor(id))
		}
	})
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for minor, want := range map[int64]string{129900: "1299.00", 5: "0.05", 0: "0.00", -1234: "-12.34", 100: "1.00"} {
		if got := decimal(minor); got != want {
			t.Errorf("decimal(%d) = %s, want %s", minor, got, want)
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	var c recorder
	h := c.record(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { r.Header.Set("X-Added", "later") }))
	for i := range maxRequests + 5 {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/v1/orders?n=%d", i), nil)
		r.Header.Set("Traceparent", fmt.Sprintf("00-%032x-00f067aa0ba902b7-01", i%2))
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	ask := func(query string) []Request {
		w := httptest.NewRecorder()
		c.handleGet(w, httptest.NewRequest(http.MethodGet, "/__requests?"+query, nil))
		var body struct{ Requests []Request }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
			t.Fatalf("GET /__requests?%s: %d, %v", query, w.Code, err)
		}
		return body.Requests
	}
	if all := ask("limit=1000"); len(all) != maxRequests || all[0].RawQuery != "n=1004" || all[999].RawQuery != "n=5" {
		t.Errorf("%d requests, from %+v: want the last 1000, newest first", len(all), all[0])
	}
	one := ask("limit=1&trace_id=" + fmt.Sprintf("%032x", 1))
	if len(one) != 1 || one[0].RawQuery != "n=1003" || one[0].Method != "GET" || one[0].Path != "/v1/orders" || one[0].Header.Get("X-Added") != "" {
		t.Errorf("of one trace: %+v, want n=1003 as it came in", one)
	}
	if none := ask("trace_id=0"); none == nil || len(none) != 0 {
		t.Errorf("of no trace: %v, want an empty list", none)
	}
	c.handleDelete(httptest.NewRecorder(), nil)
	if left := ask(""); len(left) != 0 {
		t.Errorf("after DELETE: %v", left)
	}
	w := httptest.NewRecorder()
	c.handleGet(w, httptest.NewRequest(http.MethodGet, "/__requests?limit=0", nil))
	if w.Code != http.StatusBadRequest {
		t.Errorf("limit=0: %d, want 400", w.Code)
	}
}
