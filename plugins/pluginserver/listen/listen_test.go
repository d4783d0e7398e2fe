package listen

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// socketDir is a directory with a short path, as sockets need.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestUnix(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "s")
	ln, err := Unix(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := ln.Addr().String(); got != path {
		t.Errorf("Addr = %s, want %s", got, path)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("socket: %v, %v; want mode 0660", info, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory has %v, %v; want the socket alone", entries, err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is there after Close")
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	first, err := Unix(path)
	if err != nil {
		t.Fatal(err)
	}
	// Another process may take the path, after which this one must not remove it.
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	second, err := Unix(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the second listener's socket is gone: %v", err)
	}
	_ = conn.Close()
	_ = second.Close()
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	live := filepath.Join(dir, "live")
	ln, err := Unix(live)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ path, want string }{
		"a live socket":     {live, "listens there already"},
		"a file":            {file, "no socket"},
		"no directory":      {filepath.Join(dir, "none", "s"), "does not exist: create it"},
		"a long path":       {filepath.Join(dir, strings.Repeat("x", 108)), "at most 107"},
		"a long directory":  {filepath.Join(dir, strings.Repeat("x", 95), "s"), "at most 107"},
		"a file as a path":  {filepath.Join(file, "s"), "not a directory"},
		"nothing but slash": {"/", "no socket"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Unix(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Unix(%s) = %v, want an error with %q", tt.path, err, tt.want)
			}
		})
	}
}

func TestUnixgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "s")
	stale, err := Unixgram(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket: %v, %v; want mode 0660", info, err)
	}
	if conn, err := Unixgram(path); conn != nil || err == nil || !strings.Contains(err.Error(), "listens there already") {
		t.Errorf("where a process listens: %v, want an error", err)
	}
	_ = stale.Close()
	conn, err := Unixgram(path)
	if err != nil {
		t.Fatalf("where nobody listens any more: %v", err)
	}
	defer conn.Close()
	sender, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	_, _ = sender.Write([]byte("hi"))
	got := make([]byte, 9)
	if n, err := conn.Read(got); err != nil || string(got[:n]) != "hi" {
		t.Errorf("read %q, %v", got[:n], err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory has %v, %v; want the socket alone", entries, err)
	}
}
