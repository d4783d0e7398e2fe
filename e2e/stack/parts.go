package stack

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
)

// part is a child process to be: how to start it, and where it says that it is ready.
type part struct {
	name   string
	health []string
	env    []string
	argv   []string
	// stopSignal ends it in order; default SIGTERM.
	stopSignal syscall.Signal
}

// partGateway is the name of the part that logs what the gateway does.
const partGateway = "gateway"

// parts lists the child processes in the order in which they depend on each other.
func (s *Stack) parts() []part {
	p := &s.Ports
	return []part{
		s.service("orders", p.Orders, p.OrdersControl, devcerts.Gateway, "web-bff", "mobile-bff"),
		second(s.service("orders", p.Orders2.as(p.Orders), p.Orders2Control.as(p.OrdersControl), devcerts.Gateway, "web-bff", "mobile-bff")),
		s.service("users", p.Users, p.UsersControl, "web-bff", "mobile-bff"),
		s.service("billing", p.Billing, p.BillingControl, "web-bff", "mobile-bff"),
		s.service("notifications", p.Notifications, p.NotificationsControl, "web-bff", "mobile-bff"),
		s.bff("web", p.WebBFF, p.WebBFFStatus),
		second(s.bff("web", p.WebBFF2.as(p.WebBFF), p.WebBFF2Status.as(p.WebBFFStatus))),
		s.bff("mobile", p.MobileBFF, p.MobileBFFStatus),
		second(s.bff("mobile", p.MobileBFF2.as(p.MobileBFF), p.MobileBFF2Status.as(p.MobileBFFStatus))),
		s.gateway(),
	}
}

// second is another process of a part, with a log of its own.
func second(p part) part {
	p.name += "-2"
	return p
}

// service is a sample service that serves the clients.
func (s *Stack) service(name string, port, control Port, clients ...string) part {
	return part{
		name:   name,
		health: []string{control.URL() + "/healthz"},
		env:    slices.Concat(s.telemetry(name), s.tls("SERVICE_TLS", name, clients...), []string{port.assignment(), control.assignment()}),
		argv:   []string{s.binary("stack"), "service", name},
	}
}

// devCursorKey is public: FOR DEVELOPMENT ONLY. Both targets of a BFF have it.
const devCursorKey = "ZGV2LW9ubHkgZ2F0ZWhvdXNlIGN1cnNvciBrZXkgMDE="

func (s *Stack) bff(name string, port, status Port) part {
	p, bff := &s.Ports, name+"-bff"
	return part{
		name:   bff,
		health: []string{status.URL() + "/readyz"},
		env: slices.Concat(s.telemetry(bff), s.tls("BFF_TLS", bff, devcerts.Gateway), []string{
			port.assignment(), status.assignment(),
			"ORDERS_URL=" + p.Orders.TLS(),
			"USERS_URL=" + p.Users.TLS(),
			"BILLING_URL=" + p.Billing.TLS(),
			"NOTIFICATIONS_URL=" + p.Notifications.TLS(),
			"BFF_CURSOR_KEYS=" + devCursorKey,
		}),
		argv: []string{s.binary("bff"), name},
	}
}

// tls has a part show the certificate of that name, and believe the clients.
func (s *Stack) tls(prefix, name string, clients ...string) []string {
	var ids []string
	for _, client := range clients {
		ids = append(ids, devcerts.SPIFFEID(client))
	}
	return []string{
		prefix + "=", // whatever this process was told
		prefix + "_CERT_FILE=" + s.certs().Cert(name),
		prefix + "_KEY_FILE=" + s.certs().Key(name),
		prefix + "_CLIENT_CA_FILE=" + s.certs().CA(),
		prefix + "_CLIENT_NAME=" + strings.Join(ids, ","),
	}
}

// certs are the certificates of all parts.
func (s *Stack) certs() devcerts.Dir { return CertDir(s.Dir) }

// CertDir is where a stack with this folder has its certificates.
func CertDir(dir string) devcerts.Dir { return devcerts.Dir(filepath.Join(dir, "certs")) }

func (s *Stack) telemetry(service string) []string {
	return []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.otlpEndpoint(),
		"OTEL_SERVICE_NAME=" + service,
		// Traces are looked at a moment after the request that made them.
		"OTEL_BSP_SCHEDULE_DELAY=200",
	}
}

func (s *Stack) binary(name string) string { return filepath.Join(s.Bin, name) }
