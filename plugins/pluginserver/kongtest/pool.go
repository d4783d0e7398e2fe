package kongtest

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"time"
)

// pooled is an idle connection. Like nginx, the client watches it, and drops
// it when the server closes its end.
type pooled struct {
	net.Conn
	watched chan struct{} // closed when the watcher has let go
	alive   bool          // whether the connection can be used; read after watched
}

// take returns an idle connection or opens another.
func (c *Client) take() (net.Conn, int64, error) {
	c.mu.Lock()
	c.sequence++
	sequence := c.sequence
	c.mu.Unlock()
	for conn := c.pop(); conn != nil; conn = c.pop() {
		_ = conn.SetReadDeadline(time.Now()) // wakes the watcher
		<-conn.watched
		if conn.alive {
			return conn.Conn, sequence, conn.SetReadDeadline(time.Time{})
		}
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", c.path)
	return conn, sequence, err
}

func (c *Client) pop() *pooled {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	conn := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return conn
}

// put keeps a connection for the next call.
func (c *Client) put(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return
	}
	p := &pooled{Conn: conn, watched: make(chan struct{})}
	c.idle = append(c.idle, p)
	go c.watch(p)
}

// watch waits until the connection is taken or ends.
func (c *Client) watch(p *pooled) {
	_, err := p.Read(make([]byte, 1))
	p.alive = errors.Is(err, os.ErrDeadlineExceeded)
	if !p.alive {
		_ = p.Close()
		c.mu.Lock()
		c.idle = slices.DeleteFunc(c.idle, func(other *pooled) bool { return other == p })
		c.mu.Unlock()
	}
	close(p.watched)
}
