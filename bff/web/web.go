// Package web is the BFF of the web application: a handler a page, which gets
// the page's parts side by side, maps them, and answers. It decides nothing and
// stores nothing.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Services are what the pages are made of; *upstream.Clients has them.
type Services interface {
	User(context.Context, upstream.Identity) (*usersapi.User, error)
	Orders(context.Context, upstream.Identity, upstream.Page) (*ordersapi.OrderPageV2, error)
	BillingSummary(context.Context, upstream.Identity) (*billingapi.Summary, error)
	Unread(ctx context.Context, id upstream.Identity, limit int) (*notificationsapi.NotificationPage, error)
}

var _ Services = (*upstream.Clients)(nil)

// Options make the BFF. All members but Wrap are required.
type Options struct {
	Services  Services
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
	// Budget is the time that a page may take at most; a request may have less. Optional
	// parts get two thirds of it, so that a page without one goes out in time.
	Budget time.Duration
	// Wrap is around all pages, within their span; nil is nothing.
	Wrap func(http.Handler) http.Handler
}

// New returns the handler of every path in the web contract (bff/openapi/web.yaml).
func New(o Options) (http.Handler, error) {
	server, err := webapi.NewServer(&pages{o},
		webapi.WithErrorHandler(contract.HandleError),
		webapi.WithNotFound(contract.HandleNotFound),
		webapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	if err != nil {
		return nil, fmt.Errorf("set up web API: %w", err)
	}
	route := func(r *http.Request) string {
		found, _ := server.FindPath(r.Method, r.URL)
		return found.PathPattern()
	}
	pages := problem.Guard(server, o.Logger)
	if o.Wrap != nil {
		pages = o.Wrap(pages)
	}
	return o.Telemetry.Handler(pages, route), nil
}

// pages implements webapi.Handler.
type pages struct{ Options }

var _ webapi.Handler = (*pages)(nil)

// NewError answers err as problem details; what the client is not told is logged.
func (p *pages) NewError(ctx context.Context, err error) *webapi.ProblemStatusCode {
	d := problem.From(err)
	if d.Status >= http.StatusInternalServerError {
		p.Logger.ErrorContext(ctx, "page failed", "status", d.Status, "error", err.Error())
	}
	body := webapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	if d.Upstream != "" {
		body.Upstream.SetTo(d.Upstream)
	}
	return &webapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}
