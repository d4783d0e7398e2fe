package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

const budget = 300 * time.Millisecond

// services answer with what they hold, fail with the error of their name, and
// take forever if their name is in hangs.
type services struct {
	parts
	errs  map[string]error
	hangs string
	asked []upstream.Identity
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

func (s *services) Orders(ctx context.Context, id upstream.Identity, _ upstream.Page) (*ordersapi.OrderPageV2, error) {
	s.asked = append(s.asked, id)
	return serve(ctx, s, "orders", s.orders)
}

func (s *services) BillingSummary(ctx context.Context, _ upstream.Identity) (*billingapi.Summary, error) {
	return serve(ctx, s, "billing", s.billing)
}

func (s *services) Unread(ctx context.Context, _ upstream.Identity, _ int) (*notificationsapi.NotificationPage, error) {
	return serve(ctx, s, "notifications", s.notifications)
}

func newHandler(t *testing.T, s *services, logs io.Writer) http.Handler {
	t.Helper()
	h, err := New(page.Options{
		Services: s, Telemetry: telemetry.With(noop.NewTracerProvider()),
		Logger: slog.New(slog.NewJSONHandler(logs, nil)), Budget: budget,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// acmeU1 asks as the gateway does for a user of a tenant.
type acmeU1 struct{}

func (acmeU1) Bearer(_ context.Context, _ webapi.OperationName, r *http.Request) error {
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

// get asks for the dashboard through the generated client, which validates the answer.
func get(t *testing.T, h http.Handler, etag string) (webapi.GetDashboardRes, error) {
	t.Helper()
	client, err := webapi.NewClient("http://web", acmeU1{}, webapi.WithClient(handled{h}))
	if err != nil {
		t.Fatal(err)
	}
	params := webapi.GetDashboardParams{}
	if etag != "" {
		params.IfNoneMatch.SetTo(etag)
	}
	return client.GetDashboard(t.Context(), params)
}

func TestDashboardDegrades(t *testing.T) {
	t.Parallel()
	broken := &upstream.Error{Upstream: "x", Kind: upstream.Unavailable, Err: errors.New("connection refused")}
	unknown := &upstream.Error{Upstream: "users", Kind: upstream.Rejected, Status: 404, Err: errors.New("no such user")}
	for name, tc := range map[string]struct {
		services *services
		golden   string // or
		status   int
	}{
		"whole":                  {&services{parts: whole()}, "whole", 0},
		"billing away":           {&services{parts: whole(), errs: map[string]error{"billing": broken}}, "no_billing", 0},
		"notifications late":     {&services{parts: whole(), hangs: "notifications"}, "no_notifications", 0},
		"both away":              {&services{parts: whole(), errs: map[string]error{"billing": broken, "notifications": broken}}, "no_optional", 0},
		"user unknown":           {&services{parts: whole(), errs: map[string]error{"users": unknown}}, "no_user", 0},
		"orders away":            {&services{parts: whole(), errs: map[string]error{"orders": broken}}, "", 502},
		"users away":             {&services{parts: whole(), errs: map[string]error{"users": broken}}, "", 502},
		"orders late":            {&services{parts: whole(), hangs: "orders"}, "", 504},
		"a fault of our own":     {&services{parts: whole(), errs: map[string]error{"orders": errors.New("bug")}}, "", 500},
		"orders reject the call": {&services{parts: whole(), errs: map[string]error{"orders": &upstream.Error{Upstream: "orders", Kind: upstream.Rejected, Status: 404}}}, "", 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got, err := get(t, newHandler(t, tc.services, io.Discard), "")
				if took := time.Since(start); took > budget {
					t.Errorf("took %v, budget is %v", took, budget)
				}
				if tc.status != 0 {
					problem, ok := errors.AsType[*webapi.ProblemStatusCodeWithHeaders](err)
					if !ok || problem.StatusCode != tc.status || problem.Response.Status != tc.status {
						t.Errorf("error %v, want a problem with status %d", err, tc.status)
					}
					return
				}
				page, ok := got.(*webapi.DashboardHeaders)
				if err != nil || !ok {
					t.Fatalf("got %T, %v", got, err)
				}
				checkPage(t, tc.golden, page)
			})
		})
	}
}

func TestDashboardPassesIdentityOn(t *testing.T) {
	t.Parallel()
	s := &services{parts: whole()}
	if _, err := get(t, newHandler(t, s, io.Discard), ""); err != nil {
		t.Fatal(err)
	}
	if want := (upstream.Identity{Tenant: "acme", User: "u1"}); len(s.asked) != 1 || s.asked[0] != want {
		t.Errorf("orders were asked for by %v, want once, by %v", s.asked, want)
	}
}

func TestDashboardRevalidation(t *testing.T) {
	t.Parallel()
	h := newHandler(t, &services{parts: whole()}, io.Discard)
	first, err := get(t, h, "")
	if err != nil {
		t.Fatal(err)
	}
	tag := first.(*webapi.DashboardHeaders).ETag.Value
	again, err := get(t, h, tag)
	if same, ok := again.(*webapi.GetDashboardNotModified); err != nil || !ok || same.ETag != tag {
		t.Errorf("with the tag of the answer before: %T, %v; want 304", again, err)
	}
	changed := whole()
	changed.notifications.UnreadCount++
	other, err := get(t, newHandler(t, &services{parts: changed}, io.Discard), tag)
	if page, ok := other.(*webapi.DashboardHeaders); err != nil || !ok || page.ETag.Value == tag {
		t.Errorf("with one more unread: %T, %v; want a new answer with a new tag", other, err)
	}
}

func TestRequestErrors(t *testing.T) {
	t.Parallel()
	h := newHandler(t, &services{parts: whole()}, io.Discard)
	for name, tc := range map[string]struct {
		method, path string
		header       http.Header
		status       int
		detail       string
	}{
		"no tenant":       {"GET", "/web/v1/dashboard", http.Header{"X-User-Id": {"u1"}}, 401, "Header X-Tenant-Id: it is missing. The gateway sets it"},
		"no user":         {"GET", "/web/v1/dashboard", http.Header{"X-Tenant-Id": {"acme"}}, 401, "Header X-User-Id: "},
		"empty tenant":    {"GET", "/web/v1/dashboard", http.Header{"X-Tenant-Id": {""}, "X-User-Id": {"u1"}}, 401, "Header X-Tenant-Id: "},
		"endless tenant":  {"GET", "/web/v1/dashboard", http.Header{"X-Tenant-Id": {strings.Repeat("a", 129)}, "X-User-Id": {"u1"}}, 401, "longer than 128 characters"},
		"no such page":    {"GET", "/web/v1/nothing", nil, 404, "no such resource"},
		"no such method":  {"POST", "/web/v1/dashboard", nil, 405, "Use GET, HEAD instead of POST."},
		"no CORS of ours": {"OPTIONS", "/web/v1/dashboard", nil, 405, "Use GET, HEAD instead of OPTIONS."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, tc.path, nil)
			if tc.header != nil {
				r.Header = tc.header
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), tc.detail) {
				t.Errorf("%d %s %s, want %d and %q", w.Code, w.Header().Get("Content-Type"), w.Body, tc.status, tc.detail)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", w.Header().Get("Cache-Control"))
			}
		})
	}
}

func TestLogsNameTheCause(t *testing.T) {
	t.Parallel()
	cause := &upstream.Error{Upstream: "billing", Kind: upstream.Unavailable, Err: errors.New("connection refused")}
	for part, level := range map[string]string{"billing": "WARN", "orders": "ERROR"} {
		var logs bytes.Buffer
		_, _ = get(t, newHandler(t, &services{parts: whole(), errs: map[string]error{part: cause}}, &logs), "")
		if line := logs.String(); !strings.Contains(line, level) || !strings.Contains(line, "connection refused") {
			t.Errorf("%s away: log %q, want a line of level %s with the cause", part, line, level)
		}
	}
}
