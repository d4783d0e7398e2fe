package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// Port is a listening TCP port on 127.0.0.1 and the variable that moves it.
type Port struct {
	Env    string
	Number int
}

// Addr returns the address to listen on and to dial.
func (p Port) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Number)) }

// URL returns the port's base URL, without a trailing slash.
func (p Port) URL() string { return "http://" + p.Addr() }

// TLS returns the port's base URL where it serves TLS.
func (p Port) TLS() string { return "https://" + p.Addr() }

// as is the port under the variable of another one, for a second process of a kind.
func (p Port) as(other Port) Port { return Port{Env: other.Env, Number: p.Number} }

func (p Port) assignment() string { return p.Env + "=" + strconv.Itoa(p.Number) }

// Ports are the ports of everything that a stack runs.
type Ports struct {
	Proxy, ProxyTLS, Admin, Status, PluginServer Port

	WebBFF, MobileBFF             Port
	WebBFFStatus, MobileBFFStatus Port // health and metrics

	Orders, Users, Billing, Notifications, Auth                                    Port
	OrdersControl, UsersControl, BillingControl, NotificationsControl, AuthControl Port // for tests

	// Second targets of the upstreams that kong.yaml has.
	WebBFF2, MobileBFF2, Orders2                    Port
	WebBFF2Status, MobileBFF2Status, Orders2Control Port

	OTLP, Redis Port
}

// documented is a port with its default and what listens there.
type documented struct {
	port *Port
	Port
	what string
}

// table lists all ports, in the order in which they are documented.
func (p *Ports) table() []documented {
	return []documented{
		{&p.Proxy, Port{"PROXY_PORT", 8000}, "the gateway"},
		{&p.ProxyTLS, Port{"PROXY_TLS_PORT", 8443}, "the gateway, over TLS"},
		{&p.Admin, Port{"ADMIN_PORT", 8001}, "its Admin API"},
		{&p.Status, Port{"STATUS_PORT", 8100}, "its status"},
		{&p.PluginServer, Port{"PLUGINSERVER_PORT", 9542}, "the plugin server's metrics and health"},
		{&p.WebBFF, Port{"WEB_BFF_PORT", 8081}, "the web BFF, over mutual TLS"},
		{&p.MobileBFF, Port{"MOBILE_BFF_PORT", 8082}, "the mobile BFF, over mutual TLS"},
		{&p.WebBFFStatus, Port{"WEB_BFF_STATUS_PORT", 8181}, "the web BFF's contract, metrics and health"},
		{&p.MobileBFFStatus, Port{"MOBILE_BFF_STATUS_PORT", 8182}, "the mobile BFF's"},
		{&p.Orders, Port{"ORDERS_PORT", 9101}, "orders, over mutual TLS"},
		{&p.Users, Port{"USERS_PORT", 9102}, "users"},
		{&p.Billing, Port{"BILLING_PORT", 9103}, "billing"},
		{&p.Notifications, Port{"NOTIFICATIONS_PORT", 9104}, "notifications"},
		{&p.Auth, Port{"AUTH_PORT", 9106}, "the auth service, over TLS"},
		{&p.OrdersControl, Port{"ORDERS_CONTROL_PORT", 9201}, "orders' /__requests and /__faults"},
		{&p.UsersControl, Port{"USERS_CONTROL_PORT", 9202}, "users'"},
		{&p.BillingControl, Port{"BILLING_CONTROL_PORT", 9203}, "billing's"},
		{&p.NotificationsControl, Port{"NOTIFICATIONS_CONTROL_PORT", 9204}, "notifications'"},
		{&p.AuthControl, Port{"AUTH_CONTROL_PORT", 9206}, "the auth service's tokens and keys"},
		{&p.WebBFF2, Port{"WEB_BFF_2_PORT", 8083}, "a second web BFF"},
		{&p.MobileBFF2, Port{"MOBILE_BFF_2_PORT", 8084}, "a second mobile BFF"},
		{&p.Orders2, Port{"ORDERS_2_PORT", 9105}, "a second orders service"},
		{&p.WebBFF2Status, Port{"WEB_BFF_2_STATUS_PORT", 8183}, "the second web BFF's metrics and health"},
		{&p.MobileBFF2Status, Port{"MOBILE_BFF_2_STATUS_PORT", 8184}, "the second mobile BFF's"},
		{&p.Orders2Control, Port{"ORDERS_2_CONTROL_PORT", 9205}, "the second orders service's /__requests and /__faults"},
		{&p.OTLP, Port{"OTLP_PORT", 4318}, "the trace receiver; not used with OTEL_EXPORTER_OTLP_ENDPOINT"},
		{&p.Redis, Port{"REDIS_PORT", 6399}, "the store in Redis' place; not used with REDIS_URL"},
	}
}

// highestDefault is the highest port that an offset moves.
func highestDefault() (highest int) {
	var p Ports
	for _, d := range p.table() {
		highest = max(highest, d.Number)
	}
	return highest
}

// offsetVariable moves all ports that have no variable of their own set.
const offsetVariable = "PORT_OFFSET"

// DefaultPorts returns the documented ports, each replaced by its environment
// variable where lookup finds one, and the others moved by PORT_OFFSET.
func DefaultPorts(lookup func(string) (string, bool)) (Ports, error) {
	var p Ports
	offset := 0
	if value, _ := lookup(offsetVariable); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > maxPort {
			return Ports{}, fmt.Errorf("%s=%q is no offset: write a number from 0 to %d", offsetVariable, value, maxPort-highestDefault())
		}
		offset = n
	}
	for _, d := range p.table() {
		*d.port = Port{d.Env, d.Number + offset}
		value, _ := lookup(d.Env)
		if value == "" {
			if d.port.Number > maxPort {
				return Ports{}, fmt.Errorf("%s=%d moves %s to %d, and ports end at %d: write a number from 0 to %d", offsetVariable, offset, d.Env, d.port.Number, maxPort, maxPort-highestDefault())
			}
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxPort {
			return Ports{}, fmt.Errorf("%s=%q is not a port: write a number from 1 to %d", d.Env, value, maxPort)
		}
		d.port.Number = n
	}
	return p, nil
}

const maxPort = 65535

// Variables describes what moves `make run`, a line for each variable.
func Variables() string {
	var b strings.Builder
	line := func(name, value, what string) { fmt.Fprintf(&b, "%-27s %4s  %s\n", name, value, what) }
	line("KONG_DECLARATIVE_CONFIG", "", "another config than kong.yaml")
	line("REDIS_URL", "", "a Redis in place of the store in this process")
	line("OTEL_EXPORTER_OTLP_ENDPOINT", "", "a collector in place of the trace receiver")
	line(offsetVariable, "0", "is added to each port below whose variable is not set")
	var p Ports
	for _, d := range p.table() {
		line(d.Env, strconv.Itoa(d.Number), d.what)
	}
	return b.String()
}

// Environ returns the ports as environment variables, "NAME=number" each.
func (p *Ports) Environ() []string {
	var env []string
	for _, port := range p.all() {
		env = append(env, port.assignment())
	}
	return env
}

// FreePorts returns ports that nothing listened on a moment ago, for stacks that
// run side by side.
func FreePorts() (Ports, error) {
	p, err := DefaultPorts(func(string) (string, bool) { return "", false })
	if err != nil {
		return Ports{}, err
	}
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, port := range p.all() {
		l, err := listenAnywhere()
		if err != nil {
			return Ports{}, fmt.Errorf("find a free port for %s: %w", port.Env, err)
		}
		held = append(held, l)
		port.Number = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// Free ports are looked for below those that the system gives to connections (32768 and
// up on Linux): one of those may be a client's by the time that a server listens on it.
const (
	firstFreePort = 10_000
	freePorts     = 22_000
	freeTries     = 100
)

func listenAnywhere() (l net.Listener, err error) {
	for range freeTries {
		port := firstFreePort + rand.IntN(freePorts)
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// checkFree returns an error that names each port that is in use, with its variable.
func checkFree(ports []*Port) error {
	var busy, problems []string
	users := map[int]string{}
	for _, port := range ports {
		if other, twice := users[port.Number]; twice {
			problems = append(problems, fmt.Sprintf("%s and %s are both %d: give each a port of its own", other, port.Env, port.Number))
			continue
		}
		users[port.Number] = port.Env
		l, err := net.Listen("tcp", port.Addr())
		var errno syscall.Errno
		switch {
		case err == nil:
			l.Close()
		case errors.Is(err, syscall.EADDRINUSE):
			busy = append(busy, fmt.Sprintf("%d (%s)", port.Number, port.Env))
		case errors.As(err, &errno):
			problems = append(problems, fmt.Sprintf("%s=%d: %v: set it to another port", port.Env, port.Number, errno))
		default:
			problems = append(problems, fmt.Sprintf("%s=%d: %v: set it to another port", port.Env, port.Number, err))
		}
	}
	if len(busy) > 0 {
		problems = append(problems, fmt.Sprintf("in use: %s: stop what listens there, set each variable to a free port, or move all with %s=1000",
			strings.Join(busy, ", "), offsetVariable))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("ports %s", strings.Join(problems, "; "))
}

func (p *Ports) all() []*Port {
	var all []*Port
	for _, d := range p.table() {
		all = append(all, d.port)
	}
	return all
}
