// Package page is what the BFFs share, whatever their pages are: what these are made of,
// who asks for one, what a request may look like, and how a failure is told.
package page

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Services are what pages are made of; *upstream.Clients has them.
type Services interface {
	User(context.Context, upstream.Identity) (*usersapi.User, error)
	Orders(context.Context, upstream.Identity, upstream.Page) (*ordersapi.OrderPageV2, error)
	BillingSummary(context.Context, upstream.Identity) (*billingapi.Summary, error)
	Unread(ctx context.Context, id upstream.Identity, limit int) (*notificationsapi.NotificationPage, error)
}

var _ Services = (*upstream.Clients)(nil)

// Options make a BFF. All members but the last two are required, Cursors where a page is
// a list.
type Options struct {
	Services  Services
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
	// Budget is the time that a page may take at most; a request may have less. Optional
	// parts get two thirds of it, so that a page that goes out without one goes out in time.
	Budget time.Duration
	// Cursors are the lists' own.
	Cursors *cursor.Sealer
	// Wrap is around all pages, within their span. route gives the path pattern of the
	// contract that serves a request, "" if none does.
	Wrap func(pages http.Handler, route func(*http.Request) string) http.Handler
	// Degraded is told of each part that a page goes out without.
	Degraded func(part string)
}

// Handler puts around the server of a contract what every page needs. pattern gives the
// path pattern of the contract that serves a request, "" if none does.
func (o Options) Handler(server http.Handler, pattern func(method string, u *url.URL) string) http.Handler {
	route := func(r *http.Request) string { return pattern(asGet(r.Method), r.URL) }
	pages := problem.Guard(etag.Revalidate(read(server)), o.Logger)
	if o.Wrap != nil {
		pages = o.Wrap(pages, route)
	}
	return o.Telemetry.Handler(atOnce(pages), route)
}

// Missing logs and counts the parts that a page goes out without.
func (o Options) Missing(ctx context.Context, page string, failed []*fanout.PartError) {
	for _, f := range failed {
		o.Logger.WarnContext(ctx, page+" degraded", "part", f.Part, "error", f.Err.Error())
		if o.Degraded != nil {
			o.Degraded(f.Part)
		}
	}
}

// retryAfter is when to come back after a 502, 503 or 504, in seconds: a circuit breaker
// lets a call of its service try again after that long.
const retryAfter = 1

// Failure is how err looks to a client, and after how many seconds another try is worth
// it, 0 for never. What the client is not told is logged.
func (o Options) Failure(ctx context.Context, err error) (details *problem.Details, retry int) {
	details = problem.From(err)
	if details.Status >= http.StatusInternalServerError {
		o.Logger.ErrorContext(ctx, "page failed", "status", details.Status, "error", err.Error())
	}
	switch details.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return details, retryAfter
	}
	return details, 0
}
