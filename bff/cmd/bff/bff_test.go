package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehousehq/gatehouse/bff/metrics"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// system is both BFFs, mobile twice, in front of the four sample services, over loopback,
// all traced by one recorder.
type system struct {
	web, mobile, replica http.Handler
	services             map[string]*httptest.Server
	spans                *tracetest.SpanRecorder
	metrics              *prometheus.Registry // of web
}

// newSystem starts the services. edits are made to the configuration of each BFF.
func newSystem(t *testing.T, edits ...func(*config)) *system {
	t.Helper()
	s := &system{services: make(map[string]*httptest.Server), spans: tracetest.NewSpanRecorder()}
	tel := telemetry.With(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans)))
	logger := slog.New(slog.DiscardHandler)
	urls := make(map[string]string)
	for _, name := range services.Names() {
		h, err := services.New(name, services.Options{Telemetry: tel, Logger: logger})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/", h.API)
		mux.Handle("/__faults", h.Control)
		mux.Handle("/__requests", h.Control)
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		s.services[name], urls[name] = server, server.URL
	}
	for handler, name := range map[*http.Handler]string{&s.web: "web", &s.mobile: "mobile", &s.replica: "mobile"} {
		var err error
		cfg := config{
			kind: kinds[name], services: urls, budget: 1500 * time.Millisecond, reserve: 100 * time.Millisecond,
			maxInFlight: 512, cursorKeys: [][]byte{make([]byte, 32)},
		}
		for _, edit := range edits {
			edit(&cfg)
		}
		registry := prometheus.NewRegistry()
		measured := metrics.New(registry, serviceNames)
		transport := upstream.NewTransport()
		t.Cleanup(transport.CloseIdleConnections)
		if *handler, err = newHandler(cfg, tel, measured.Watch(transport, hosts(urls)), measured, logger); err != nil {
			t.Fatal(err)
		}
		if name == "web" {
			s.metrics = registry
		}
	}
	return s
}

// fault sets a fault of a service, in the form of PUT /__faults.
func (s *system) fault(t *testing.T, service, fault string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.services[service].URL+"/__faults", strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("PUT /__faults: %d", resp.StatusCode)
	}
}

func get(h http.Handler, target, tenant string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = http.Header{"X-Tenant-Id": {tenant}, "X-User-Id": {"u1"}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// acmeU3 asks as the gateway does for a user of a tenant.
type acmeU3 struct{}

func (acmeU3) Bearer(_ context.Context, _ string, r *http.Request) error {
	r.Header.Set("X-Tenant-Id", "acme")
	r.Header.Set("X-User-Id", "u3")
	return nil
}

// handled is a client's transport that asks a handler, without a network.
type handled struct{ http.Handler }

func (h handled) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestPages holds each page to its contract, through the generated client, and
// to a golden file.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	web, err := webapi.NewClient("http://web", acmeU3{}, webapi.WithClient(handled{s.web}))
	if err != nil {
		t.Fatal(err)
	}
	mobile, err := mobileapi.NewClient("http://mobile", acmeU3{}, mobileapi.WithClient(handled{s.mobile}))
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := web.GetDashboard(t.Context(), webapi.GetDashboardParams{})
	if err != nil {
		t.Fatal(err)
	}
	golden.CheckJSON(t, "testdata/dashboard.json", &dashboard.(*webapi.DashboardHeaders).Response)
	home, err := mobile.GetHome(t.Context(), mobileapi.GetHomeParams{})
	if err != nil {
		t.Fatal(err)
	}
	golden.CheckJSON(t, "testdata/home.json", &home.(*mobileapi.HomeHeaders).Response)
	page, err := mobile.ListOrders(t.Context(), mobileapi.ListOrdersParams{Limit: mobileapi.NewOptInt(2)})
	if err != nil {
		t.Fatal(err)
	}
	page.Response.NextCursor.SetTo("sealed") // another each time
	golden.CheckJSON(t, "testdata/orders.json", &page.Response)
}

// TestMobileIsSmaller is why there is a BFF for each client.
func TestMobileIsSmaller(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	dashboard := get(s.web, "/web/v1/dashboard", "acme").Body.Len()
	home := get(s.mobile, "/mobile/v1/home", "acme").Body.Len()
	if home == 0 || 4*home > dashboard {
		t.Errorf("the home screen has %d bytes, the dashboard %d: want at most a quarter", home, dashboard)
	}
}

// TestMobileOrdersWalk reads every page, by cursors that come from the service, and
// each from another of two processes than the one before.
func TestMobileOrdersWalk(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	seen := make(map[string]bool)
	here, there := s.mobile, s.replica
	target := "/mobile/v1/orders?limit=15"
	for pages := 1; ; pages++ {
		var page mobileapi.OrderPage
		if err := page.UnmarshalJSON(get(here, target, "globex").Body.Bytes()); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Orders {
			seen[item.ID] = true
		}
		if !page.NextCursor.Set {
			if pages != 3 || len(seen) != 40 {
				t.Errorf("%d orders on %d pages, want 40 on 3", len(seen), pages)
			}
			return
		}
		target = "/mobile/v1/orders?limit=15&cursor=" + page.NextCursor.Value
		here, there = there, here
	}
}

func TestUnknownTenantSeesEmptyPages(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	want := `{"orders":{"recent":[],"counts":{"total":0,"open":0}},"billing":{"balance":{"amount_minor":0,"currency":"EUR"},"open_invoices":0,"overdue_invoices":0},"notifications":{"unread":0,"latest":[]},"degraded":[]}`
	if w := get(s.web, "/web/v1/dashboard", "umbrella"); w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	if w := get(s.mobile, "/mobile/v1/home", "umbrella"); w.Code != 200 || strings.Contains(w.Body.String(), "acme") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestSpans asks for one dashboard: one server span for it, a client span for
// each call, under it, and a server span under each of those.
func TestSpans(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	if w := get(s.web, "/web/v1/dashboard", "acme"); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, server := range s.services {
		server.Close() // waits for their spans
	}
	names := make(map[string]string) // by span id
	for _, span := range s.spans.Ended() {
		names[span.SpanContext().SpanID().String()] = span.Name()
	}
	var got []string
	for _, span := range s.spans.Ended() {
		got = append(got, names[span.Parent().SpanID().String()]+" > "+span.Name())
	}
	slices.Sort(got)
	want := []string{
		" > GET /web/v1/dashboard",
		"GET /web/v1/dashboard > GET", "GET /web/v1/dashboard > GET", "GET /web/v1/dashboard > GET", "GET /web/v1/dashboard > GET",
		"GET > GET /v1/notifications", "GET > GET /v1/summary", "GET > GET /v1/users/{user_id}", "GET > GET /v2/orders",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parent > span (-want +got):\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		service, fault string
		status         int
		body           string
	}{
		"billing answers 503":         {services.Billing, `{"status":503}`, 200, `"degraded":["billing"]`},
		"billing hangs":               {services.Billing, `{"hang":true}`, 200, `"degraded":["billing"]`},
		"notifications resets":        {services.Notifications, `{"reset":true}`, 200, `"degraded":["notifications"]`},
		"notifications a bit late":    {services.Notifications, `{"latency_ms":20}`, 200, `"degraded":[]`},
		"orders fail every other":     {services.Orders, `{"status":503,"rate":0.5}`, 200, `"degraded":[]`},
		"orders answer 503":           {services.Orders, `{"status":503}`, 502, `"upstream":"orders"`},
		"orders answer 500":           {services.Orders, `{"status":500}`, 502, `"upstream":"orders"`},
		"orders hang":                 {services.Orders, `{"hang":true}`, 504, `"upstream":"orders"`},
		"users reset":                 {services.Users, `{"reset":true}`, 502, `"upstream":"users"`},
		"another version of orders":   {services.Orders, `{"status":503,"paths":["/v1/orders"]}`, 200, `"degraded":[]`},
		"billing forbids the call":    {services.Billing, `{"status":403}`, 200, `"degraded":["billing"]`},
		"users say there is no user ": {services.Users, `{"status":404}`, 200, `{"orders":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.fault(t, tc.service, tc.fault)
			w := get(s.web, "/web/v1/dashboard", "acme")
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tc.status, tc.body)
			}
			var problem webapi.Problem
			if tc.status >= 500 && problem.UnmarshalJSON(w.Body.Bytes()) != nil {
				t.Errorf("%s is no problem of the contract", w.Body)
			}
		})
	}
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	lines := &lineBuffer{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	variables := []string{"BFF_ADDR=127.0.0.1:0", "BFF_STATUS_ADDR=127.0.0.1:0", "BFF_TLS=insecure"}
	for name, server := range s.services {
		variables = append(variables, strings.ToUpper(name)+"_URL="+server.URL)
	}
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"web"}, env(variables...), io.Discard, lines) }()
	base := "http://" + lines.wait(t, "listening")["addr"].(string)

	for target, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/web/v1/dashboard": 401, "/nothing": 404} {
		if got, err := statusOf(t, base+target); err != nil || got != want {
			t.Errorf("GET %s: %d, %v, want %d", target, got, err, want)
		}
	}
	for target, want := range map[string]int{"/readyz": 0, "/nothing": 1} {
		if got := run(t.Context(), []string{"health", base + target}, env(), io.Discard, io.Discard); got != want {
			t.Errorf("bff health %s: exit code %d, want %d", target, got, want)
		}
	}
	s.fault(t, services.Orders, `{"latency_ms":300}`)
	inFlight := make(chan int, 1)
	go func() {
		got, err := statusOf(t, base+"/web/v1/dashboard", "X-Tenant-Id: acme", "X-User-Id: u1")
		inFlight <- got
		if err != nil {
			t.Error(err)
		}
	}()
	waitForCall(t, s.services[services.Orders].URL)
	stop()
	if got := <-inFlight; got != http.StatusOK {
		t.Errorf("the request in flight got %d, want 200", got)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d, want 0", got)
	}
	if _, err := statusOf(t, base+"/healthz"); err == nil {
		t.Error("the port is still open")
	}
}

func TestListenFailure(t *testing.T) {
	t.Parallel()
	taken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(taken.Close)
	var stderr bytes.Buffer
	addr := taken.Listener.Addr().String()
	if code := run(t.Context(), []string{"mobile"}, env("BFF_ADDR="+addr, "BFF_TLS=insecure", "BFF_CURSOR_KEYS=random"), io.Discard, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "listen on "+addr) || !strings.Contains(stderr.String(), "MOBILE_BFF_PORT") {
		t.Errorf("stderr %q, want the address and the variable", stderr.String())
	}
}
