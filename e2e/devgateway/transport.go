package devgateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// transports keep the connections to upstreams: one http.Transport for each set
// of timeouts and TLS name.
type transports struct {
	mu    sync.Mutex
	known map[transportKey]*http.Transport
}

type transportKey struct {
	connect, write, read time.Duration
	serverName           string
}

func (t *transports) get(b *exchange.Balancer, host string) *http.Transport {
	key := transportKey{b.ConnectTimeout, b.WriteTimeout, b.ReadTimeout, hostWithoutPort(host)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.known[key]; found != nil {
		return found
	}
	if t.known == nil {
		t.known = map[transportKey]*http.Transport{}
	}
	t.known[key] = newTransport(key)
	return t.known[key]
}

func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, transport := range t.known {
		transport.CloseIdleConnections()
	}
}

func newTransport(key transportKey) *http.Transport {
	dialer := &net.Dialer{Timeout: key.connect}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, &connectError{err}
			}
			return &timedConn{Conn: c, read: key.read, write: key.write}, nil
		},
		// Kong does not verify upstreams unless tls_verify says so, which the
		// dev gateway does not support.
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, ServerName: key.serverName},
		DisableCompression:  true,
		MaxIdleConnsPerHost: 512,              // upstream_keepalive_pool_size
		IdleConnTimeout:     60 * time.Second, // upstream_keepalive_idle_timeout
	}
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
		c := got.Conn
		if secured, ok := c.(*tls.Conn); ok {
			c = secured.NetConn()
		}
		if timed, ok := c.(*timedConn); ok {
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

// connectError is a failure before the request was sent.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// tryError is a failed try: the status that nginx makes of it, and its words in
// the error log.
type tryError struct {
	status  int
	message string
	sent    bool // the upstream may have got the request
	err     error
}

func (e *tryError) Error() string { return e.err.Error() }
func (e *tryError) Unwrap() error { return e.err }

// retriable tells whether another try may follow: not if the request was sent
// and its method must not be repeated, and not without its body.
func (e *tryError) retriable(req *http.Request) bool {
	if errors.Is(e.err, context.Canceled) {
		return false
	}
	if !e.sent {
		return true
	}
	switch req.Method {
	case http.MethodPost, http.MethodPatch, "LOCK":
		return false
	default:
		return req.GetBody != nil || req.Body == nil
	}
}

func classify(err error) *tryError {
	var connect *connectError
	var errno syscall.Errno
	isConnect, isErrno := errors.As(err, &connect), errors.As(err, &errno)
	e := &tryError{status: http.StatusBadGateway, sent: !isConnect, err: err}
	switch {
	case isTimeout(err) && isConnect:
		e.status, e.message = http.StatusGatewayTimeout, "upstream timed out (110: Connection timed out) while connecting to upstream"
	case isTimeout(err):
		e.status, e.message = http.StatusGatewayTimeout, "upstream timed out (110: Connection timed out) while reading response header from upstream"
	case isConnect && isErrno:
		e.message = fmt.Sprintf("connect() failed (%d: %s) while connecting to upstream", int(errno), capital(errno.Error()))
	case isConnect:
		e.message = fmt.Sprintf("connect() failed (%v) while connecting to upstream", err)
	case isErrno:
		e.message = fmt.Sprintf("recv() failed (%d: %s) while reading response header from upstream", int(errno), capital(errno.Error()))
	case malformed(err):
		e.message = "upstream sent no valid HTTP/1.0 header while reading response header from upstream"
	default:
		e.message = "upstream prematurely closed connection while reading response header from upstream"
	}
	return e
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// malformed tells a response that is not HTTP from one that did not come.
func malformed(err error) bool {
	return strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "malformed MIME")
}

// capital writes an error as the C library does: "Connection refused".
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
