package nginxlog

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/gatehousehq/gatehouse/plugins/inherit"
)

// ListenFD is the environment variable by which a parent hands over the socket: the
// number of its file descriptor.
const ListenFD = "GATEHOUSE_SYSLOG_FD"

// Open makes a datagram socket at path, with mode 0660. A socket that nobody listens
// on any more is replaced; one that somebody does, or another file, is an error.
func Open(path string) (*net.UnixConn, error) {
	conn, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return conn, nil
}

func open(path string) (*net.UnixConn, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(path, 0o660), conn.SetReadBuffer(readBuffer)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// The kernel refuses a datagram for which it has no room, and nginx then drops the
// line. It has room for as many as this setting says, ten unless somebody raised
// it, whatever the buffer's size.
const (
	queueSetting       = "/proc/sys/net/unix/max_dgram_qlen"
	advisedKernelQueue = 512
)

// kernelQueue reads how many datagrams a socket holds, where the system says so.
func kernelQueue(path string) (n int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}

// removeStale removes the socket at path if nobody listens on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errors.New("is no socket: remove it or use another path")
	}
	conn, err := net.Dial("unixgram", path)
	if err == nil {
		return errors.Join(errors.New("another process listens on it"), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// Inherited returns the socket that a parent process handed over by
// GATEHOUSE_SYSLOG_FD, nil if there is none. Lines wait in its buffer while no
// process reads them.
func Inherited() (*net.UnixConn, error) { return inherit.UnixConn(ListenFD) }
