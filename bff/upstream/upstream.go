// Package upstream holds the typed clients of the services that the BFFs read:
// generated from the services' contracts, over one pool of connections, with a
// retry and a circuit breaker for each service. Every error is an *Error, or
// wraps context.Canceled.
package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Identity is who asks, as the gateway verified it. It goes with every call.
type Identity struct {
	Tenant string
	User   string
}

// Page is a part of a list. An empty Cursor is the first page; Limit is 1 to 100.
type Page struct {
	Cursor string
	Limit  int
}

// Options say where the services are. All members but the last three are required.
type Options struct {
	Orders        string // base URL of the orders service: http://127.0.0.1:9101
	Users         string
	Billing       string
	Notifications string

	Transport http.RoundTripper // of NewTransport, but for tests
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger

	// Budget is the time that a page may take at most. A call that had less than half of it
	// does not count against a service that did not answer in time; 0: any call does.
	Budget time.Duration
	// Hedged are the names of the services whose late calls get a second request: see
	// hedges.
	Hedged   []string
	Observer Observer
}

// Clients calls the services. It is safe for concurrent use and meant to live
// as long as the process: it holds the circuit breakers.
type Clients struct {
	orders        *ordersapi.Client
	users         *usersapi.Client
	billing       *billingapi.Client
	notifications *notificationsapi.Client

	ordersGuard, usersGuard, billingGuard, notificationsGuard *guard
}

// New returns clients of the services that o names.
func New(o Options) (*Clients, error) {
	for name, base := range map[string]string{"orders": o.Orders, "users": o.Users, "billing": o.Billing, "notifications": o.Notifications} {
		if err := CheckURL(base); err != nil {
			return nil, fmt.Errorf("set up client of %s: %w", name, err)
		}
	}
	http := doer{o.Telemetry.Client(o.Transport)}
	c := &Clients{
		ordersGuard: newGuard("orders", o), usersGuard: newGuard("users", o),
		billingGuard: newGuard("billing", o), notificationsGuard: newGuard("notifications", o),
	}
	var err error
	if c.orders, err = ordersapi.NewClient(o.Orders, ordersapi.WithClient(http)); err != nil {
		return nil, fmt.Errorf("set up client of orders: %w", err)
	}
	if c.users, err = usersapi.NewClient(o.Users, usersapi.WithClient(http)); err != nil {
		return nil, fmt.Errorf("set up client of users: %w", err)
	}
	if c.billing, err = billingapi.NewClient(o.Billing, billingapi.WithClient(http)); err != nil {
		return nil, fmt.Errorf("set up client of billing: %w", err)
	}
	if c.notifications, err = notificationsapi.NewClient(o.Notifications, notificationsapi.WithClient(http)); err != nil {
		return nil, fmt.Errorf("set up client of notifications: %w", err)
	}
	return c, nil
}

// CheckURL tells what is wrong with the base URL of a service.
func CheckURL(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a URL: write it as http://host:port", base)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return fmt.Errorf("%q has no http or https scheme or no host: write it as http://host:port", base)
	case !hasPort(u):
		return fmt.Errorf("%q has a port that is none: write it as http://host:port", base)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q has a query, fragment or user: leave these out", u.Redacted())
	}
	return nil
}

// hasPort tells whether u has a port that can be dialled: its own, 1 to 65535, or its
// scheme's.
func hasPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// User gets the profile of the user who asks.
func (c *Clients) User(ctx context.Context, id Identity) (*usersapi.User, error) {
	return call(ctx, c.usersGuard, func(ctx context.Context) (*usersapi.User, error) {
		return c.users.GetUser(ctx, usersapi.GetUserParams{
			XTenantID: id.Tenant, XUserID: usersapi.NewOptString(id.User), UserID: id.User,
		})
	})
}

// Orders gets a page of the tenant's orders, newest first, and the counts of all.
func (c *Clients) Orders(ctx context.Context, id Identity, page Page) (*ordersapi.OrderPageV2, error) {
	params := ordersapi.ListOrdersV2Params{
		XTenantID: id.Tenant, XUserID: ordersapi.NewOptString(id.User), Limit: ordersapi.NewOptInt(page.Limit),
	}
	if page.Cursor != "" {
		params.Cursor = ordersapi.NewOptString(page.Cursor)
	}
	return call(ctx, c.ordersGuard, func(ctx context.Context) (*ordersapi.OrderPageV2, error) {
		return c.orders.ListOrdersV2(ctx, params)
	})
}

// BillingSummary gets the state of the tenant's account.
func (c *Clients) BillingSummary(ctx context.Context, id Identity) (*billingapi.Summary, error) {
	return call(ctx, c.billingGuard, func(ctx context.Context) (*billingapi.Summary, error) {
		return c.billing.GetSummary(ctx, billingapi.GetSummaryParams{
			XTenantID: id.Tenant, XUserID: billingapi.NewOptString(id.User),
		})
	})
}

// Unread gets the latest unread notifications of the user, at most limit, and
// the count of all.
func (c *Clients) Unread(ctx context.Context, id Identity, limit int) (*notificationsapi.NotificationPage, error) {
	return call(ctx, c.notificationsGuard, func(ctx context.Context) (*notificationsapi.NotificationPage, error) {
		return c.notifications.ListNotifications(ctx, notificationsapi.ListNotificationsParams{
			XTenantID: id.Tenant, XUserID: id.User,
			Unread: notificationsapi.NewOptBool(true), Limit: notificationsapi.NewOptInt(limit),
		})
	})
}
