// Package inherit takes over files that a parent process holds, sockets above
// all, whose descriptors it tells in environment variables.
//
// The parent holds them as bare descriptors. Go's poller would wake it for whatever
// arrives on a socket that it has as a net.Conn, be it another process that reads.
package inherit

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstFD is the first descriptor that can be inherited: 0 to 2 are standard
// input, output and error.
const firstFD = 3

// File returns the file whose descriptor an environment variable holds, nil if
// the variable is not set. It removes the variable, so that children of this
// process do not take the file for theirs. The error names the variable.
func File(variable string) (*os.File, error) {
	value, ok := os.LookupEnv(variable)
	if !ok {
		return nil, nil
	}
	if err := os.Unsetenv(variable); err != nil {
		return nil, fmt.Errorf("unset %s: %w", variable, err)
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < firstFD {
		return nil, fmt.Errorf("%s=%q: give it the number of a file descriptor, %d or more", variable, value, firstFD)
	}
	return os.NewFile(uintptr(fd), variable), nil
}

// Hold takes a socket out of Go's hands: it closes it, and returns another descriptor
// of it, for children to inherit.
func Hold(socket interface {
	syscall.Conn
	io.Closer
}) (fd int, err error) {
	var duplicating error
	err = Control(socket, func(old int) {
		fd, duplicating = unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, firstFD)
	})
	if err := errors.Join(err, duplicating, socket.Close()); err != nil {
		return -1, fmt.Errorf("hold a socket: %w", err)
	}
	return fd, nil
}

// Control calls f with a connection's descriptor.
func Control(conn syscall.Conn, f func(fd int)) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}

// Listener returns the listening socket whose descriptor an environment variable
// holds, nil if the variable is not set. To close it leaves the parent's socket as
// it is: connections wait in its backlog for the next process.
func Listener(variable string) (net.Listener, error) {
	file, err := File(variable)
	if file == nil {
		return nil, err
	}
	defer file.Close()
	listening, err := syscall.GetsockoptInt(int(file.Fd()), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err != nil {
		return nil, fmt.Errorf("%s: it is no socket: %w: hand over a listening one", variable, err)
	}
	if listening == 0 {
		return nil, fmt.Errorf("%s: the socket does not listen: hand over a listening one", variable)
	}
	ln, err := net.FileListener(file) // a duplicate
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return ln, nil
}

// UnixConn returns the unix socket whose descriptor an environment variable
// holds, nil if the variable is not set.
func UnixConn(variable string) (*net.UnixConn, error) {
	file, err := File(variable)
	if file == nil {
		return nil, err
	}
	defer file.Close()
	conn, err := net.FileConn(file) // a duplicate
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s: it is no unix socket: hand over one", variable), conn.Close())
	}
	return unix, nil
}
