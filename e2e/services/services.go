// Package services holds the sample services behind the gateway and the BFFs:
// orders, users, billing and notifications, each a server of its contract in
// bff/openapi, with the same data at every start and strictly one tenant's data
// in an answer. A tenant that nobody has heard of has empty lists.
//
// Beside its contract each serves, for tests only:
//
//	GET    /healthz     200 when it runs
//	PUT    /__faults    makes its answers late, wrong or missing: see Fault
//	DELETE /__faults    makes them good again
//	GET    /__requests  what it received last: see Request
//	DELETE /__requests  forgets that
package services

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Names of the services.
const (
	Orders        = "orders"
	Users         = "users"
	Billing       = "billing"
	Notifications = "notifications"
)

// Names returns the names that New knows.
func Names() []string { return []string{Orders, Users, Billing, Notifications} }

// Options make a service. Both members are required.
type Options struct {
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
}

// api is a generated server, and the path pattern that it serves a request by.
type api struct {
	http.Handler
	route func(*http.Request) string
}

// New returns the service of that name. Requests for its contract are traced;
// those of its test controls are not, and appear nowhere.
func New(name string, o Options) (http.Handler, error) {
	if o.Telemetry == nil || o.Logger == nil {
		return nil, errors.New("set up service: Options.Telemetry and Options.Logger are required")
	}
	served, err := newAPI(name)
	if err != nil {
		return nil, fmt.Errorf("set up service %s: %w", name, err)
	}
	var broken faults
	var received recorder
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("PUT /__faults", broken.handlePut)
	mux.HandleFunc("DELETE /__faults", broken.handleDelete)
	mux.HandleFunc("GET /__requests", received.handleGet)
	mux.HandleFunc("DELETE /__requests", received.handleDelete)
	mux.Handle("/", o.Telemetry.Handler(received.record(broken.inject(problem.Guard(served, o.Logger))), served.route))
	return mux, nil
}

func newAPI(name string) (api, error) {
	data := seed()
	switch name {
	case Orders:
		return newOrders(data)
	case Users:
		return newUsers(data)
	case Billing:
		return newBilling(data)
	case Notifications:
		return newNotifications(data)
	}
	return api{}, fmt.Errorf("no such service: choose one of %v", slices.Sorted(slices.Values(Names())))
}
