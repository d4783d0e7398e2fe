package inherit

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asChild has the test binary say what it inherits, in place of its tests.
const asChild = "GATEHOUSE_TEST_INHERITS"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	if pid := os.Getenv(pidVariable); pid == "own" {
		_ = os.Setenv(pidVariable, strconv.Itoa(os.Getpid()))
	}
	files, err := FromParent()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{Socket, HTTP, Give} {
		if ln, err := files.Listener(name); ln != nil || err != nil {
			fmt.Println(name, ln != nil, err)
		}
	}
	for _, variable := range []string{countVariable, namesVariable, pidVariable} {
		if _, ok := os.LookupEnv(variable); ok {
			fmt.Println(variable, "is left for children")
		}
	}
}

func TestFromParent(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	listening, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listening.Close() })
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	connected, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connected.Close() })
	plain, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	for name, tt := range map[string]struct {
		files []*os.File
		env   []string
		want  string // in what the child says; empty: it says nothing
	}{
		"nothing":                {nil, nil, ""},
		"none":                   {nil, []string{"LISTEN_FDS=0"}, ""},
		"as systemd":             {[]*os.File{listening}, []string{"LISTEN_FDS=1", "LISTEN_PID=own", "LISTEN_FDNAMES=plugins.socket"}, "socket true <nil>\n"},
		"without names":          {[]*os.File{listening}, []string{"LISTEN_FDS=1"}, "socket true <nil>\n"},
		"by names":               {[]*os.File{listening, connected, listening}, []string{"LISTEN_FDS=3", "LISTEN_FDNAMES=socket:take:http"}, "socket true <nil>\nhttp true <nil>\n"},
		"for another process":    {[]*os.File{listening}, []string{"LISTEN_FDS=1", "LISTEN_PID=1"}, ""},
		"no number":              {nil, []string{"LISTEN_FDS=x"}, `LISTEN_FDS="x": write how many`},
		"less than none":         {nil, []string{"LISTEN_FDS=-1"}, `LISTEN_FDS="-1": write how many`},
		"more than there are":    {nil, []string{"LISTEN_FDS=999"}, "LISTEN_FDS=999: descriptor"},
		"one that is connected":  {[]*os.File{connected}, []string{"LISTEN_FDS=1"}, "socket false inherited socket: the socket does not listen"},
		"one that is no socket":  {[]*os.File{plain}, []string{"LISTEN_FDS=1"}, "socket false inherited socket: it is no socket"},
		"the first of two names": {[]*os.File{listening, plain, listening, connected}, []string{"LISTEN_FDS=4", "LISTEN_FDNAMES=x:x:http:http"}, "socket true <nil>\nhttp true <nil>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env, child.ExtraFiles = slices.Concat(tt.env, []string{asChild + "=1"}), tt.files
			out, err := child.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), tt.want) || tt.want == "" && len(bytes.TrimSpace(out)) > 0 {
				t.Errorf("the child says %q, %v; want %q", out, err, tt.want)
			}
			if strings.Contains(string(out), "is left") {
				t.Errorf("%s", out)
			}
		})
	}
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	got := Environ([]string{"A=1", "LISTEN_FDS=7", "LISTEN_PID=1", "LISTEN_FDNAMES=x", "LISTEN_FDSX=1"}, []Held{{Socket, 9}, {HTTP, 4}})
	if want := "A=1 LISTEN_FDSX=1 LISTEN_FDS=2 LISTEN_FDNAMES=socket:http"; strings.Join(got, " ") != want {
		t.Errorf("Environ = %v, want %s", got, want)
	}
}

func TestUnixConn(t *testing.T) {
	t.Parallel()
	if conn, err := Files(nil).UnixConn(Give); conn != nil || err != nil {
		t.Errorf("of nothing: %v, %v", conn, err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := (Files{Give: file}).UnixConn(Give); conn != nil || err == nil || !strings.Contains(err.Error(), "inherited give") {
		t.Errorf("of a TCP socket: %v, %v; want an error that names it", conn, err)
	}
}

// TestHold: the descriptor is the same socket, and nothing else in this process has it.
func TestHold(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := Hold(ln.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept on what was held: %v, want that it is closed", err)
	}
	inherited, err := Files{Socket: os.NewFile(uintptr(fd), Socket)}.Listener(Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	if got, want := inherited.Addr().String(), ln.Addr().String(); got != want {
		t.Errorf("the descriptor listens on %s, want %s", got, want)
	}
}

func TestHoldWhatIsClosed(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if fd, err := Hold(ln.(*net.TCPListener)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Hold = %d, %v, want that it is closed", fd, err)
	}
}
