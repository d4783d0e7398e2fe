package stack

import (
	"path/filepath"
	"syscall"
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
		s.service("orders", p.Orders),
		second(s.service("orders", p.Orders2.as(p.Orders))),
		s.service("users", p.Users),
		s.service("billing", p.Billing),
		s.service("notifications", p.Notifications),
		s.bff("web", p.WebBFF),
		second(s.bff("web", p.WebBFF2.as(p.WebBFF))),
		s.bff("mobile", p.MobileBFF),
		second(s.bff("mobile", p.MobileBFF2.as(p.MobileBFF))),
		s.gateway(),
	}
}

// second is another process of a part, with a log of its own.
func second(p part) part {
	p.name += "-2"
	return p
}

func (s *Stack) service(name string, port Port) part {
	return part{
		name:   name,
		health: []string{port.URL() + "/healthz"},
		env:    append(s.telemetry(name), port.assignment()),
		argv:   []string{s.binary("stack"), "service", name},
	}
}

func (s *Stack) bff(name string, port Port) part {
	p := &s.Ports
	return part{
		name:   name + "-bff",
		health: []string{port.URL() + "/readyz"},
		env: append(s.telemetry(name+"-bff"),
			port.assignment(),
			"ORDERS_URL="+p.Orders.URL(),
			"USERS_URL="+p.Users.URL(),
			"BILLING_URL="+p.Billing.URL(),
			"NOTIFICATIONS_URL="+p.Notifications.URL(),
		),
		argv: []string{s.binary("bff"), name},
	}
}

func (s *Stack) telemetry(service string) []string {
	return []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.otlpEndpoint(),
		"OTEL_SERVICE_NAME=" + service,
		// Traces are looked at a moment after the request that made them.
		"OTEL_BSP_SCHEDULE_DELAY=200",
	}
}

func (s *Stack) binary(name string) string { return filepath.Join(s.Bin, name) }
