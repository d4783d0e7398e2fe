package kongtest

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A connection with something left on it is out of step: it is closed.
func TestPoolRefusesLeftovers(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	go func() { _, _ = theirs.Write([]byte("ab")) }()
	used, c := newConn(ours), NewClient("")
	if _, err := used.in.ReadByte(); err != nil {
		t.Fatal(err)
	}
	c.put(used)
	if c.pop() != nil {
		t.Error("the pool kept it")
	}
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("it is still open: %v", err)
	}
}

// An idle connection is used again, unless the server closed it or sent something that
// nobody asked for.
func TestPoolUsesConnectionsAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile func(net.Conn) error
		again     bool
	}{
		"nothing happens": {func(net.Conn) error { return nil }, true},
		"closed":          {net.Conn.Close, false},
		"unasked": {func(conn net.Conn) error {
			_, err := conn.Write([]byte("a"))
			return err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s")
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			c := NewClient(path)
			first, err := c.take()
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			c.put(first)
			if err := tc.meanwhile(theirs); err != nil {
				t.Fatal(err)
			}
			if next, err := c.take(); err != nil || (next == first) != tc.again {
				t.Errorf("took the same connection: %t, error %v; want %t", next == first, err, tc.again)
			}
		})
	}
}

// An idle connection is kept as long as OpenResty keeps one.
func TestPoolForgetsIdleConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, _ := net.Pipe()
		c := NewClient(filepath.Join(t.TempDir(), "nobody"))
		used := newConn(ours)
		c.put(used)
		time.Sleep(socketTimeout - 1)
		if again, err := c.take(); again != used {
			t.Fatalf("just before: took another connection, error %v", err)
		}
		c.put(used)
		time.Sleep(socketTimeout)
		if _, err := c.take(); err == nil {
			t.Error("it is still there")
		}
	})
}
