package faults

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestLink: nothing comes through a link that is cut and nobody is told, and once it is
// whole again only new connections pass.
func TestLink(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	l, err := startLink(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	before := dial(t, l.addr)
	if got, err := say(before, "a", time.Minute); got != "a" || err != nil {
		t.Fatalf("a whole link: %q, %v", got, err)
	}
	l.cut()
	if got, err := say(before, "b", 50*time.Millisecond); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a cut link: %q, %v", got, err)
	}
	if got, err := say(dial(t, l.addr), "c", 50*time.Millisecond); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a new connection over a cut link: %q, %v", got, err)
	}
	l.mend()
	if got, err := say(before, "d", time.Minute); got != "" || err == nil {
		t.Errorf("an old connection over a mended link: %q, %v", got, err)
	}
	if got, err := say(dial(t, l.addr), "e", time.Minute); got != "e" || err != nil {
		t.Errorf("a new connection over a mended link: %q, %v", got, err)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// say sends a byte and returns what comes back in time.
func say(conn net.Conn, text string, within time.Duration) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(within))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	buf := make([]byte, 8)
	n, err := conn.Read(buf)
	return string(buf[:n]), err
}
