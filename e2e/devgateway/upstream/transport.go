package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Transports keep the connections to upstreams: one http.Transport for each set
// of timeouts, and of certificates. The zero value is ready to use.
type Transports struct {
	mu    sync.Mutex
	known map[pool]*http.Transport
}

type pool struct {
	timeouts
	tls string
}

type timeouts struct{ connect, write, read time.Duration }

// get returns the transport for a service whose server has that name.
func (t *Transports) get(s *config.Service, server string) *http.Transport {
	millis := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	key := pool{timeouts: timeouts{millis(s.ConnectTimeout), millis(s.WriteTimeout), millis(s.ReadTimeout)}}
	var secure *tls.Config
	if s.TLS != nil {
		key.tls = server + " " + s.TLS.Key
		secure = s.TLS.Config(server)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.known[key]; found != nil {
		return found
	}
	if t.known == nil {
		t.known = map[pool]*http.Transport{}
	}
	t.known[key] = newTransport(key.timeouts, secure)
	return t.known[key]
}

// Close closes the idle connections.
func (t *Transports) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, transport := range t.known {
		transport.CloseIdleConnections()
	}
}

func newTransport(bounds timeouts, secure *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: bounds.connect}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, &connectError{err}
		}
		return &timedConn{Conn: c, read: bounds.read, write: bounds.write}, nil
	}
	t := &http.Transport{
		DialContext:         dial,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 512,              // upstream_keepalive_pool_size
		IdleConnTimeout:     60 * time.Second, // upstream_keepalive_idle_timeout
	}
	if secure != nil {
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return handshake(ctx, c, secure, bounds.connect)
		}
	}
	return t
}

// handshake opens TLS, in the time that a connection may take.
func handshake(ctx context.Context, c net.Conn, secure *tls.Config, within time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn := tls.Client(c, secure)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, &handshakeError{err}
	}
	return conn, nil
}

// timedConn bounds the time between two reads and between two writes, as
// nginx's proxy_read_timeout and proxy_send_timeout do.
type timedConn struct {
	net.Conn
	read, write time.Duration
	// timedOut ends the request that has the connection, nil before the first.
	timedOut atomic.Pointer[context.CancelCauseFunc]
}

// Read ends the request too if it times out: http.Transport would send a request
// again that failed on a connection it had kept, and nginx does not after a
// timeout.
func (c *timedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.read)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if end := c.timedOut.Load(); end != nil && err != nil && isTimeout(err) {
		(*end)(err)
	}
	return n, err
}

// withoutRepeat is a context for one try of a request: it ends when the
// connection that the try gets times out.
func withoutRepeat(ctx context.Context) context.Context {
	ctx, end := context.WithCancelCause(ctx)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		conn := got.Conn
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn()
		}
		if timed, ok := conn.(*timedConn); ok {
			timed.timedOut.Store(&end)
		}
	}})
}

// Write starts the time for reading anew too: http.Transport reads an idle
// connection all the time.
func (c *timedConn) Write(p []byte) (int, error) {
	now := time.Now()
	if err := errors.Join(c.SetWriteDeadline(now.Add(c.write)), c.SetReadDeadline(now.Add(c.read))); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
