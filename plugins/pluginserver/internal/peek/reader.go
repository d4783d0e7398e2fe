// Package peek reads a connection so that the peer's bytes stay in the kernel's buffer
// until what they are about is done.
package peek

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Kong writes a frame in two, four bytes and at least one, and each write takes 768 bytes
// of the kernel's buffer, of which it has 208 KiB (net.core.wmem_default of Linux).
const (
	// holdLimit is how many bytes a Reader leaves in the buffer at most, before it takes
	// all but the last: at worst 154 KiB, beside 48 KiB for 64 empty replies that nobody
	// has read yet.
	holdLimit = 512
	// waitLimit is how many it leaves there when it waits for more. Once the buffer was
	// full, Kong may write again when three quarters of it are free; waiting for Kong with
	// more than a quarter held would be waiting for each other.
	waitLimit = 128
	// scratchSize is how many bytes are taken at a time.
	scratchSize = 4 << 10
)

// Reader reads what Kong writes on a connection, and leaves it in the kernel's buffer
// until Take is called, which is when the next event has arrived: taking bytes wakes
// whoever writes, and then Kong is awake.
//
// A process that is killed while it has bytes unread resets its connections, where it
// would otherwise close them. For Kong 3.9 that is the difference between an event that
// failed, which it answers with a 500, and a plugin server that went away, on which it
// starts all instances of the plugin anew, in every worker, while the plugin server does
// not answer yet. Other systems than Linux cannot read on behind what they left: there,
// and on a connection that is no socket, a Reader takes what it reads.
type Reader struct {
	nc  net.Conn
	raw syscall.RawConn // nil: what is read is taken

	held    int // bytes that were read and not taken
	scratch []byte

	// The call under way. The functions are made once, so that a read allocates nothing.
	into   []byte // what a peek fills
	n      int    // bytes that it got, or that are to be taken
	err    error
	peekFn func(fd uintptr) (done bool)
	takeFn func(fd uintptr)
}

// NewReader returns a Reader of a connection from which nothing was read.
func NewReader(nc net.Conn) *Reader {
	r := &Reader{nc: nc}
	raw := socketOf(nc)
	if raw == nil || !peeksOn(raw) {
		return r
	}
	r.raw = raw
	r.peekFn = r.peek
	r.takeFn = func(fd uintptr) { r.err = r.take(fd, r.n) }
	return r
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

// receive reads from a socket without waiting.
func receive(fd uintptr, p []byte, flags int) (n int, err error) {
	for {
		n, _, err = syscall.Recvfrom(int(fd), p, flags|syscall.MSG_DONTWAIT)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// peek reads without taking, and reports whether there is a result.
func (r *Reader) peek(fd uintptr) (done bool) {
	r.n, r.err = receive(fd, r.into, syscall.MSG_PEEK)
	if !errors.Is(r.err, syscall.EAGAIN) {
		return true
	}
	if r.held > waitLimit {
		if err := r.take(fd, r.held-1); err != nil {
			r.err = err
			return true
		}
	}
	return false
}

// take takes bytes that were read, which are there.
func (r *Reader) take(fd uintptr, count int) error {
	if r.scratch == nil {
		r.scratch = make([]byte, scratchSize)
	}
	for count > 0 {
		n, err := receive(fd, r.scratch[:min(count, len(r.scratch))], 0)
		if err != nil {
			return err
		}
		count -= n
		r.held -= n
	}
	return nil
}

// Read waits for bytes, by the connection's deadline.
func (r *Reader) Read(p []byte) (int, error) {
	if r.raw == nil || len(p) == 0 {
		return r.nc.Read(p)
	}
	if r.held >= holdLimit {
		if err := r.Take(1); err != nil { // one keeps the connection from closing in order
			return 0, err
		}
	}
	r.into = p
	if err := r.raw.Read(r.peekFn); err != nil {
		return 0, err
	}
	switch {
	case r.err != nil:
		return 0, r.err
	case r.n == 0:
		return 0, io.EOF
	}
	r.held += r.n
	return r.n, nil
}

// Holds reports whether the kernel still has the last bytes that were read.
func (r *Reader) Holds(last int) bool { return r.held >= last }

// Take takes what was read out of the kernel's buffer, but for the last bytes. It does not
// wait.
func (r *Reader) Take(butLast int) error {
	if r.n = r.held - butLast; r.n <= 0 {
		return nil
	}
	if err := r.raw.Control(r.takeFn); err != nil {
		return err
	}
	return r.err
}
