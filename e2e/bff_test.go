package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

func TestDashboardFromFourServices(t *testing.T) {
	a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
	var page webapi.Dashboard
	a.into(t, &page)
	switch {
	case !page.User.Set || page.User.Value.ID != "u1":
		t.Errorf("user = %+v, want u1", page.User)
	case len(page.Orders.Recent) == 0 || page.Orders.Counts.Total == 0:
		t.Errorf("orders = %+v, want some", page.Orders)
	case !page.Billing.Set || page.Billing.Value.Balance.Currency == "":
		t.Errorf("billing = %+v, want a balance", page.Billing)
	case !page.Notifications.Set:
		t.Error("notifications are missing")
	case len(page.Degraded) != 0:
		t.Errorf("degraded = %v, want nothing", page.Degraded)
	}
	for _, name := range services.Names() {
		r := receivedOnce(t, name, a.traceID(t))
		if tenant, user := r.Header.Get("X-Tenant-Id"), r.Header.Get("X-User-Id"); tenant != "acme" || user != "u1" {
			t.Errorf("%s received tenant %q and user %q, want acme and u1", name, tenant, user)
		}
	}
}

func TestTenantsAreKeptApart(t *testing.T) {
	ids := func(tenant string) []string {
		var page webapi.Dashboard
		get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, tenant, "u1")).wantStatus(t, http.StatusOK).into(t, &page)
		var list []string
		for _, order := range page.Orders.Recent {
			list = append(list, order.ID)
		}
		return list
	}
	acme, globex := ids("acme"), ids("globex")
	if len(acme) == 0 || len(globex) == 0 {
		t.Fatalf("orders: acme %v, globex %v, want some of each", acme, globex)
	}
	for _, id := range acme {
		if slices.Contains(globex, id) {
			t.Errorf("order %s is shown to both tenants", id)
		}
	}
}

func TestMobileHomeIsSmaller(t *testing.T) {
	web := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
	mobile := get(t, "/mobile/v1/home", bearer(t, devtoken.Mobile, "acme", "u1")).wantStatus(t, http.StatusOK)
	if 4*len(mobile.body) > len(web.body) {
		t.Errorf("home has %d bytes and the dashboard %d, want at most a quarter", len(mobile.body), len(web.body))
	}
	var page map[string]any
	mobile.into(t, &page)
	for _, field := range []string{"first_name", "orders", "unread", "balance"} {
		if _, ok := page[field]; !ok {
			t.Errorf("home has no %s: %s", field, mobile.body)
		}
	}
}

func TestMobileOrdersArePaged(t *testing.T) {
	token := bearer(t, devtoken.Mobile, "acme", "u1")
	var seen []string
	for path := "/mobile/v1/orders?limit=15"; path != ""; {
		var page mobileapi.OrderPage
		get(t, path, token).wantStatus(t, http.StatusOK).into(t, &page)
		if len(page.Orders) > 15 {
			t.Fatalf("a page has %d orders, want at most 15", len(page.Orders))
		}
		for _, order := range page.Orders {
			if slices.Contains(seen, order.ID) {
				t.Fatalf("order %s is on two pages", order.ID)
			}
			seen = append(seen, order.ID)
		}
		path = ""
		if cursor, more := page.NextCursor.Get(); more {
			path = "/mobile/v1/orders?limit=15&cursor=" + cursor
		}
	}
	if len(seen) <= 15 {
		t.Errorf("saw %d orders, want more than a page", len(seen))
	}
}

func TestDegradedDashboard(t *testing.T) {
	fault(t, services.Billing, `{"status":503}`)
	var page webapi.Dashboard
	get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u2")).wantStatus(t, http.StatusOK).into(t, &page)
	if page.Billing.Set || !slices.Contains(page.Degraded, webapi.DashboardDegradedItemBilling) {
		t.Errorf("billing = %+v, degraded = %v; want no billing, and a word about it", page.Billing, page.Degraded)
	}
}
