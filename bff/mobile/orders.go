package mobile

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/bff/timeleft"
	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// defaultLimit is the contract's, for callers of the handler that bypass its decoding.
const defaultLimit = 20

// ListOrders serves GET /mobile/v1/orders. Its cursors are those of the orders
// service, sealed for the tenant. It fails without the orders; the first page has the count
// of unread notifications too, and goes out degraded without it.
func (p *pages) ListOrders(ctx context.Context, params mobileapi.ListOrdersParams) (*mobileapi.OrderPageHeaders, error) {
	id := page.Identity(ctx)
	scope := cursor.Scope{"mobile/v1/orders", id.Tenant}
	after, err := p.OpenCursor(scope, params.Cursor.Or(""))
	if err != nil {
		return nil, err
	}
	asked := upstream.Page{Cursor: after, Limit: params.Limit.Or(defaultLimit)}
	left := timeleft.Of(ctx, p.Budget)
	var got parts
	wanted := []fanout.Part{
		fanout.Required("orders", left, fanout.Into(&got.orders, func(ctx context.Context) (*ordersapi.OrderPageV2, error) {
			return p.Services.Orders(ctx, id, asked)
		})),
	}
	if after == "" {
		wanted = append(wanted, p.unread(id, left, &got))
	}
	failed, err := fanout.Run(ctx, left, wanted...)
	if after != "" && upstream.HasStatus(err, http.StatusBadRequest) {
		return nil, page.ForgedCursor() // of a time when the service had other cursors
	}
	if err != nil {
		return nil, err
	}
	p.Missing(ctx, "orders", failed)
	out := orderPage(got, failed)
	if next, more := got.orders.NextCursor.Get(); more {
		out.NextCursor.SetTo(p.SealCursor(scope, next))
	}
	return &mobileapi.OrderPageHeaders{CacheControl: etag.NoStore, Response: out}, nil
}
