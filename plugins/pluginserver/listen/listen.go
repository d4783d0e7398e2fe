// Package listen makes unix sockets at a path, in the place of those that nobody
// listens on any more.
package listen

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

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

const (
	// socketMode lets Kong's user in by group, and nobody else.
	socketMode = 0o660
	// pathLimit is what fits sockaddr_un, less its final NUL, in bytes.
	pathLimit = 107
	// probeTimeout bounds the look whether a socket is in use: only one whose backlog is
	// full, or a machine that is very busy, takes more than a moment.
	probeTimeout = 5 * time.Second
)

// Unix listens on a unix socket of mode 0660 at path. A socket that nobody
// listens on any more is replaced, in one step: at no moment is there none. It
// is an error if somebody listens there, if something else is there, if the
// directory is missing, or if the path is longer than 107 bytes. Closing the
// listener removes the socket, unless another has taken its place.
func Unix(path string) (*Listener, error) { return stream(path, vacant) }

// TakeOver is [Unix], but takes the place of a process that listens there:
// from the next connection on Kong reaches this one, and the other serves those
// that it has until it is stopped. It is for a process that starts before its
// predecessor has ended.
func TakeOver(path string) (*Listener, error) { return stream(path, replaceable) }

// Hold is [Unix] for a process that accepts nothing itself, but has children inherit
// the socket, see [inherit.Hold]. stop removes the socket and closes it.
func Hold(path string) (fd int, stop func() error, err error) {
	ln, err := Unix(path)
	if err != nil {
		return -1, nil, err
	}
	if fd, err = inherit.Hold(ln.UnixListener); err != nil {
		ln.unlink()
		return -1, nil, err
	}
	return fd, func() error {
		ln.unlink()
		return syscall.Close(fd)
	}, nil
}

// Unixgram makes a datagram socket of mode 0660 at path, under the conditions of [Unix].
// Closing it leaves the path.
func Unixgram(path string) (*net.UnixConn, error) {
	var conn *net.UnixConn
	err := place(path, "unixgram", vacant, func(temporary string) (err error) {
		conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: temporary, Net: "unixgram"})
		return err
	})
	switch {
	case err == nil:
		return conn, nil
	case conn == nil:
		return nil, err
	}
	return nil, errors.Join(err, conn.Close())
}

func stream(path string, check func(network, path string) error) (*Listener, error) {
	l := &Listener{path: path}
	err := place(path, "unix", check, func(temporary string) (err error) {
		l.UnixListener, err = net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
		if err == nil {
			l.SetUnlinkOnClose(false)
		}
		return err
	})
	if err == nil {
		l.info, err = os.Lstat(path)
	}
	if err != nil && l.UnixListener != nil {
		err = errors.Join(err, l.UnixListener.Close())
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// place binds a socket to a temporary path, and moves it to its place if check lets it.
func place(path, network string, check func(network, path string) error, bind func(temporary string) error) error {
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%06x", rand.Uint32()>>8))
	if longest := max(len(path), len(temporary)); longest > pathLimit {
		return fmt.Errorf("listen on %s: the path takes %d bytes, a unix socket's has at most %d: choose a shorter one", path, longest, pathLimit)
	}
	err := check(network, path)
	if err == nil {
		err = bind(temporary)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if err = os.Chmod(temporary, socketMode); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, errors.Join(err, os.Remove(temporary)))
	}
	return nil
}

// vacant reports why a socket cannot be put at path.
func vacant(network, path string) error {
	if err := replaceable(network, path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(context.Background(), network, path)
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
func replaceable(_, path string) error {
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

// Listener is a listening socket that removes its own path.
type Listener struct {
	*net.UnixListener
	path string
	info os.FileInfo
	once sync.Once
}

// Addr is where the socket is, not where it was bound.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close closes the listener and removes the socket if it is still this one.
func (l *Listener) Close() error {
	l.unlink()
	return l.UnixListener.Close()
}

func (l *Listener) unlink() {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.info) {
			_ = os.Remove(l.path)
		}
	})
}

// Retire removes the path at once, and lets the connections that are in the backlog be
// accepted for a while: they would be reset with the listener.
func (l *Listener) Retire(linger time.Duration) {
	l.unlink()
	_ = l.SetDeadline(time.Now().Add(linger))
}
