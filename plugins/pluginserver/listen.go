package pluginserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/inherit"
)

const (
	// socketMode lets Kong's user in by group, and nobody else.
	socketMode = 0o660
	// pathLimit is what fits sockaddr_un, less its final NUL, in bytes.
	pathLimit = 107
	// probeTimeout bounds the look whether a socket is in use.
	probeTimeout = time.Second
	// ListenFD is the environment variable by which a parent hands over a
	// listening socket: the number of its file descriptor.
	ListenFD = "GATEHOUSE_LISTEN_FD"
)

// Listen listens on a unix socket of mode 0660 at path. A socket that nobody
// listens on any more is replaced, in one step: at no moment is there none. It
// is an error if somebody listens there, if something else is there, if the
// directory is missing, or if the path is longer than 107 bytes. Closing the
// listener removes the socket, unless another has taken its place.
func Listen(path string) (net.Listener, error) { return listen(path, vacant) }

// TakeOver is [Listen], but takes the place of a process that listens there:
// from the next connection on Kong reaches this one, and the other serves those
// that it has until it is stopped. It is for a process that starts before its
// predecessor has ended.
func TakeOver(path string) (net.Listener, error) { return listen(path, replaceable) }

// Hold is [Listen] for a process that accepts nothing itself, but has children inherit
// the socket: see [inherit.Hold]. close removes the socket and closes it.
func Hold(path string) (fd int, close func() error, err error) {
	ln, err := Listen(path)
	if err != nil {
		return -1, nil, err
	}
	s := ln.(*socket)
	if fd, err = inherit.Hold(s.UnixListener); err != nil {
		s.unlink()
		return -1, nil, err
	}
	return fd, func() error {
		s.unlink()
		return syscall.Close(fd)
	}, nil
}

func listen(path string, check func(string) error) (net.Listener, error) {
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%06x", rand.Uint32()>>8))
	if longest := max(len(path), len(temporary)); longest > pathLimit {
		return nil, fmt.Errorf("listen on %s: the path takes %d bytes, a unix socket's has at most %d: choose a shorter one", path, longest, pathLimit)
	}
	if err := check(path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	ln, err := bind(temporary, path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return ln, nil
}

// vacant reports why a socket cannot be put at path.
func vacant(path string) error {
	if err := replaceable(path); err != nil {
		return err
	}
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(context.Background(), "unix", path)
	if err == nil {
		_ = conn.Close()
		return errors.New("a process listens there already: stop it or choose another path")
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("find out whether it is in use: %w", err)
}

// replaceable reports why a socket, or nothing, is not what is at path.
func replaceable(path string) error {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("directory %s does not exist: create it first", filepath.Dir(path))
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is a file that is no socket: remove it or choose another path")
	}
	return nil
}

// bind listens on a temporary path, then moves the socket to its place.
func bind(temporary, path string) (net.Listener, error) {
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	err = os.Chmod(temporary, socketMode)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, ln.Close(), os.Remove(temporary))
	}
	return &socket{UnixListener: ln, path: path, info: info}, nil
}

// socket is a listener that removes its own path.
type socket struct {
	*net.UnixListener
	path string
	info os.FileInfo
	once sync.Once
}

// Addr is where the socket is, not where it was bound.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close closes the listener and removes the socket if it is still this one.
func (s *socket) Close() error {
	s.unlink()
	return s.UnixListener.Close()
}

func (s *socket) unlink() {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.info) {
			_ = os.Remove(s.path)
		}
	})
}

// retire stops a listener from accepting. Connections in the backlog of one
// that is ours would be reset with it, and are accepted first; those of one
// that a parent holds wait there for the next process.
func retire(ln net.Listener) {
	if s, ok := ln.(*socket); ok {
		s.unlink()
		_ = s.SetDeadline(time.Now().Add(linger))
		return
	}
	_ = ln.Close()
}

// Inherited returns the listener that a parent process handed over by
// GATEHOUSE_LISTEN_FD, nil if there is none. It removes the variable, so
// that children of this process do not take the socket for theirs. Closing the
// listener leaves the parent's socket as it is: connections wait in its
// backlog for the next process.
func Inherited() (net.Listener, error) { return inherit.Listener(ListenFD) }
