// Package services holds the sample services behind the gateway and the BFFs:
// orders, users, billing and notifications, each a server of its contract in
// bff/openapi, with the same data at every start and strictly one tenant's data
// in an answer. A tenant that nobody has heard of has empty lists. The auth service
// issues the tokens that the gateway takes.
//
// For tests only each has a second handler, for a port of its own:
//
//	GET    /healthz     200 when it runs
//	GET    /metrics     for Prometheus
//	PUT    /__faults    makes its answers late, wrong or missing: see Fault
//	DELETE /__faults    makes them good again
//	GET    /__requests  what it received last: see Request
//	DELETE /__requests  forgets that
//
// and the auth service besides, for each of its issuers:
//
//	POST   /ISSUER/token  issues a token, as the service itself does
//	POST   /ISSUER/keys   rotates its key
//	DELETE /ISSUER/keys   goes back to the key that it began with
package services

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/statuswriter"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// Names of the services.
const (
	Orders        = "orders"
	Users         = "users"
	Billing       = "billing"
	Notifications = "notifications"
	Auth          = "auth"
)

// Names returns the names that New knows.
func Names() []string { return append(BehindBFFs(), Auth) }

// BehindBFFs returns the names of the services that BFFs call.
func BehindBFFs() []string { return []string{Orders, Users, Billing, Notifications} }

// Options make a service. All but Metrics are required.
type Options struct {
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger
	Metrics   http.Handler // serves /metrics
}

// Service is a running service's two handlers.
type Service struct {
	API     http.Handler // its contract, and /healthz for the gateway's checks
	Control http.Handler // health, faults and what was received
}

// api is a service's server, the path pattern that it serves a request by, and what
// there is to control besides the faults, by pattern.
type api struct {
	http.Handler
	route   func(*http.Request) string
	control map[string]http.HandlerFunc
}

// New returns the service of that name. Requests for its contract are traced;
// those of its test controls are not, and appear nowhere.
func New(name string, o Options) (*Service, error) {
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
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("PUT /__faults", broken.handlePut)
	mux.HandleFunc("DELETE /__faults", broken.handleDelete)
	mux.HandleFunc("GET /__requests", received.handleGet)
	mux.HandleFunc("DELETE /__requests", received.handleDelete)
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	for pattern, handler := range served.control {
		mux.HandleFunc(pattern, handler)
	}
	api := http.NewServeMux()
	api.HandleFunc("GET /healthz", healthy)
	handler := received.record(broken.inTime(broken.inject(problem.Guard(served, o.Logger))))
	api.Handle("/", o.Telemetry.Handler(logged(traceNamed(handler), served.route, o.Logger), served.route))
	return &Service{API: api, Control: mux}, nil
}

// logged writes a line of each request, within its span. The path has ids in it, and the
// query what clients put there: neither is for logs.
func logged(next http.Handler, route func(*http.Request) string, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := statuswriter.New(w)
		next.ServeHTTP(answered, r)
		logger.InfoContext(r.Context(), "request", "method", r.Method, "route", route(r), "status", answered.Status)
	})
}

// traceNamed has a service name the trace to its caller in its own way, as frameworks do.
func traceNamed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Trace-Id", "the-service's-own")
		next.ServeHTTP(w, r)
	})
}

func healthy(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

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
	case Auth:
		return newAuth()
	}
	return api{}, fmt.Errorf("no such service: choose one of %v", slices.Sorted(slices.Values(Names())))
}
