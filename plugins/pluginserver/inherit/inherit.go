// Package inherit passes open sockets from a process to those that it starts, as
// systemd does (sd_listen_fds(3)): the child finds them at descriptor 3 and up, told by
// LISTEN_FDS and LISTEN_FDNAMES.
//
// A parent holds them as bare descriptors, see [Hold]. Go's poller would wake it for
// whatever arrives on a socket that it has as a net.Conn, be it another process that
// reads.
package inherit

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstFD is the descriptor of the first file that is passed on: 0 to 2 are standard
// input, output and error.
const firstFD = 3

// The names of what a plugin server may be passed.
const (
	// Socket is the listening socket that Kong connects to. The first descriptor is this
	// one whatever it is called: systemd calls it by its unit, unless told otherwise.
	Socket = "socket"
	// HTTP is the listener of health and metrics.
	HTTP = "http"
	// Give and Take are the two ends of a handover of connections.
	Give = "give"
	Take = "take"
)

// The variables, by the names that systemd has for them.
const (
	countVariable = "LISTEN_FDS"
	namesVariable = "LISTEN_FDNAMES"
	pidVariable   = "LISTEN_PID"
)

// Held is an open file for a child to inherit.
type Held struct {
	Name string
	FD   int
}

// Environ is the environment of a child that gets these files, in this order, as
// descriptors 3 and up: environ, with the variables that say so. LISTEN_PID is not
// among them, since Go does not let a parent run code between fork and exec.
func Environ(environ []string, files []Held) []string {
	environ = slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == countVariable || name == namesVariable || name == pidVariable
	})
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = file.Name
	}
	return append(environ, fmt.Sprintf("%s=%d", countVariable, len(files)), namesVariable+"="+strings.Join(names, ":"))
}

// Files are what a parent process has passed on, by name. Nil has none.
type Files map[string]*os.File

// FromParent returns the files that a parent process has passed on. It removes the
// variables, and has children of this process not inherit the files. Where LISTEN_PID
// is set and names another process, they are not for this one. Of two with the same
// name, the first counts.
func FromParent() (Files, error) {
	count, names, pid := os.Getenv(countVariable), os.Getenv(namesVariable), os.Getenv(pidVariable)
	for _, variable := range []string{countVariable, namesVariable, pidVariable} {
		if err := os.Unsetenv(variable); err != nil {
			return nil, fmt.Errorf("unset %s: %w", variable, err)
		}
	}
	if count == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%s=%q: write how many descriptors there are, from %d on", countVariable, count, firstFD)
	}
	return take(n, strings.Split(names, ":"))
}

// take makes files of n descriptors.
func take(n int, names []string) (Files, error) {
	files := Files{}
	for i := range n {
		fd := firstFD + i
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return nil, fmt.Errorf("%s=%d: descriptor %d: %w: pass on open files", countVariable, n, fd, err)
		}
		name := Socket
		if i > 0 && i < len(names) {
			name = names[i]
		}
		if files[name] == nil {
			files[name] = os.NewFile(uintptr(fd), name)
		}
	}
	return files, nil
}

// Listener returns the listening socket of a name, nil if there is none. To close it
// leaves the parent's socket as it is: connections wait in its backlog for the next
// process.
func (f Files) Listener(name string) (net.Listener, error) {
	file := f[name]
	if file == nil {
		return nil, nil
	}
	defer file.Close()
	listening, err := syscall.GetsockoptInt(int(file.Fd()), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err != nil {
		return nil, fmt.Errorf("inherited %s: it is no socket: %w: pass on a listening one", name, err)
	}
	if listening == 0 {
		return nil, fmt.Errorf("inherited %s: the socket does not listen: pass on one that does", name)
	}
	ln, err := net.FileListener(file) // a duplicate
	if err != nil {
		return nil, fmt.Errorf("inherited %s: %w", name, err)
	}
	return ln, nil
}

// UnixConn returns the unix socket of a name, nil if there is none.
func (f Files) UnixConn(name string) (*net.UnixConn, error) {
	file := f[name]
	if file == nil {
		return nil, nil
	}
	defer file.Close()
	conn, err := net.FileConn(file) // a duplicate
	if err != nil {
		return nil, fmt.Errorf("inherited %s: %w", name, err)
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("inherited %s: it is no unix socket: pass on one", name), conn.Close())
	}
	return unix, nil
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
