package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/internal/golden"
)

// checkPage compares a page and its caching headers with testdata/NAME.json.
func checkPage(t *testing.T, name string, page *webapi.DashboardHeaders) {
	t.Helper()
	golden.CheckJSON(t, "testdata/"+name+".json", &page.Response)
	degraded := len(page.Response.Degraded) > 0
	if kept := page.CacheControl == "private, no-cache" && page.ETag.Set; kept == degraded {
		t.Errorf("Cache-Control %q, ETag %v, degraded %v", page.CacheControl, page.ETag, degraded)
	}
}

// whole is what the services answer when all is well: a little more than asked for.
func whole() parts {
	at := time.Date(2026, time.September, 28, 16, 40, 0, 0, time.UTC)
	p := parts{
		user: &usersapi.User{ID: "u1", GivenName: "Ada", FamilyName: "Keller", Email: "ada.keller@acme.example", Locale: "de-DE", CreatedAt: at},
		orders: &ordersapi.OrderPageV2{
			Counts: ordersapi.OrderCounts{Total: 40, Pending: 2, Paid: 3, Shipped: 5, Delivered: 27, Cancelled: 3},
		},
		billing: &billingapi.Summary{
			Balance: billingapi.Money{AmountMinor: 129900, Currency: "EUR"}, OpenInvoices: 2, OverdueInvoices: 1,
			NextDue: billingapi.NewOptInvoice(billingapi.Invoice{
				ID: "inv-9", Status: billingapi.InvoiceStatusOpen, Amount: billingapi.Money{AmountMinor: 29900, Currency: "EUR"},
				IssuedOn: at, DueOn: at.AddDate(0, 0, 30),
			}),
		},
		notifications: &notificationsapi.NotificationPage{UnreadCount: 7},
	}
	for i := range 6 {
		p.orders.Data = append(p.orders.Data, ordersapi.OrderV2{
			ID: fmt.Sprintf("acme-%d", 1040-i), Status: ordersapi.OrderStatus("").AllValues()[i%5], PlacedAt: at.Add(-time.Duration(i) * time.Hour),
			PlacedBy: "u2", ItemCount: i, Total: ordersapi.Money{AmountMinor: int64(1000 * i), Currency: "EUR"},
		})
		p.notifications.Items = append(p.notifications.Items, notificationsapi.Notification{
			ID: fmt.Sprintf("n%d", 7-i), Kind: notificationsapi.NotificationKindOrderShipped, Title: "On its way", CreatedAt: at,
		})
	}
	return p
}

func TestMapping(t *testing.T) {
	t.Parallel()
	none := parts{orders: &ordersapi.OrderPageV2{}, billing: &billingapi.Summary{Balance: billingapi.Money{Currency: "EUR"}}, notifications: &notificationsapi.NotificationPage{}}
	for name, tc := range map[string]struct {
		got  any
		want any
	}{
		"nothing yet": {dashboard(none, nil), webapi.Dashboard{
			Orders:        webapi.Orders{Recent: []webapi.Order{}},
			Billing:       webapi.NewOptBilling(webapi.Billing{Balance: webapi.Money{Currency: "EUR"}}),
			Notifications: webapi.NewOptNotifications(webapi.Notifications{Latest: []webapi.Notification{}}),
			Degraded:      []webapi.DashboardDegradedItem{},
		}},
		"open are those under way": {orders(whole().orders).Counts, webapi.OrderCounts{Total: 40, Open: 10}},
		"five orders":              {len(orders(whole().orders).Recent), 5},
		"five notifications":       {len(notifications(whole().notifications).Latest), 5},
		"both names":               {profile(whole().user).Name, "Ada Keller"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
