package services_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

func newService(t *testing.T, name string, provider trace.TracerProvider) http.Handler {
	t.Helper()
	h, err := services.New(name, services.Options{Telemetry: telemetry.With(provider), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h.API)
	mux.Handle("/__faults", h.Control)
	mux.Handle("/__requests", h.Control)
	return mux
}

func untraced(t *testing.T, name string) http.Handler {
	t.Helper()
	return newService(t, name, noop.NewTracerProvider())
}

// send asks h as user u1 of tenant.
func send(h http.Handler, method, target, tenant, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if tenant != "" {
		r.Header = http.Header{"X-Tenant-Id": {tenant}, "X-User-Id": {"u1"}}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// handled is a client's transport that asks a handler, without a network.
type handled struct{ http.Handler }

func (h handled) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestContract asks every operation through its generated client, which decodes
// and validates the answer, and holds the answer to a golden file.
func TestContract(t *testing.T) {
	t.Parallel()
	const tenant, limit = "acme", 3
	orders, err := ordersapi.NewClient("http://orders", ordersapi.WithClient(handled{untraced(t, services.Orders)}))
	if err != nil {
		t.Fatal(err)
	}
	users, err := usersapi.NewClient("http://users", usersapi.WithClient(handled{untraced(t, services.Users)}))
	if err != nil {
		t.Fatal(err)
	}
	billing, err := billingapi.NewClient("http://billing", billingapi.WithClient(handled{untraced(t, services.Billing)}))
	if err != nil {
		t.Fatal(err)
	}
	notifications, err := notificationsapi.NewClient("http://notifications", notificationsapi.WithClient(handled{untraced(t, services.Notifications)}))
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() (json.Marshaler, error){
		"orders_v1": func() (json.Marshaler, error) {
			return orders.ListOrdersV1(t.Context(), ordersapi.ListOrdersV1Params{XTenantID: tenant, Limit: ordersapi.NewOptInt(limit)}) //nolint:staticcheck // deprecated for partners, and still served
		},
		"order_v1": func() (json.Marshaler, error) {
			return orders.GetOrderV1(t.Context(), ordersapi.GetOrderV1Params{XTenantID: tenant, OrderID: "acme-1039"}) //nolint:staticcheck // deprecated for partners, and still served
		},
		"orders_v2": func() (json.Marshaler, error) {
			return orders.ListOrdersV2(t.Context(), ordersapi.ListOrdersV2Params{XTenantID: tenant, Limit: ordersapi.NewOptInt(limit)})
		},
		"order_v2": func() (json.Marshaler, error) {
			return orders.GetOrderV2(t.Context(), ordersapi.GetOrderV2Params{XTenantID: tenant, OrderID: "acme-1039"})
		},
		"user": func() (json.Marshaler, error) {
			return users.GetUser(t.Context(), usersapi.GetUserParams{XTenantID: tenant, UserID: "u1"})
		},
		"summary": func() (json.Marshaler, error) {
			return billing.GetSummary(t.Context(), billingapi.GetSummaryParams{XTenantID: tenant})
		},
		"invoices": func() (json.Marshaler, error) {
			return billing.ListInvoices(t.Context(), billingapi.ListInvoicesParams{XTenantID: tenant})
		},
		"notifications": func() (json.Marshaler, error) {
			return notifications.ListNotifications(t.Context(), notificationsapi.ListNotificationsParams{XTenantID: tenant, XUserID: "u2", Limit: notificationsapi.NewOptInt(limit)})
		},
		"notifications_unread": func() (json.Marshaler, error) {
			return notifications.ListNotifications(t.Context(), notificationsapi.ListNotificationsParams{XTenantID: tenant, XUserID: "u2", Unread: notificationsapi.NewOptBool(true)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ask()
			if err != nil {
				t.Fatal(err)
			}
			golden.CheckJSON(t, "testdata/"+name+".json", got)
		})
	}
}

// TestWalk reads every page of every tenant's orders: all orders, each once,
// newest first, and none of another tenant.
func TestWalk(t *testing.T) {
	t.Parallel()
	client, err := ordersapi.NewClient("http://orders", ordersapi.WithClient(handled{untraced(t, services.Orders)}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"acme", "globex", "initech"} {
		params := ordersapi.ListOrdersV2Params{XTenantID: tenant, Limit: ordersapi.NewOptInt(7)}
		var got []ordersapi.OrderV2
		for {
			page, err := client.ListOrdersV2(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Data...)
			if !page.NextCursor.Set {
				break
			}
			params.Cursor = page.NextCursor
		}
		if len(got) != 40 {
			t.Errorf("%s has %d orders, want 40", tenant, len(got))
		}
		for i, o := range got {
			if !strings.HasPrefix(o.ID, tenant+"-") {
				t.Errorf("%s sees order %s", tenant, o.ID)
			}
			if i > 0 && !o.PlacedAt.Before(got[i-1].PlacedAt) {
				t.Errorf("order %s is not older than the one before", o.ID)
			}
		}
	}
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	theirs := send(untraced(t, services.Orders), "GET", "/v2/orders?limit=1", "acme", "")
	var page ordersapi.OrderPageV2
	if err := page.UnmarshalJSON(theirs.Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		service, target, tenant string
		status                  int
		body                    string
	}{
		"somebody else's order":    {services.Orders, "/v2/orders/acme-1040", "globex", 404, "There is no such order."},
		"nobody's order":           {services.Orders, "/v2/orders/acme-9999", "globex", 404, "There is no such order."},
		"somebody else's in v1":    {services.Orders, "/v1/orders/acme-1040", "globex", 404, "There is no such order."},
		"somebody else's cursor":   {services.Orders, "/v2/orders?cursor=" + page.NextCursor.Value, "globex", 400, `"parameter":"cursor"`},
		"no cursor at all":         {services.Orders, "/v1/orders?cursor=x", "globex", 400, `"parameter":"cursor"`},
		"unknown tenant's orders":  {services.Orders, "/v2/orders", "umbrella", 200, `"data":[]`},
		"unknown tenant's in v1":   {services.Orders, "/v1/orders", "umbrella", 200, `{"orders":[]}`},
		"unknown tenant's account": {services.Billing, "/v1/summary", "umbrella", 200, `"amount_minor":0`},
		"unknown tenant's bills":   {services.Billing, "/v1/invoices", "umbrella", 200, `{"items":[]}`},
		"unknown tenant's news":    {services.Notifications, "/v1/notifications", "umbrella", 200, `"items":[],"unread_count":0`},
		"unknown tenant's user":    {services.Users, "/v1/users/u1", "umbrella", 404, "There is no such user."},
		"u1 is another user":       {services.Users, "/v1/users/u1", "globex", 200, "grace.whitfield@globex.example"},
		"no tenant":                {services.Orders, "/v2/orders", "", 401, `"parameter":"X-Tenant-Id"`},
		"limit out of bounds":      {services.Orders, "/v2/orders?limit=101", "acme", 400, `"parameter":"limit"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(untraced(t, tc.service), "GET", tc.target, tc.tenant, "")
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tc.status, tc.body)
			}
			media := "application/json"
			if tc.status >= 400 {
				media = "application/problem+json"
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, media) {
				t.Errorf("Content-Type %q, want %s", got, media)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, name := range services.Names() {
		if w := send(untraced(t, name), "GET", "/healthz", "", ""); w.Code != http.StatusOK {
			t.Errorf("%s: /healthz answers %d", name, w.Code)
		}
	}
	o := services.Options{Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.DiscardHandler)}
	if _, err := services.New("payments", o); err == nil || !strings.Contains(err.Error(), "auth billing notifications orders users") {
		t.Errorf("New(payments) = %v, want an error with the names there are", err)
	}
	if _, err := services.New(services.Orders, services.Options{}); err == nil {
		t.Error("New without options: no error")
	}
}

func TestOneServerSpan(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	h := newService(t, services.Orders, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	for _, target := range []string{"/v1/orders", "/v2/orders/acme-1040", "/nothing", "/healthz", "/__requests"} {
		send(h, "GET", target, "acme", "")
	}
	var names []string
	for _, s := range spans.Ended() {
		names = append(names, s.Name())
	}
	if want := []string{"GET /v1/orders", "GET /v2/orders/{order_id}", "GET"}; !slices.Equal(names, want) {
		t.Errorf("spans %q, want %q", names, want)
	}
}

func TestRelativeLinksResolve(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(untraced(t, services.Orders))
	t.Cleanup(server.Close)
	at := server.URL + "/v2/orders?limit=2"
	for range 3 { // the list and two pages on, each with its first order
		body := fetch(t, at)
		var page ordersapi.OrderPageV2
		if err := page.UnmarshalJSON(body); err != nil {
			t.Fatal(err)
		}
		fetch(t, resolve(t, at, page.Data[0].Links.Self))
		at = resolve(t, at, page.Links.Next.Value)
	}
}

func fetch(t *testing.T, target string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Tenant-Id": {"acme"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v, %s", target, resp.StatusCode, err, body)
	}
	return body
}

func resolve(t *testing.T, base, reference string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := u.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}
