package supervisor

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

// The tests run this binary again: as a supervisor, as a plugin server that says its
// process id to whoever connects, and as the command in Kong's place.
const roleEnv = "SUPERVISOR_TEST_ROLE"

func TestMain(m *testing.M) {
	files, err := inherit.FromParent()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(m.Run())
	case "supervisor":
		os.Exit(superviseForTest())
	case "server":
		os.Exit(serveForTest(files))
	case "slow-to-end":
		os.Exit(retireForTest(files))
	case "command":
		os.Exit(exitOnQuit())
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
}

// superviseForTest runs `test server…` and `test kong…` command lines from the
// environment under Run.
func superviseForTest() int {
	l, err := net.Listen("unix", os.Getenv("TEST_SOCKET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	socket, err := inherit.Hold(l.(*net.UnixListener))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return Run(Config{
		Sockets:   []inherit.Held{{Name: inherit.Socket, FD: socket}},
		Server:    strings.Fields(os.Getenv("TEST_SERVER")),
		Command:   strings.Fields(os.Getenv("TEST_COMMAND")),
		Logger:    slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		StopGrace: 2 * time.Second,
	})
}

// serveForTest answers each connection on the inherited socket with its process id,
// until it is to end.
func serveForTest(files inherit.Files) int {
	l, err := files.Listener(inherit.Socket)
	if err != nil || l == nil {
		fmt.Fprintln(os.Stderr, "no socket", err)
		return 1
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM, EndForGood) // before anybody is answered, and may send it
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, os.Getpid())
			conn.Close()
		}
	}()
	<-term
	l.Close()
	return 0
}

// retireForTest serves until it is to end, then says that it serves no more, and goes on
// flushing until it is killed.
func retireForTest(files inherit.Files) int {
	if code := serveForTest(files); code != 0 {
		return code
	}
	if err := files[Serving].Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	signal.Reset(syscall.SIGTERM, EndForGood)
	signal.Ignore(syscall.SIGTERM, EndForGood)
	fmt.Fprintln(os.Stderr, "flushing")
	select {}
}

// exitOnQuit ends with code 7 on SIGQUIT, as a gateway that drains.
func exitOnQuit() int {
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	fmt.Fprintln(os.Stderr, "command ready")
	<-quit
	return 7
}

// as is the command line that runs this binary in a role.
func as(role string) string { return "env " + roleEnv + "=" + role + " " + os.Args[0] }

// supervised is a running supervisor process.
type supervised struct {
	*exec.Cmd
	socket string
	log    *bufio.Scanner
}

func supervise(t *testing.T, server, command string) *supervised {
	t.Helper()
	dir, err := os.MkdirTemp("", "sv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=supervisor",
		"TEST_SOCKET="+socket, "TEST_SERVER="+server, "TEST_COMMAND="+command)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &supervised{Cmd: cmd, socket: socket, log: bufio.NewScanner(log)}
}

// waitLog reads the supervisor's log until a line holds text.
func (s *supervised) waitLog(t *testing.T, text string) string {
	t.Helper()
	for s.log.Scan() {
		if strings.Contains(s.log.Text(), text) {
			return s.log.Text()
		}
	}
	t.Fatalf("the log ended before a line with %q", text)
	return ""
}

func (s *supervised) exitCode(t *testing.T) int {
	t.Helper()
	for s.log.Scan() {
		continue
	}
	_ = s.Wait() // the code is what matters
	return s.ProcessState.ExitCode()
}

// askServer returns the process id of the plugin server that answers.
func (s *supervised) askServer(t *testing.T) int {
	t.Helper()
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestSocketOutlivesTheServer(t *testing.T) {
	s := supervise(t, as("server"), as("command"))
	s.waitLog(t, "command ready")
	first := s.askServer(t)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.waitLog(t, "the plugin server") // ended, or serves no more: its pipe may close first
	second := s.askServer(t)          // dialled while nothing may be accepting yet
	if second == first {
		t.Errorf("process %d answers after it was killed", first)
	}
	if err := s.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if code := s.exitCode(t); code != 7 {
		t.Errorf("exit code %d, want the command's 7", code)
	}
	if err := syscall.Kill(second, 0); err == nil {
		t.Errorf("plugin server %d is still there", second)
	}
}

// The next plugin server does not wait for one that flushes, and neither outlives Kong.
func TestTheNextServerStartsWhenTheLastOneRetires(t *testing.T) {
	s := supervise(t, as("slow-to-end"), as("command"))
	s.waitLog(t, "command ready")
	first := s.askServer(t)
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.waitLog(t, "serves no more")
	s.waitLog(t, "the plugin server started")
	second := s.askServer(t)
	if second == first {
		t.Errorf("process %d answers after it has retired", first)
	}
	if err := syscall.Kill(first, 0); err != nil {
		t.Errorf("the first plugin server: %v, want it to be flushing", err)
	}
	if err := s.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	s.waitLog(t, "is killed")
	if code := s.exitCode(t); code != 7 {
		t.Errorf("exit code %d, want the command's 7", code)
	}
	for _, pid := range []int{first, second} {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("plugin server %d is still there", pid)
		}
	}
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		name, command string
		want          int
	}{
		{"success", "true", 0},
		{"failure", "false", 1},
		{"missing", "no-such-command-anywhere", exitNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := supervise(t, as("server"), tt.command).exitCode(t); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}

func TestSignalEndsTheCommand(t *testing.T) {
	s := supervise(t, as("server"), "sleep 60")
	s.waitLog(t, "the plugin server started")
	// The signal may come before the command has started: send it until it has ended.
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			_ = s.Process.Signal(syscall.SIGTERM)
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	}()
	code := s.exitCode(t)
	close(ended)
	if want := 128 + int(syscall.SIGTERM); code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
}

func TestServerThatDoesNotStayUp(t *testing.T) {
	s := supervise(t, "false", as("command"))
	s.waitLog(t, "does not stay up")
	s.waitLog(t, `"retry_in":"200ms"`)
	if err := s.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if code := s.exitCode(t); code != 7 {
		t.Errorf("exit code %d, want the command's 7", code)
	}
}
