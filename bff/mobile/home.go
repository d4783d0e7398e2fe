package mobile

import (
	"context"
	"time"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// homeOrders is how many orders the home screen shows, as its contract bounds it.
const homeOrders = 2

// Names of the optional parts, as the contract's `degraded` names them.
const (
	partBalance = string(mobileapi.HomeDegradedItemBalance)
	partUnread  = string(mobileapi.HomeDegradedItemUnread)
)

// parts are the answers that make a home screen. A nil user is unknown to the
// users service; nil billing or notifications are missing.
type parts struct {
	user          *usersapi.User
	orders        *ordersapi.OrderPageV2
	billing       *billingapi.Summary
	notifications *notificationsapi.NotificationPage
}

// GetHome serves GET /mobile/v1/home. It fails without the user or the orders
// and goes out degraded without the rest.
func (p *pages) GetHome(ctx context.Context, params mobileapi.GetHomeParams) (mobileapi.GetHomeRes, error) {
	id := page.Identity(ctx)
	var got parts
	left := timeleft.Of(ctx, p.Budget)
	failed, err := fanout.Run(ctx, left,
		fanout.Required("user", left, fanout.Into(&got.user, func(ctx context.Context) (*usersapi.User, error) {
			return upstream.NilIfNotFound(p.Services.User(ctx, id))
		})),
		fanout.Required("orders", left, fanout.Into(&got.orders, func(ctx context.Context) (*ordersapi.OrderPageV2, error) {
			return p.Services.Orders(ctx, id, upstream.Page{Limit: homeOrders})
		})),
		fanout.Optional(partBalance, left*2/3, fanout.Into(&got.billing, func(ctx context.Context) (*billingapi.Summary, error) {
			return p.Services.BillingSummary(ctx, id)
		})),
		p.unread(id, left, &got),
	)
	if err != nil {
		return nil, err
	}
	p.Missing(ctx, "home", failed)
	return answer(home(got, failed)), nil
}

// unread is the count of unread notifications, for a page that has a time left.
func (p *pages) unread(id upstream.Identity, left time.Duration, got *parts) fanout.Part {
	return fanout.Optional(partUnread, left*2/3, fanout.Into(&got.notifications, func(ctx context.Context) (*notificationsapi.NotificationPage, error) {
		return p.Services.Unread(ctx, id, 1) // a list cannot be asked for no items
	}))
}

// answer says how long h is good. A degraded screen is never kept: the next one
// may be whole.
func answer(h mobileapi.Home) *mobileapi.HomeHeaders {
	if len(h.Degraded) > 0 {
		return &mobileapi.HomeHeaders{CacheControl: etag.NoStore, Response: h}
	}
	return &mobileapi.HomeHeaders{CacheControl: etag.Private, Response: h}
}
