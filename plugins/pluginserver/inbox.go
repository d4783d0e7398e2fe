package pluginserver

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// holdLimit is how many bytes an inbox leaves in the kernel's buffer at most,
// before it takes all but the last. Kong writes a frame in two, four bytes and at
// least one, and each write takes 768 bytes there: at worst 154 KiB, and 48 KiB for
// the replies that nobody has read yet (maxOwed), of the 208 at which Kong's writes
// block (net.core.wmem_default of Linux).
const holdLimit = 512

// inbox reads what Kong writes on a connection, and leaves it in the kernel's
// buffer until settle is called, which is when the next event has arrived: taking
// bytes wakes whoever writes, and then Kong is awake.
//
// A process that is killed while it has bytes unread resets its connections,
// where it would otherwise close them. For Kong 3.9 that is the difference
// between an event that failed, which it answers with a 500, and a plugin
// server that went away, on which it starts all instances of the plugin anew,
// in every worker, while the plugin server does not answer yet. Other systems
// than Linux cannot read on behind what they left, and close.
type inbox struct {
	nc  net.Conn
	raw syscall.RawConn // nil: what is read is taken

	held    int // bytes that were read and not taken
	scratch []byte

	// The read under way. The functions are made once, so that a
	// read allocates nothing.
	into      []byte
	flags     int
	n         int
	err       error
	tryFn     func(fd uintptr) (done bool)
	controlFn func(fd uintptr)
}

func newInbox(nc net.Conn) *inbox {
	b := &inbox{nc: nc}
	raw := socketOf(nc)
	if raw == nil || !peeksOn(raw) {
		return b
	}
	b.raw = raw
	b.tryFn = b.try
	b.controlFn = func(fd uintptr) { b.try(fd) }
	return b
}

// try reads without waiting, and reports whether there is a result.
func (b *inbox) try(fd uintptr) (done bool) {
	for {
		b.n, _, b.err = syscall.Recvfrom(int(fd), b.into, b.flags|syscall.MSG_DONTWAIT)
		if !errors.Is(b.err, syscall.EINTR) {
			return !errors.Is(b.err, syscall.EAGAIN)
		}
	}
}

// Read waits for bytes, by the connection's deadline.
func (b *inbox) Read(p []byte) (int, error) {
	if b.raw == nil || len(p) == 0 {
		return b.nc.Read(p)
	}
	if b.held >= holdLimit {
		if err := b.take(b.held - 1); err != nil { // one keeps the connection from closing in order
			return 0, err
		}
	}
	b.into, b.flags = p, syscall.MSG_PEEK
	if err := b.raw.Read(b.tryFn); err != nil {
		return 0, err
	}
	switch {
	case b.err != nil:
		return 0, b.err
	case b.n == 0:
		return 0, io.EOF
	}
	b.held += b.n
	return b.n, nil
}

// settle takes what was read, but for the last bytes, which nobody has used yet.
func (b *inbox) settle(unused int) error { return b.take(b.held - unused) }

// holds reports whether the kernel still has the last bytes that were read.
func (b *inbox) holds(unused int) bool { return b.held >= unused }

// take takes bytes that were read, which are there.
func (b *inbox) take(count int) error {
	if b.scratch == nil && count > 0 {
		b.scratch = make([]byte, protocol.BufferSize)
	}
	for count > 0 {
		b.into, b.flags = b.scratch[:min(count, len(b.scratch))], 0
		if err := b.raw.Control(b.controlFn); err != nil {
			return err
		}
		if b.err != nil {
			return b.err
		}
		count -= b.n
		b.held -= b.n
	}
	return nil
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
