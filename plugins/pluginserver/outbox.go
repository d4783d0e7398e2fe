package pluginserver

import (
	"errors"
	"net"
	"syscall"
)

// outbox writes to Kong.
type outbox struct {
	nc  net.Conn
	raw syscall.RawConn // nil: nc writes itself

	// The write under way. The function is made once, so that a write allocates
	// nothing.
	rest  []byte
	err   error
	tryFn func(fd uintptr) (done bool)
}

func newOutbox(nc net.Conn) *outbox {
	o := &outbox{nc: nc, raw: socketOf(nc)}
	o.tryFn = o.try
	return o
}

// socketOf is the socket of a connection, nil if it is none.
func socketOf(nc net.Conn) syscall.RawConn {
	conn, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// try writes as much as there is room for, and reports whether there is no more to be
// done.
func (o *outbox) try(fd uintptr) (done bool) {
	for len(o.rest) > 0 {
		var n int
		n, o.err = send(fd, o.rest)
		switch {
		case o.err == nil:
			o.rest = o.rest[n:]
		case errors.Is(o.err, syscall.EAGAIN):
			return false
		case !errors.Is(o.err, syscall.EINTR):
			return true
		}
	}
	return true
}

// Write writes all of p, by the connection's deadline.
func (o *outbox) Write(p []byte) (int, error) {
	if o.raw == nil {
		return o.nc.Write(p)
	}
	o.rest, o.err = p, nil
	err := o.raw.Write(o.tryFn)
	if err == nil {
		err = o.err
	}
	n := len(p) - len(o.rest)
	o.rest = nil
	return n, err
}
