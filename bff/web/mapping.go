package web

import (
	"github.com/gatehousehq/gatehouse/bff/fanout"
	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
)

// dashboard maps the services' answers to the page. Services may answer more
// than they were asked for: lists are cut to what the contract allows.
func dashboard(got parts, failed []*fanout.PartError) webapi.Dashboard {
	d := webapi.Dashboard{
		Orders:   orders(got.orders),
		Degraded: make([]webapi.DashboardDegradedItem, 0, len(failed)),
	}
	if got.user != nil {
		d.User.SetTo(profile(got.user))
	}
	if got.billing != nil {
		d.Billing.SetTo(billing(got.billing))
	}
	if got.notifications != nil {
		d.Notifications.SetTo(notifications(got.notifications))
	}
	for _, f := range failed {
		d.Degraded = append(d.Degraded, webapi.DashboardDegradedItem(f.Part))
	}
	return d
}

func profile(u *usersapi.User) webapi.Profile {
	return webapi.Profile{ID: u.ID, Name: u.GivenName + " " + u.FamilyName, Email: u.Email, Locale: u.Locale}
}

func orders(page *ordersapi.OrderPageV2) webapi.Orders {
	recent := page.Data[:min(len(page.Data), recentOrders)]
	out := webapi.Orders{
		Recent: make([]webapi.Order, 0, len(recent)),
		Counts: webapi.OrderCounts{
			Total: page.Counts.Total,
			Open:  page.Counts.Pending + page.Counts.Paid + page.Counts.Shipped,
		},
	}
	for _, o := range recent {
		out.Recent = append(out.Recent, webapi.Order{
			ID: o.ID, Status: webapi.OrderStatus(o.Status), PlacedAt: o.PlacedAt, PlacedBy: o.PlacedBy,
			ItemCount: o.ItemCount, Total: webapi.Money(o.Total),
		})
	}
	return out
}

func billing(s *billingapi.Summary) webapi.Billing {
	out := webapi.Billing{Balance: webapi.Money(s.Balance), OpenInvoices: s.OpenInvoices, OverdueInvoices: s.OverdueInvoices}
	if due, ok := s.NextDue.Get(); ok {
		out.NextDue.SetTo(webapi.InvoiceDue{InvoiceID: due.ID, Amount: webapi.Money(due.Amount), DueOn: due.DueOn})
	}
	return out
}

func notifications(page *notificationsapi.NotificationPage) webapi.Notifications {
	latest := page.Items[:min(len(page.Items), latestNotifications)]
	out := webapi.Notifications{Unread: page.UnreadCount, Latest: make([]webapi.Notification, 0, len(latest))}
	for _, n := range latest {
		out.Latest = append(out.Latest, webapi.Notification{ID: n.ID, Kind: string(n.Kind), Title: n.Title, CreatedAt: n.CreatedAt})
	}
	return out
}
