package mobile

import (
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
)

// home maps the services' answers to the screen. Services may answer more than
// they were asked for: lists are cut to what the contract allows.
func home(got parts, failed []*fanout.PartError) mobileapi.Home {
	recent := got.orders.Data[:min(len(got.orders.Data), homeOrders)]
	h := mobileapi.Home{Orders: make([]mobileapi.HomeOrder, 0, len(recent))}
	for _, o := range recent {
		h.Orders = append(h.Orders, mobileapi.HomeOrder{ID: o.ID, Status: mobileapi.OrderStatus(o.Status), Total: mobileapi.Money(o.Total)})
	}
	if got.user != nil {
		h.FirstName.SetTo(got.user.GivenName)
	}
	if got.billing != nil {
		h.Balance.SetTo(mobileapi.Money(got.billing.Balance))
	}
	if got.notifications != nil {
		h.Unread.SetTo(got.notifications.UnreadCount)
	}
	for _, f := range failed {
		h.Degraded = append(h.Degraded, mobileapi.HomeDegradedItem(f.Part))
	}
	return h
}

// orderPage maps a page of orders to light items, all of them: the cursor, which is not
// mapped here, goes on after the last, so one that is cut here is never seen.
func orderPage(got parts, failed []*fanout.PartError) mobileapi.OrderPage {
	out := mobileapi.OrderPage{Orders: make([]mobileapi.OrderItem, 0, len(got.orders.Data))}
	for _, o := range got.orders.Data {
		out.Orders = append(out.Orders, mobileapi.OrderItem{
			ID: o.ID, Status: mobileapi.OrderStatus(o.Status), PlacedAt: o.PlacedAt, Total: mobileapi.Money(o.Total),
		})
	}
	if got.notifications != nil {
		out.Unread.SetTo(got.notifications.UnreadCount)
	}
	for _, f := range failed {
		out.Degraded = append(out.Degraded, mobileapi.OrderPageDegradedItem(f.Part))
	}
	return out
}
