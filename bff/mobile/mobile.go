// Package mobile is the BFF of the mobile app: a handler a screen, which gets
// the screen's parts side by side, maps them to few fields, and answers. It
// decides nothing and stores nothing.
package mobile

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Services are what the screens are made of; *upstream.Clients has them.
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
	// Budget is the time that a screen may take at most; a request may have less. Optional
	// parts get two thirds of it, so that a screen without one goes out in time.
	Budget time.Duration
	// Wrap is around all screens, within their span; nil is nothing.
	Wrap func(http.Handler) http.Handler
}

// New returns the handler of every path in the mobile contract (bff/openapi/mobile.yaml).
func New(o Options) (http.Handler, error) {
	server, err := mobileapi.NewServer(&pages{o},
		mobileapi.WithErrorHandler(contract.HandleError),
		mobileapi.WithNotFound(contract.HandleNotFound),
		mobileapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	if err != nil {
		return nil, fmt.Errorf("set up mobile API: %w", err)
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

// pages implements mobileapi.Handler.
type pages struct{ Options }

var _ mobileapi.Handler = (*pages)(nil)

// NewError answers err as problem details; what the client is not told is logged.
func (p *pages) NewError(ctx context.Context, err error) *mobileapi.ProblemStatusCode {
	d := problem.From(err)
	if d.Status >= http.StatusInternalServerError {
		p.Logger.ErrorContext(ctx, "page failed", "status", d.Status, "error", err.Error())
	}
	body := mobileapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	if d.Upstream != "" {
		body.Upstream.SetTo(d.Upstream)
	}
	return &mobileapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}
