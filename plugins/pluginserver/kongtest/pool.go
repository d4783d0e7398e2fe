package kongtest

import (
	"bufio"
	"context"
	"net"
	"slices"
	"time"
)

const (
	// poolSize is lua_socket_pool_size in Kong: more idle connections are not kept.
	poolSize = 256
	// socketTimeout is OpenResty's default for connecting, reading, writing and for
	// keeping an idle connection.
	socketTimeout = 60 * time.Second
)

// conn is a connection to a plugin server. Each read and each write may take
// socketTimeout.
type conn struct {
	net.Conn
	in    *bufio.Reader // the server may send several calls in one go
	since time.Time     // when it became idle

	watched chan struct{} // closed when an idle connection is not watched any more
}

func newConn(raw net.Conn) *conn {
	return &conn{Conn: raw, in: bufio.NewReader(timedReader{raw})}
}

func (c *conn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(socketTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

type timedReader struct{ net.Conn }

func (r timedReader) Read(p []byte) (int, error) {
	if err := r.SetReadDeadline(time.Now().Add(socketTimeout)); err != nil {
		return 0, err
	}
	return r.Conn.Read(p)
}

// take returns the connection that became idle last, or opens another.
func (c *Client) take() (*conn, error) {
	for idle := c.pop(); idle != nil; idle = c.pop() {
		if idle.release() && time.Since(idle.since) < socketTimeout && alive(idle.Conn) {
			return idle, nil
		}
		_ = idle.Close()
	}
	dialer := net.Dialer{Timeout: socketTimeout}
	raw, err := dialer.DialContext(context.Background(), "unix", c.path)
	if err != nil {
		return nil, err
	}
	return newConn(raw), nil
}

func (c *Client) pop() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	idle := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return idle
}

// put keeps a connection for the next call, unless bytes are left on it: then the
// two sides no longer agree on what comes next.
func (c *Client) put(used *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || used.in.Buffered() > 0 || len(c.idle) >= poolSize {
		_ = used.Close()
		return
	}
	used.since, used.watched = time.Now(), make(chan struct{})
	_ = used.SetReadDeadline(time.Time{})
	c.idle = append(c.idle, used)
	go c.watch(used)
}

// watch drops an idle connection once the server ends it or writes on it, so that a
// server that is about to stop need not wait.
func (c *Client) watch(idle *conn) {
	defer close(idle.watched)
	if !awaitInput(idle.Conn) {
		return // it was taken
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.idle, idle); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
		_ = idle.Close()
	}
}

// release ends the watch of a connection that was taken.
func (c *conn) release() bool {
	err := c.SetReadDeadline(time.Now())
	<-c.watched
	return err == nil && c.SetReadDeadline(time.Time{}) == nil
}
