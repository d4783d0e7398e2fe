package mobile

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// defaultLimit is the contract's, for callers of the handler that bypass its decoding.
const defaultLimit = 20

// ListOrders serves GET /mobile/v1/orders. Its cursors are those of the orders
// service, handed through.
func (p *pages) ListOrders(ctx context.Context, params mobileapi.ListOrdersParams) (*mobileapi.OrderPageHeaders, error) {
	id := upstream.Identity{Tenant: params.XTenantID, User: params.XUserID}
	page := upstream.Page{Cursor: params.Cursor.Or(""), Limit: params.Limit.Or(defaultLimit)}
	var got *ordersapi.OrderPageV2
	left := timeleft.Of(ctx, p.Budget)
	_, err := fanout.Run(ctx, left, fanout.Required("orders", left, fanout.Into(&got,
		func(ctx context.Context) (*ordersapi.OrderPageV2, error) { return p.Services.Orders(ctx, id, page) })))
	if upstream.HasStatus(err, http.StatusBadRequest) {
		return nil, problem.InvalidParameter("cursor",
			"Parameter cursor (query) is none that this API gave out. Start without it, and go on with the next_cursor of each page.")
	}
	if err != nil {
		return nil, err
	}
	return &mobileapi.OrderPageHeaders{CacheControl: etag.NoStore, Response: orderPage(got)}, nil
}
