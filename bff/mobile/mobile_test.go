package mobile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

const budget = 300 * time.Millisecond

// services answer with what they hold, fail with the error of their name, and
// take forever if their name is in hangs.
type services struct {
	parts
	errs  map[string]error
	hangs string
	asked []upstream.Page
}

func serve[T any](ctx context.Context, s *services, name string, v T) (T, error) {
	if s.hangs == name {
		<-ctx.Done()
		return v, &upstream.Error{Upstream: name, Kind: upstream.Timeout, Err: ctx.Err()}
	}
	return v, s.errs[name]
}

func (s *services) User(ctx context.Context, _ upstream.Identity) (*usersapi.User, error) {
	return serve(ctx, s, "users", s.user)
}

func (s *services) Orders(ctx context.Context, _ upstream.Identity, page upstream.Page) (*ordersapi.OrderPageV2, error) {
	s.asked = append(s.asked, page)
	return serve(ctx, s, "orders", s.orders)
}

func (s *services) BillingSummary(ctx context.Context, _ upstream.Identity) (*billingapi.Summary, error) {
	return serve(ctx, s, "billing", s.billing)
}

func (s *services) Unread(ctx context.Context, _ upstream.Identity, _ int) (*notificationsapi.NotificationPage, error) {
	return serve(ctx, s, "notifications", s.notifications)
}

// whole is what the services answer when all is well: a little more than asked for.
func whole() parts {
	at := time.Date(2026, time.September, 28, 16, 40, 0, 0, time.UTC)
	p := parts{
		user:          &usersapi.User{ID: "u1", GivenName: "Ada", FamilyName: "Keller", Email: "ada.keller@acme.example", Locale: "de-DE", CreatedAt: at},
		orders:        &ordersapi.OrderPageV2{NextCursor: ordersapi.NewOptString("next")},
		billing:       &billingapi.Summary{Balance: billingapi.Money{AmountMinor: 129900, Currency: "EUR"}},
		notifications: &notificationsapi.NotificationPage{UnreadCount: 7},
	}
	for i := range 4 {
		p.orders.Data = append(p.orders.Data, ordersapi.OrderV2{
			ID: fmt.Sprintf("acme-%d", 1040-i), Status: ordersapi.OrderStatusPaid, PlacedAt: at.Add(-time.Duration(i) * time.Hour),
			PlacedBy: "u2", ItemCount: i, Total: ordersapi.Money{AmountMinor: int64(1000 * i), Currency: "EUR"},
		})
	}
	return p
}

// acmeU1 asks as the gateway does for a user of a tenant.
type acmeU1 struct{}

func (acmeU1) Bearer(_ context.Context, _ mobileapi.OperationName, r *http.Request) error {
	r.Header.Set("X-Tenant-Id", "acme")
	r.Header.Set("X-User-Id", "u1")
	return nil
}

// handled is a client's transport that asks a handler, without a network.
type handled struct{ http.Handler }

func (h handled) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// scope is where the cursors of acme's orders are good.
var scope = cursor.Scope{"mobile/v1/orders", "acme"}

func sealer(t *testing.T) *cursor.Sealer {
	t.Helper()
	s, err := cursor.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newHandler(t *testing.T, s *services) http.Handler {
	t.Helper()
	h, err := New(page.Options{Services: s, Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.DiscardHandler), Budget: budget, Cursors: sealer(t)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newClient returns the generated client, which validates the answers.
func newClient(t *testing.T, s *services) *mobileapi.Client {
	t.Helper()
	client, err := mobileapi.NewClient("http://mobile", acmeU1{}, mobileapi.WithClient(handled{newHandler(t, s)}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestHomeDegrades(t *testing.T) {
	t.Parallel()
	broken := &upstream.Error{Upstream: "x", Kind: upstream.Unavailable, Err: errors.New("connection refused")}
	unknown := &upstream.Error{Upstream: "users", Kind: upstream.Rejected, Status: 404, Err: errors.New("no such user")}
	for name, tc := range map[string]struct {
		services *services
		golden   string // or
		status   int
	}{
		"whole":              {&services{parts: whole()}, "whole", 0},
		"billing late":       {&services{parts: whole(), hangs: "billing"}, "no_balance", 0},
		"notifications away": {&services{parts: whole(), errs: map[string]error{"notifications": broken}}, "no_unread", 0},
		"user unknown":       {&services{parts: whole(), errs: map[string]error{"users": unknown}}, "no_user", 0},
		"orders away":        {&services{parts: whole(), errs: map[string]error{"orders": broken}}, "", 502},
		"users late":         {&services{parts: whole(), hangs: "users"}, "", 504},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, err := newClient(t, tc.services).GetHome(t.Context(), mobileapi.GetHomeParams{})
				if tc.status != 0 {
					problem, ok := errors.AsType[*mobileapi.ProblemStatusCodeWithHeaders](err)
					if !ok || problem.StatusCode != tc.status {
						t.Errorf("error %v, want a problem with status %d", err, tc.status)
					}
					return
				}
				page, ok := got.(*mobileapi.HomeHeaders)
				if err != nil || !ok {
					t.Fatalf("got %T, %v", got, err)
				}
				golden.CheckJSON(t, "testdata/"+tc.golden+".json", &page.Response)
				if degraded := len(page.Response.Degraded) > 0; degraded == page.ETag.Set {
					t.Errorf("ETag %v, degraded %v", page.ETag, degraded)
				}
			})
		})
	}
}

func TestHomeRevalidation(t *testing.T) {
	t.Parallel()
	client := newClient(t, &services{parts: whole()})
	params := mobileapi.GetHomeParams{}
	first, err := client.GetHome(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	params.IfNoneMatch = first.(*mobileapi.HomeHeaders).ETag
	if again, err := client.GetHome(t.Context(), params); err != nil {
		t.Error(err)
	} else if _, same := again.(*mobileapi.GetHomeNotModified); !same {
		t.Errorf("with the tag of the answer before: %T, want 304", again)
	}
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	s := &services{parts: whole()}
	here := sealer(t).Seal(scope, "here", time.Now())
	params := mobileapi.ListOrdersParams{Cursor: mobileapi.NewOptString(here), Limit: mobileapi.NewOptInt(4)}
	page, err := newClient(t, s).ListOrders(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	next := page.Response.NextCursor.Value
	if own, err := sealer(t).Open(scope, next, time.Now()); err != nil || own != "next" {
		t.Errorf("next_cursor %s has %q, %v; want the service's own", next, own, err)
	}
	page.Response.NextCursor.SetTo("sealed")
	golden.CheckJSON(t, "testdata/orders.json", &page.Response)
	if diff := cmp.Diff([]upstream.Page{{Cursor: "here", Limit: 4}}, s.asked); diff != "" {
		t.Errorf("asked the orders service for (-want +got):\n%s", diff)
	}
	s.orders.NextCursor.Reset()
	if last, err := newClient(t, s).ListOrders(t.Context(), params); err != nil || last.Response.NextCursor.Set {
		t.Errorf("last page: %+v, %v; want no cursor", last, err)
	}
}

func TestFirstPageCountsUnread(t *testing.T) {
	t.Parallel()
	broken := &upstream.Error{Upstream: "notifications", Kind: upstream.Unavailable, Err: errors.New("connection refused")}
	here := mobileapi.NewOptString(sealer(t).Seal(scope, "here", time.Now()))
	for name, tc := range map[string]struct {
		err      error
		cursor   mobileapi.OptString
		unread   mobileapi.OptInt
		degraded []mobileapi.OrderPageDegradedItem
	}{
		"first page":                         {nil, mobileapi.OptString{}, mobileapi.NewOptInt(7), nil},
		"first page, notifications away":     {broken, mobileapi.OptString{}, mobileapi.OptInt{}, []mobileapi.OrderPageDegradedItem{mobileapi.OrderPageDegradedItemUnread}},
		"page after it":                      {nil, here, mobileapi.OptInt{}, nil},
		"page after it, notifications away ": {broken, here, mobileapi.OptInt{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &services{parts: whole(), errs: map[string]error{"notifications": tc.err}}
			got, err := newClient(t, s).ListOrders(t.Context(), mobileapi.ListOrdersParams{Cursor: tc.cursor})
			if err != nil || len(got.Response.Orders) == 0 {
				t.Fatalf("%+v, %v; want orders", got, err)
			}
			if got.Response.Unread != tc.unread || !slices.Equal(got.Response.Degraded, tc.degraded) {
				t.Errorf("unread %v, degraded %v; want %v and %v", got.Response.Unread, got.Response.Degraded, tc.unread, tc.degraded)
			}
		})
	}
}

func TestListOrdersErrors(t *testing.T) {
	t.Parallel()
	rejected := &upstream.Error{Upstream: "orders", Kind: upstream.Rejected, Status: 400, Err: errors.New("cursor")}
	seal := func(tenant string, age time.Duration) string {
		return "cursor=" + sealer(t).Seal(cursor.Scope{"mobile/v1/orders", tenant}, "here", time.Now().Add(-age))
	}
	for name, tc := range map[string]struct {
		query     string
		err       error
		status    int
		parameter string
		detail    string
	}{
		"limit too small":   {"limit=0", nil, 400, "limit", "Parameter limit (query): value 0 less than 1. Send"},
		"limit too large":   {"limit=51", nil, 400, "limit", "Parameter limit (query): value 51 greater than 50. Send"},
		"limit no number":   {"limit=ten", nil, 400, "limit", `Parameter limit (query): "ten" is no number that fits. Send`},
		"limit twice":       {"limit=1&limit=2", nil, 400, "limit", "Parameter limit (query): "},
		"cursor empty":      {"cursor=", nil, 400, "cursor", "len 0 less than minimum 1. Send"},
		"cursor endless":    {"cursor=" + strings.Repeat("a", 513), nil, 400, "cursor", "len 513 greater than maximum 512. Send"},
		"cursor made up":    {"cursor=here", nil, 400, "cursor", "none that this API gave out"},
		"cursor of another": {seal("globex", 0), nil, 400, "cursor", "none that this API gave out"},
		"cursor too old":    {seal("acme", 24*time.Hour+2*time.Second), nil, 400, "cursor", "is older than 24 hours. Start without it"},
		"cursor not theirs": {seal("acme", 0), rejected, 400, "cursor", "none that this API gave out"},
		"orders away":       {"", &upstream.Error{Upstream: "orders", Kind: upstream.CircuitOpen, Err: errors.New("open")}, 502, "", "The orders service could not serve its part."},
		"400 without one":   {"", rejected, 502, "", "The orders service could not serve its part."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, &services{parts: whole(), errs: map[string]error{"orders": tc.err}})
			r := httptest.NewRequest(http.MethodGet, "/mobile/v1/orders?"+tc.query, nil)
			r.Header = http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"u1"}}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var got mobileapi.Problem
			if err := got.UnmarshalJSON(w.Body.Bytes()); err != nil {
				t.Fatal(err)
			}
			if w.Code != tc.status || got.Parameter.Value != tc.parameter || !strings.Contains(got.Detail, tc.detail) {
				t.Errorf("%d %s, want %d, parameter %q and %q", w.Code, w.Body, tc.status, tc.parameter, tc.detail)
			}
		})
	}
}
