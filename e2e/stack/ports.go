package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
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

// DefaultPorts returns the documented ports, each replaced by its environment
// variable where lookup finds one.
func DefaultPorts(lookup func(string) (string, bool)) (Ports, error) {
	p := Ports{
		Proxy:                Port{"PROXY_PORT", 8000},
		ProxyTLS:             Port{"PROXY_TLS_PORT", 8443},
		Admin:                Port{"ADMIN_PORT", 8001},
		Status:               Port{"STATUS_PORT", 8100},
		PluginServer:         Port{"PLUGINSERVER_PORT", 9542},
		WebBFF:               Port{"WEB_BFF_PORT", 8081},
		MobileBFF:            Port{"MOBILE_BFF_PORT", 8082},
		WebBFFStatus:         Port{"WEB_BFF_STATUS_PORT", 8181},
		MobileBFFStatus:      Port{"MOBILE_BFF_STATUS_PORT", 8182},
		Orders:               Port{"ORDERS_PORT", 9101},
		Users:                Port{"USERS_PORT", 9102},
		Billing:              Port{"BILLING_PORT", 9103},
		Notifications:        Port{"NOTIFICATIONS_PORT", 9104},
		Auth:                 Port{"AUTH_PORT", 9106},
		OrdersControl:        Port{"ORDERS_CONTROL_PORT", 9201},
		UsersControl:         Port{"USERS_CONTROL_PORT", 9202},
		BillingControl:       Port{"BILLING_CONTROL_PORT", 9203},
		NotificationsControl: Port{"NOTIFICATIONS_CONTROL_PORT", 9204},
		AuthControl:          Port{"AUTH_CONTROL_PORT", 9206},
		WebBFF2:              Port{"WEB_BFF_2_PORT", 8083},
		MobileBFF2:           Port{"MOBILE_BFF_2_PORT", 8084},
		Orders2:              Port{"ORDERS_2_PORT", 9105},
		WebBFF2Status:        Port{"WEB_BFF_2_STATUS_PORT", 8183},
		MobileBFF2Status:     Port{"MOBILE_BFF_2_STATUS_PORT", 8184},
		Orders2Control:       Port{"ORDERS_2_CONTROL_PORT", 9205},
		OTLP:                 Port{"OTLP_PORT", 4318},
		Redis:                Port{"REDIS_PORT", 6399},
	}
	for _, port := range p.all() {
		value, ok := lookup(port.Env)
		if !ok || value == "" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 65535 {
			return Ports{}, fmt.Errorf("%s=%q is not a port: write a number from 1 to 65535", port.Env, value)
		}
		port.Number = n
	}
	return p, nil
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

// checkFree returns an error that names the variable of the first port that is in use.
func checkFree(ports []*Port) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", port.Addr())
		if err != nil {
			return fmt.Errorf("port %d is in use: stop what listens there, or set %s to a free port", port.Number, port.Env)
		}
		l.Close()
	}
	return nil
}

func (p *Ports) all() []*Port {
	return []*Port{
		&p.Proxy, &p.ProxyTLS, &p.Admin, &p.Status, &p.PluginServer,
		&p.WebBFF, &p.MobileBFF, &p.WebBFFStatus, &p.MobileBFFStatus,
		&p.Orders, &p.Users, &p.Billing, &p.Notifications, &p.Auth,
		&p.OrdersControl, &p.UsersControl, &p.BillingControl, &p.NotificationsControl, &p.AuthControl,
		&p.WebBFF2, &p.MobileBFF2, &p.Orders2, &p.WebBFF2Status, &p.MobileBFF2Status, &p.Orders2Control,
		&p.OTLP, &p.Redis,
	}
}
