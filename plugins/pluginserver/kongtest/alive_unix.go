//go:build unix

package kongtest

import (
	"errors"
	"net"
	"syscall"
)

// awaitInput waits until an idle connection has something to read, or ends. OpenResty
// drops a connection of its pool when the server closes it or sends what nobody asked
// for. It returns false when the read deadline comes first.
func awaitInput(c net.Conn) bool {
	return peek(c, func(empty bool) (done bool) { return !empty })
}

// alive tells whether an idle connection is open and has nothing to read.
func alive(c net.Conn) (open bool) {
	_, isSocket := c.(syscall.Conn)
	looked := peek(c, func(empty bool) (done bool) { open = empty; return true })
	return !isSocket || looked && open
}

// peek looks whether there is nothing to read on an open connection, again each time
// that this may have changed, until look is done. It returns false where it could not.
func peek(c net.Conn, look func(empty bool) (done bool)) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	return nil == raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return look(errors.Is(err, syscall.EAGAIN))
	})
}
