// Package peek reads a connection so that the peer's bytes stay in the kernel's buffer
// until what they are about is done.
package peek

import (
	"errors"
	"io"
	"net"
	"syscall"
)

const (
	// holdLimit is how many bytes a Reader leaves in the kernel's buffer at most, before
	// it takes all but the last. Kong writes a frame in two, four bytes and at least one,
	// and each write takes 768 bytes there: at worst 154 KiB, and 48 KiB for 64 empty
	// replies that nobody has read yet, of the 208 at which Kong's writes block
	// (net.core.wmem_default of Linux).
	holdLimit = 512
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

	// The read under way. The functions are made once, so that a read allocates
	// nothing.
	into      []byte
	flags     int
	n         int
	err       error
	tryFn     func(fd uintptr) (done bool)
	controlFn func(fd uintptr)
}

// NewReader returns a Reader of a connection from which nothing was read.
func NewReader(nc net.Conn) *Reader {
	r := &Reader{nc: nc}
	raw := socketOf(nc)
	if raw == nil || !peeksOn(raw) {
		return r
	}
	r.raw = raw
	r.tryFn = r.try
	r.controlFn = func(fd uintptr) { r.try(fd) }
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

// try reads without waiting, and reports whether there is a result.
func (r *Reader) try(fd uintptr) (done bool) {
	for {
		r.n, _, r.err = syscall.Recvfrom(int(fd), r.into, r.flags|syscall.MSG_DONTWAIT)
		if !errors.Is(r.err, syscall.EINTR) {
			return !errors.Is(r.err, syscall.EAGAIN)
		}
	}
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
	r.into, r.flags = p, syscall.MSG_PEEK
	if err := r.raw.Read(r.tryFn); err != nil {
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
// wait: the bytes are there.
func (r *Reader) Take(butLast int) error {
	count := r.held - butLast
	if r.scratch == nil && count > 0 {
		r.scratch = make([]byte, scratchSize)
	}
	for count > 0 {
		r.into, r.flags = r.scratch[:min(count, len(r.scratch))], 0
		if err := r.raw.Control(r.controlFn); err != nil {
			return err
		}
		if r.err != nil {
			return r.err
		}
		count -= r.n
		r.held -= r.n
	}
	return nil
}
