package devgateway

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// What nginx refuses before Kong has a phase for it has an access line, and the log phase
// of the global plugins. Here it is net/http that refuses, and tells no handler: that a
// request came, and what was answered, is seen on its connection.

// maxRequestLine bounds what is kept of a request that may turn out to be refused.
const maxRequestLine = 64 << 10

// clientConn is a connection of a client's. net/http reads and writes it in goroutines
// that take turns, and beside those in one that waits for the client to hang up.
type clientConn struct {
	net.Conn
	number uint64

	mu     sync.Mutex
	began  time.Time // of the request under way, zero for none
	served bool      // it has come to the handler
	read   []byte    // the request's first bytes
	wrote  []byte    // likewise of its answer, as long as net/http makes that
	sent   int64     // bytes of the answer
}

// clientListener makes clientConns.
type clientListener struct{ net.Listener }

// Accept returns a clientConn.
func (l clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn}, nil
}

// Read keeps the first bytes of a request.
func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.served && n > 0 {
		if c.began.IsZero() {
			c.began = time.Now()
		}
		c.read = append(c.read, p[:min(n, maxRequestLine-len(c.read))]...)
	}
	return n, err
}

// Write keeps the first bytes of an answer that is no handler's.
func (c *clientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.served {
		c.wrote = append(c.wrote, p[:n]...)
		c.sent += int64(n)
	}
	return n, err
}

// idle ends a request that came to the handler.
func (c *clientConn) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.served, c.read, c.wrote, c.sent = time.Time{}, false, nil, nil, 0
}

// connKey is the context key of a connection.
type connKey struct{}

// serve says that the request has come to the handler.
func serve(r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served, c.read = true, nil
}

// connContext numbers connections, for the *N of nginx's error log.
func (g *Gateway) connContext(ctx context.Context, conn net.Conn) context.Context {
	number := g.accepted.Add(1)
	if c, ok := conn.(*clientConn); ok {
		c.number = number
		ctx = context.WithValue(ctx, connKey{}, c)
	}
	return context.WithValue(ctx, connNumber{}, &connCount{number: number})
}

// connState logs what was refused once its connection is over: net/http closes it.
func (g *Gateway) connState(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*clientConn)
	if !ok {
		return
	}
	switch state {
	case http.StateIdle:
		c.idle()
	case http.StateClosed:
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.served && len(c.read) > 0 {
			g.logRefused(c)
		}
	}
}

// logRefused writes the access line of a request that came to no handler, and runs the
// log phase.
func (g *Gateway) logRefused(c *clientConn) {
	snap := g.current.Load()
	f := &flow{g: g, snap: snap, x: exchange.New(snap.config), w: &recorder{}, loggers: snap.chain.global("log")}
	x := f.x
	x.ID, x.Start, x.Host, x.Header = newRequestID(), c.began, hostWithoutPort(""), http.Header{}
	line, _, _ := bytes.Cut(c.read, []byte("\n"))
	x.RequestLine = strings.TrimRight(string(line), "\r")
	x.Method, x.RequestURI, _ = strings.Cut(x.RequestLine, " ")
	x.RequestURI, _, _ = strings.Cut(x.RequestURI, " ")
	_, x.Args, _ = strings.Cut(x.RequestURI, "?")
	x.Conn.Number = c.number
	x.Conn.RemoteAddr, x.Conn.RemotePort = splitAddr(c.RemoteAddr().String())
	x.Conn.ServerAddr, x.Conn.ServerPort = splitAddr(c.LocalAddr().String())
	x.Status = statusOf(c.wrote)
	f.w.head = c.sent
	f.log()
}

// statusOf is the status of an answer; where a client hung up before there was one, nginx
// writes 400.
func statusOf(answer []byte) int {
	fields := strings.Fields(string(answer[:min(len(answer), 32)]))
	if len(fields) < 2 {
		return http.StatusBadRequest
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil {
		return http.StatusBadRequest
	}
	return status
}
