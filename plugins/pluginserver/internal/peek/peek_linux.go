package peek

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// peeksOn sees to it that a peek at a socket begins where the last one ended
// (SO_PEEK_OFF, socket(7)), and reports whether it does.
func peeksOn(raw syscall.RawConn) bool {
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PEEK_OFF, 0)
	})
	return err == nil && set == nil
}
