package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehousehq/gatehouse/bff/metrics"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// waits asks for a page of acme's, as a gateway does that says how long the client waits.
func waits(h http.Handler, target, ms string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"u1"}, "Request-Timeout": {ms}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// received is what a service got.
func (s *system) received(t *testing.T, service string) (list []services.Request) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.services[service].URL+"/__requests?limit=1000", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Requests []services.Request }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Requests
}

// exposed is what the web BFF has counted.
func (s *system) exposed() string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestPagesKeepTheTimeOfTheClient: on every page, services get what the gateway says less
// the reserve, and the page is there in that time, whole or not.
func TestPagesKeepTheTimeOfTheClient(t *testing.T) {
	t.Parallel()
	const slack = 700 * time.Millisecond // for a busy machine
	for name, tc := range map[string]struct {
		page, wait string
		most       int // milliseconds that orders get
		hangs      string
		status     int
		says       string
		took       time.Duration // at least; less than what it would take with the time of ours
	}{
		"short":            {"/web/v1/dashboard", "400", 300, "", 200, `"degraded":[]`, 0},
		"short, degraded":  {"/web/v1/dashboard", "400", 300, services.Billing, 200, `"degraded":["billing"]`, 200 * time.Millisecond},
		"short, fails":     {"/mobile/v1/home", "400", 300, services.Users, 504, `"upstream":"users"`, 300 * time.Millisecond},
		"longer than ours": {"/mobile/v1/orders", "9000", 1500, "", 200, `"orders":`, 0},
		"nonsense":         {"/mobile/v1/orders", "soon", 1500, "", 200, `"orders":`, 0},
		"no time at all":   {"/mobile/v1/home", "100", 0, "", 504, problem.TypeTooLittleTime, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			if tc.hangs != "" {
				s.fault(t, tc.hangs, `{"hang":true}`)
			}
			h := s.mobile
			if strings.HasPrefix(tc.page, "/web") {
				h = s.web
			}
			began := time.Now()
			w := waits(h, tc.page, tc.wait)
			if took := time.Since(began); took < tc.took || took > tc.took+slack {
				t.Errorf("took %v, want %v and at most %v more", took, tc.took, slack)
			}
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tc.status, tc.says)
			}
			if w.Code == http.StatusGatewayTimeout && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			calls := s.received(t, services.Orders)
			if (len(calls) == 0) != (tc.most == 0) {
				t.Fatalf("orders received %d calls", len(calls))
			}
			for _, call := range calls {
				if left, err := strconv.Atoi(call.Header.Get("Request-Timeout")); err != nil || left > tc.most || left < tc.most-200 {
					t.Errorf("orders have %d ms, %v, want %d", left, err, tc.most)
				}
			}
		})
	}
}

// TestCallersWithoutTimeHarmNobody: pages that had too little time for healthy services
// leave the circuits closed for all others.
func TestCallersWithoutTimeHarmNobody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ page, wait, fault string }{
		"hardly any":             {"/web/v1/dashboard", "101", `{"latency_ms":1}`},
		"less than a slow one's": {"/mobile/v1/orders", "130", `{"latency_ms":200}`},
		"enough for all others":  {"/mobile/v1/home", "130", `{"latency_ms":200}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.fault(t, services.Orders, tc.fault)
			h := s.mobile
			if strings.HasPrefix(tc.page, "/web") {
				h = s.web
			}
			for range 40 {
				if w := waits(h, tc.page, tc.wait); w.Code != http.StatusGatewayTimeout {
					t.Fatalf("%d %s, want a 504", w.Code, w.Body)
				}
			}
			if w := waits(h, tc.page, "1600"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"degraded":["`) {
				t.Errorf("a page with time: %d %s, want it whole", w.Code, w.Body)
			}
		})
	}
}

// TestCoalescedPages: one user's pages at the same time cost each service one request, and
// nobody gets another's page.
func TestCoalescedPages(t *testing.T) {
	t.Parallel()
	const each = 10
	users := [][2]string{{"acme", "u1"}, {"acme", "u2"}, {"globex", "u1"}}
	for coalesce, want := range map[bool]int{true: len(users), false: each * len(users)} {
		t.Run(strconv.FormatBool(coalesce), func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, func(c *config) { c.coalesce = coalesce })
			s.fault(t, services.Orders, `{"latency_ms":400}`)
			var group sync.WaitGroup
			bodies := make([]string, each*len(users))
			for i := range bodies {
				group.Go(func() {
					r := httptest.NewRequest(http.MethodGet, "/web/v1/dashboard", nil)
					r.Header = http.Header{"X-Tenant-Id": {users[i%len(users)][0]}, "X-User-Id": {users[i%len(users)][1]}}
					w := httptest.NewRecorder()
					s.web.ServeHTTP(w, r)
					bodies[i] = w.Body.String()
				})
			}
			group.Wait()
			if got := len(s.received(t, services.Orders)); got != want {
				t.Errorf("orders received %d requests, want %d", got, want)
			}
			for i, body := range bodies {
				if first := bodies[i%len(users)]; body != first || !strings.Contains(body, `"degraded":[]`) {
					t.Errorf("user %v got %s, and %s", users[i%len(users)], body, first)
				}
			}
			if bodies[0] == bodies[1] || bodies[0] == bodies[2] {
				t.Error("two users have the same page")
			}
			shared := `gatehouse_bff_upstream_shared_total{upstream="orders"} ` + strconv.Itoa(len(bodies)-want)
			if text := s.exposed(); !strings.Contains(text, shared+"\n") {
				t.Errorf("%s is missing in\n%s", shared, text)
			}
		})
	}
}

// TestTooManyAtOnce: those beyond the limit are refused at once, and health is not a page.
func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, func(c *config) { c.maxInFlight = 3 })
	s.fault(t, services.Orders, `{"latency_ms":500}`)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if w := get(s.web, "/web/v1/dashboard", "acme"); w.Code != http.StatusOK {
				t.Errorf("within the limit: %d %s", w.Code, w.Body)
			}
		})
	}
	eventually(t, "three requests", func() bool { return strings.Contains(s.exposed(), "gatehouse_bff_requests_in_flight 3\n") })
	w := get(s.web, "/web/v1/dashboard", "acme")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), problem.TypeOverloaded) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	group.Wait()
	for _, line := range []string{
		`gatehouse_bff_requests_total{code="200",route="/web/v1/dashboard"} 3`,
		`gatehouse_bff_requests_total{code="503",route="/web/v1/dashboard"} 1`,
		"gatehouse_bff_overloaded_total 1", "gatehouse_bff_requests_in_flight 0",
	} {
		if text := s.exposed(); !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

// TestMetricsOfFaults: what went wrong is counted, and no text of a client's is a label.
func TestMetricsOfFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.fault(t, services.Billing, `{"status":503}`)
	for i := range 25 {
		get(s.web, "/web/v1/dashboard", "tenant-"+strconv.Itoa(i))
		get(s.web, "/nothing/"+strconv.Itoa(i), "acme")
	}
	text := s.exposed()
	for _, line := range []string{
		`gatehouse_bff_requests_total{code="404",route="none"} 25`,
		`gatehouse_bff_requests_total{code="200",route="/web/v1/dashboard"} 25`,
		`gatehouse_bff_degraded_parts_total{part="billing"} 25`,
		`gatehouse_bff_upstream_calls_total{outcome="ok",upstream="orders"} 25`,
		`gatehouse_bff_upstream_circuit{state="open",upstream="billing"} 1`,
		`gatehouse_bff_upstream_circuit{state="closed",upstream="orders"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
	for _, word := range []string{"tenant-", "nothing", "acme"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is in the metrics", word)
		}
	}
	if strings.Contains(text, `gatehouse_bff_upstream_retries_total{upstream="billing"} 0`) {
		t.Error("no retry was counted")
	}
}

// BenchmarkBounds is what bounds and metrics cost a page, without its calls.
func BenchmarkBounds(b *testing.B) {
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	cfg := config{reserve: 100 * time.Millisecond, maxInFlight: 256}
	bounded := bounds(cfg, metrics.New(prometheus.NewRegistry(), serviceNames), slog.New(slog.DiscardHandler))(page,
		func(*http.Request) string { return "/web/v1/dashboard" })
	for name, h := range map[string]http.Handler{"without": page, "with": bounded} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/web/v1/dashboard", nil)
			r.Header.Set("Request-Timeout", "1600")
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
