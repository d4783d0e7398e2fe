package services

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// defaultLimit is the contracts' default number of items in a page.
const defaultLimit = 20

// orders implements ordersapi.Handler.
type orders struct{ data dataset }

var _ ordersapi.Handler = orders{}

func newOrders(data dataset) (api, error) {
	server, err := ordersapi.NewServer(orders{data}, ordersapi.WithErrorHandler(contract.HandleError),
		ordersapi.WithNotFound(contract.HandleNotFound), ordersapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	return api{Handler: server, route: func(r *http.Request) string {
		found, _ := server.FindPath(r.Method, r.URL)
		return found.PathPattern()
	}}, err
}

// ListOrdersV1 serves GET /v1/orders.
func (s orders) ListOrdersV1(_ context.Context, p ordersapi.ListOrdersV1Params) (*ordersapi.OrderListV1, error) {
	cut, next, err := page(s.data[p.XTenantID].orders, orderID, p.Cursor.Or(""), p.Limit.Or(defaultLimit))
	if err != nil {
		return nil, err
	}
	out := &ordersapi.OrderListV1{Orders: make([]ordersapi.OrderV1, 0, len(cut))}
	for _, o := range cut {
		out.Orders = append(out.Orders, o.v1())
	}
	if next != "" {
		out.Next.SetTo(next)
	}
	return out, nil
}

// GetOrderV1 serves GET /v1/orders/{order_id}.
func (s orders) GetOrderV1(_ context.Context, p ordersapi.GetOrderV1Params) (*ordersapi.OrderV1, error) {
	o, err := s.order(p.XTenantID, p.OrderID)
	if err != nil {
		return nil, err
	}
	v1 := o.v1()
	return &v1, nil
}

// ListOrdersV2 serves GET /v2/orders.
func (s orders) ListOrdersV2(_ context.Context, p ordersapi.ListOrdersV2Params) (*ordersapi.OrderPageV2, error) {
	all, limit := s.data[p.XTenantID].orders, p.Limit.Or(defaultLimit)
	cut, next, err := page(all, orderID, p.Cursor.Or(""), limit)
	if err != nil {
		return nil, err
	}
	out := &ordersapi.OrderPageV2{Data: make([]ordersapi.OrderV2, 0, len(cut)), Counts: count(all)}
	for _, o := range cut {
		out.Data = append(out.Data, o.v2("orders/"+o.id))
	}
	if next != "" {
		out.NextCursor.SetTo(next)
		query := url.Values{"cursor": {next}, "limit": {strconv.Itoa(limit)}}
		out.Links.Next.SetTo("orders?" + query.Encode())
	}
	return out, nil
}

// GetOrderV2 serves GET /v2/orders/{order_id}.
func (s orders) GetOrderV2(_ context.Context, p ordersapi.GetOrderV2Params) (*ordersapi.OrderDetailV2, error) {
	o, err := s.order(p.XTenantID, p.OrderID)
	if err != nil {
		return nil, err
	}
	v2 := o.v2(o.id)
	out := &ordersapi.OrderDetailV2{
		ID: v2.ID, Status: v2.Status, PlacedAt: v2.PlacedAt, PlacedBy: v2.PlacedBy,
		ItemCount: v2.ItemCount, Total: v2.Total, Links: v2.Links,
		Lines: make([]ordersapi.OrderLine, 0, len(o.lines)),
	}
	for _, l := range o.lines {
		out.Lines = append(out.Lines, ordersapi.OrderLine{
			Sku: l.product.sku, Name: l.product.name, Quantity: l.quantity,
			UnitPrice: ordersapi.Money{AmountMinor: l.product.priceMinor, Currency: o.currency},
			Total:     ordersapi.Money{AmountMinor: l.totalMinor(), Currency: o.currency},
		})
	}
	return out, nil
}

// NewError answers err as problem details.
func (orders) NewError(_ context.Context, err error) *ordersapi.ProblemStatusCode {
	d := problem.From(err)
	body := ordersapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	return &ordersapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}

func (s orders) order(tenant, id string) (order, error) {
	for _, o := range s.data[tenant].orders {
		if o.id == id {
			return o, nil
		}
	}
	return order{}, problem.NotFound("such order")
}

func orderID(o order) string { return o.id }

func (l line) totalMinor() int64 { return int64(l.quantity) * l.product.priceMinor }

func (o order) totalMinor() (minor int64) {
	for _, l := range o.lines {
		minor += l.totalMinor()
	}
	return minor
}

func (o order) items() (n int) {
	for _, l := range o.lines {
		n += l.quantity
	}
	return n
}

func (o order) v1() ordersapi.OrderV1 {
	return ordersapi.OrderV1{
		ID: o.id, Status: o.status, Total: decimal(o.totalMinor()), Currency: o.currency,
		Created: o.placedAt, Customer: o.placedBy, Items: o.items(),
	}
}

func (o order) v2(self string) ordersapi.OrderV2 {
	return ordersapi.OrderV2{
		ID: o.id, Status: o.status, PlacedAt: o.placedAt, PlacedBy: o.placedBy, ItemCount: o.items(),
		Total: ordersapi.Money{AmountMinor: o.totalMinor(), Currency: o.currency},
		Links: ordersapi.OrderLinks{Self: self},
	}
}

// decimal writes an amount of a currency with two decimal places, as all
// currencies here have.
func decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

func count(all []order) ordersapi.OrderCounts {
	by := make(map[ordersapi.OrderStatus]int)
	for _, o := range all {
		by[o.status]++
	}
	return ordersapi.OrderCounts{
		Total: len(all), Pending: by[ordersapi.OrderStatusPending], Paid: by[ordersapi.OrderStatusPaid],
		Shipped: by[ordersapi.OrderStatusShipped], Delivered: by[ordersapi.OrderStatusDelivered],
		Cancelled: by[ordersapi.OrderStatusCancelled],
	}
}
