package stack

import "path/filepath"

// part is a child process to be: how to start it, and where it says that it is ready.
type part struct {
	name   string
	health string
	env    []string
	argv   []string
}

// Names of the parts that log what the gateway does.
const (
	partGateway      = "gateway"
	partPluginServer = "gatehouse"
)

// parts lists the child processes in the order in which they depend on each other.
func (s *Stack) parts() []part {
	p := &s.Ports
	parts := []part{
		s.service("orders", p.Orders),
		s.service("users", p.Users),
		s.service("billing", p.Billing),
		s.service("notifications", p.Notifications),
		s.bff("web", p.WebBFF),
		s.bff("mobile", p.MobileBFF),
	}
	if s.Kong {
		return append(parts, s.kong())
	}
	return append(parts, s.pluginServer(), s.devGateway())
}

func (s *Stack) service(name string, port Port) part {
	return part{
		name:   name,
		health: port.URL() + "/healthz",
		env:    append(s.telemetry(name), port.assignment()),
		argv:   []string{s.binary("stack"), "service", name},
	}
}

func (s *Stack) bff(name string, port Port) part {
	p := &s.Ports
	return part{
		name:   name + "-bff",
		health: port.URL() + "/readyz",
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

func (s *Stack) pluginServer() part {
	return part{
		name:   partPluginServer,
		health: s.Ports.PluginServer.URL() + "/readyz",
		env: append(s.telemetry("kong"),
			s.Ports.PluginServer.assignment(),
			"REDIS_URL="+s.redisURL(),
			"GATEHOUSE_SOCKET="+s.socket(),
			"GATEHOUSE_SYSLOG_SOCKET="+s.syslogSocket(),
		),
		argv: []string{s.binary("gatehouse"), "serve"},
	}
}

func (s *Stack) devGateway() part {
	p := &s.Ports
	return part{
		name:   partGateway,
		health: p.Status.URL() + "/status/ready",
		env: []string{
			p.Proxy.assignment(), p.Admin.assignment(), p.Status.assignment(),
			"KONG_DECLARATIVE_CONFIG=" + s.config,
			"KONG_DNS_HOSTSFILE=" + s.hosts(),
			"KONG_PROXY_ACCESS_LOG=" + s.syslogTarget(),
			"KONG_PROXY_ERROR_LOG=" + s.syslogTarget(),
			"REDIS_URL=" + s.redisURL(),
			"GATEHOUSE_SOCKET=" + s.socket(),
		},
		argv: []string{s.binary("stack"), "gateway", "-query", s.binary("gatehouse")},
	}
}

// writeGatewayFiles writes what a gateway on this machine needs beside its
// environment: the declarative config with this stack's ports, and a hosts file.
func (s *Stack) writeGatewayFiles() (err error) {
	if s.config, err = moveTargets(s.KongConfig, s.runDir, s.targets()); err != nil {
		return err
	}
	return writeHosts(s.hosts(), s.targets())
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
func (s *Stack) hosts() string             { return filepath.Join(s.runDir, "hosts") }
func (s *Stack) socket() string            { return filepath.Join(s.runDir, "gatehouse.sock") }
func (s *Stack) syslogSocket() string      { return filepath.Join(s.runDir, "syslog.sock") }

// syslogTarget is an nginx log destination: the plugin server, which scrubs.
func (s *Stack) syslogTarget() string {
	return "syslog:server=unix:" + s.syslogSocket() + ",nohostname"
}
