package metrics

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// The states of a service's pool.
const (
	stateOpen = "open"   // connections
	stateUsed = "in_use" // requests on one, until the head of the answer is there
)

// otherUpstream is the name of what is at no service's address.
const otherUpstream = "other"

// Pool counts connections and requests of one transport, by service.
type Pool struct {
	metrics *Metrics
	names   map[string]string // by host:port
	base    http.RoundTripper
}

// Watch has m count the connections that transport opens from now on, and returns what to
// send requests on. names are the services' by their host:port.
func (m *Metrics) Watch(transport *http.Transport, names map[string]string) *Pool {
	p := &Pool{metrics: m, names: names, base: transport}
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		name := p.name(addr)
		m.dials.WithLabelValues(name).Inc()
		open := m.pool.WithLabelValues(name, stateOpen)
		open.Inc()
		return &countedConn{Conn: conn, closed: sync.OnceFunc(open.Dec)}, nil
	}
	return p
}

func (p *Pool) name(hostport string) string {
	if name, ok := p.names[hostport]; ok {
		return name
	}
	return otherUpstream
}

// used is the gauge of requests to the service of r.
func (p *Pool) used(r *http.Request) prometheus.Gauge {
	return p.metrics.pool.WithLabelValues(p.name(r.URL.Host), stateUsed)
}

// RoundTrip implements [http.RoundTripper].
func (p *Pool) RoundTrip(r *http.Request) (*http.Response, error) {
	used := p.used(r)
	used.Inc()
	defer used.Dec()
	return p.base.RoundTrip(r)
}

// Shared counts a call that had the answer to another's request.
func (p *Pool) Shared(r *http.Request) {
	p.metrics.shared.WithLabelValues(p.name(r.URL.Host)).Inc()
}

type countedConn struct {
	net.Conn
	closed func()
}

// Close implements [net.Conn].
func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
