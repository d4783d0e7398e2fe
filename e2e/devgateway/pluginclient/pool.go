package pluginclient

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

const (
	poolSize      = 256              // lua_socket_pool_size
	socketTimeout = 60 * time.Second // OpenResty's, for connecting, reading, writing and keeping alive
)

// conn is a connection to the plugin server, with buffers: the server may send
// several calls in one go.
type conn struct {
	net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	idle time.Time // since when it is in the pool
}

// pool keeps connections for reuse, the last one first.
type pool struct {
	socket string

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func (p *pool) get() (*conn, error) {
	for c := p.take(); c != nil; c = p.take() {
		if time.Since(c.idle) < socketTimeout && alive(c.Conn) {
			return c, nil
		}
		_ = c.Close()
	}
	dialer := net.Dialer{Timeout: socketTimeout}
	raw, err := dialer.DialContext(context.Background(), "unix", p.socket)
	if err != nil {
		return nil, socketError(err)
	}
	return &conn{Conn: raw, r: bufio.NewReader(raw), w: bufio.NewWriter(raw)}, nil
}

func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// put takes a connection back, unless there is something left on it.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || c.r.Buffered() > 0 || len(p.idle) >= poolSize {
		_ = c.Close()
		return
	}
	c.idle = time.Now()
	p.idle = append(p.idle, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
}

func (c *conn) read() ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(socketTimeout)); err != nil {
		return nil, socketError(err)
	}
	data, err := readFrame(c.r)
	return data, socketError(err)
}

// write sends a frame at once.
func (c *conn) write(data []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(socketTimeout)); err != nil {
		return socketError(err)
	}
	err := writeFrame(c.w, data)
	if err == nil {
		err = c.w.Flush()
	}
	return socketError(err)
}
