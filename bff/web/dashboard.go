package web

import (
	"context"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// How much the dashboard shows of each list, as its contract bounds it.
const (
	recentOrders        = 5
	latestNotifications = 5
)

// Names of the optional parts, as the contract's `degraded` names them.
const (
	partBilling       = string(webapi.DashboardDegradedItemBilling)
	partNotifications = string(webapi.DashboardDegradedItemNotifications)
)

// parts are the answers that make a dashboard. A nil user is unknown to the
// users service; nil billing or notifications are missing.
type parts struct {
	user          *usersapi.User
	orders        *ordersapi.OrderPageV2
	billing       *billingapi.Summary
	notifications *notificationsapi.NotificationPage
}

// GetDashboard serves GET /web/v1/dashboard. It fails without the user or the
// orders and goes out degraded without the rest.
func (p *pages) GetDashboard(ctx context.Context, params webapi.GetDashboardParams) (webapi.GetDashboardRes, error) {
	id := page.Identity(ctx)
	var got parts
	left := timeleft.Of(ctx, p.Budget)
	failed, err := fanout.Run(ctx, left,
		fanout.Required("user", left, fanout.Into(&got.user, func(ctx context.Context) (*usersapi.User, error) {
			return upstream.NilIfNotFound(p.Services.User(ctx, id))
		})),
		fanout.Required("orders", left, fanout.Into(&got.orders, func(ctx context.Context) (*ordersapi.OrderPageV2, error) {
			return p.Services.Orders(ctx, id, upstream.Page{Limit: recentOrders})
		})),
		fanout.Optional(partBilling, left*2/3, fanout.Into(&got.billing, func(ctx context.Context) (*billingapi.Summary, error) {
			return p.Services.BillingSummary(ctx, id)
		})),
		fanout.Optional(partNotifications, left*2/3, fanout.Into(&got.notifications, func(ctx context.Context) (*notificationsapi.NotificationPage, error) {
			return p.Services.Unread(ctx, id, latestNotifications)
		})),
	)
	if err != nil {
		return nil, err
	}
	p.Missing(ctx, "dashboard", failed)
	return answer(dashboard(got, failed)), nil
}

// answer says how long d is good. A degraded dashboard is never kept: the next one
// may be whole.
func answer(d webapi.Dashboard) *webapi.DashboardHeaders {
	if len(d.Degraded) > 0 {
		return &webapi.DashboardHeaders{CacheControl: etag.NoStore, Response: d}
	}
	return &webapi.DashboardHeaders{CacheControl: etag.Private, Response: d}
}
