package pluginserver

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestListen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "s")
	ln, err := Listen(path)
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

func TestListenReplacesAStaleSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	// Another process may take the path, after which this one must not remove it.
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path)
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

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	live := filepath.Join(dir, "live")
	ln, err := Listen(live)
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
			if _, err := Listen(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Listen(%s) = %v, want an error with %q", tt.path, err, tt.want)
			}
		})
	}
}

// It sets the environment, and is therefore not parallel.
func TestInherited(t *testing.T) {
	if ln, err := Inherited(); ln != nil || err != nil {
		t.Errorf("Inherited without the variable = %v, %v", ln, err)
	}
	path := filepath.Join(socketDir(t), "s")
	parent, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = parent.Close() }()
	t.Setenv(ListenFD, strconv.Itoa(duplicate(t, parent)))
	ln, err := Inherited()
	if err != nil || ln == nil {
		t.Fatalf("Inherited = %v, %v", ln, err)
	}
	if _, left := os.LookupEnv(ListenFD); left {
		t.Error("the variable was left for children")
	}
	srv, err := New(Options{}, plain("test", func() any { return &handled{} }))
	if err != nil {
		t.Fatal(err)
	}
	stop, _ := background(t, srv, ln)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	conn, err = net.Dial("unix", path) // waits in the parent's backlog
	if err != nil {
		t.Fatalf("after the server stopped, the parent's socket is gone: %v", err)
	}
	_ = conn.Close()
}

func TestInheritedRefuses(t *testing.T) {
	a, _ := socketPair(t)
	for _, value := range []string{"", "x", "-1", "0", "2", "99999", strconv.Itoa(duplicate(t, a.(*net.UnixConn)))} {
		t.Setenv(ListenFD, value)
		if ln, err := Inherited(); ln != nil || err == nil || !strings.Contains(err.Error(), ListenFD) {
			t.Errorf("Inherited with %q = %v, %v; want an error that names the variable", value, ln, err)
		}
	}
}

// duplicate returns a descriptor that nobody else closes, as a parent's is.
func duplicate(t *testing.T, c syscall.Conn) int {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = syscall.Dup(int(old)) }); err != nil || dupErr != nil {
		t.Fatal(err, dupErr)
	}
	return fd
}

// TestTakeOver puts a second server in the place of one that still runs.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	first := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) { _ = kong.Response.SetHeader("X", "first") }))
	second, err := New(Options{}, accessPlugin(func(kong *pdk.PDK) { _ = kong.Response.SetHeader("X", "second") }))
	if err != nil {
		t.Fatal(err)
	}
	old := first.mustStart(t, "test", nil) // leaves a connection
	ln, err := TakeOver(first.path)
	if err != nil {
		t.Fatal(err)
	}
	stop, _ := background(t, second, ln)
	if got := first.event(t, old, kongtest.Request{}).Response.Headers.Get("X"); got != "first" {
		t.Errorf("a connection from before is served by the %s", got)
	}
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	client := kongtest.NewClient(first.path)
	defer func() { _ = client.Close() }()
	id, err := client.StartInstance("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	effects, err := client.HandleEvent(id, "access", kongtest.Request{})
	if got := effects.Response.Headers.Get("X"); err != nil || got != "second" {
		t.Errorf("a new connection: %v, served by the %s", err, got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
