// Package supervisor runs Kong and the plugin server side by side, as a container's
// first process. It holds the plugin server's sockets, so that a plugin server which
// dies loses only the events in flight: new connections wait in the socket's backlog
// until the next process accepts them.
//
// Kong decides how long everything lives: when it ends, the plugin server is ended
// after it, and Kong's exit code is the supervisor's.
package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// firstInherited is the descriptor of the first inherited file: 0 to 2 are standard
// input, output and error.
const firstInherited = 3

// Exit codes, as shells use them for a command that was not run.
const (
	exitNotFound = 127
	exitNotRun   = 126
)

// Socket is an open socket that the plugin server inherits.
type Socket struct {
	// Env is the variable that tells the plugin server the descriptor's number.
	Env  string
	File *os.File
}

// Config says what to run.
type Config struct {
	// Sockets are handed to every plugin server that is started.
	Sockets []Socket
	// Server is the command line of the plugin server, and Command that of Kong.
	Server, Command []string
	// Logger gets a line for each start, end and restart.
	Logger *slog.Logger
	// StopGrace bounds how long the plugin server may take to end after Kong has;
	// past it, it is killed. 0 means 15 s.
	StopGrace time.Duration
}

// forwarded are the signals that Kong gets: nginx stops on TERM and INT, drains on
// QUIT, reloads on HUP, reopens its logs on USR1.
var forwarded = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// Run starts both commands and returns Kong's exit code once both have ended: 128
// and the signal's number if a signal ended Kong, 126 or 127 if Kong could not be
// started. It takes over the process's signals and reaps every child, orphans
// included, so nothing else in the process may start or wait for processes.
func Run(cfg Config) int {
	if cfg.StopGrace == 0 {
		cfg.StopGrace = 15 * time.Second
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, append(forwarded, syscall.SIGCHLD)...)
	defer signal.Stop(signals)

	s := &supervisor{Config: cfg, signals: signals}
	if err := s.startServer(); err != nil {
		cfg.Logger.Error("the plugin server cannot be started", "error", err)
		return exitNotRun
	}
	if err := s.startKong(); err != nil {
		cfg.Logger.Error("the command cannot be started", "command", cfg.Command[0], "error", err)
		s.stopServer()
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return exitNotFound
		}
		return exitNotRun
	}
	code := s.superviseKong()
	s.stopServer()
	return code
}

type supervisor struct {
	Config
	signals chan os.Signal

	kong, server int              // process ids; 0: not running
	started      time.Time        // of the plugin server
	restart      <-chan time.Time // nil: no restart is due
	backoff      backoff
	stopping     bool // Kong has ended: the plugin server is not to be restarted
}

// superviseKong handles signals, deaths and restarts until Kong ends.
func (s *supervisor) superviseKong() int {
	for {
		select {
		case sig := <-s.signals:
			if sig != syscall.SIGCHLD {
				s.forward(sig.(syscall.Signal))
				continue
			}
			if code, ended := s.reap(); ended {
				return code
			}
		case <-s.restart:
			s.restart = nil
			if err := s.startServer(); err != nil {
				s.Logger.Error("the plugin server cannot be started", "error", err)
				s.scheduleRestart()
			}
		}
	}
}

func (s *supervisor) forward(sig syscall.Signal) {
	s.Logger.Info("signal forwarded", "signal", sig.String(), "pid", s.kong)
	_ = syscall.Kill(s.kong, sig) // ESRCH: it has just ended, SIGCHLD is on its way
}

// reap collects every ended child and reports whether Kong was among them. One
// SIGCHLD may stand for several deaths.
func (s *supervisor) reap() (code int, kongEnded bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return code, kongEnded
		}
		switch pid {
		case s.kong:
			code, kongEnded, s.kong = exitCode(status), true, 0
			s.Logger.Info("the command ended", "code", code)
		case s.server:
			s.server = 0
			s.serverEnded(status)
		}
	}
}

func (s *supervisor) serverEnded(status syscall.WaitStatus) {
	if s.stopping {
		return
	}
	s.Logger.Error("the plugin server ended", "code", exitCode(status), "lived", time.Since(s.started).String())
	s.scheduleRestart()
}

func (s *supervisor) scheduleRestart() {
	delay := s.backoff.next(time.Since(s.started))
	if delay > 0 {
		s.Logger.Error("the plugin server does not stay up: every request that needs a plugin waits or fails until it does", "retry_in", delay.String())
	}
	s.restart = time.After(delay)
}

func (s *supervisor) startServer() error {
	s.started = time.Now()
	env := os.Environ()
	var files []*os.File
	for i, socket := range s.Sockets {
		env = append(env, fmt.Sprintf("%s=%d", socket.Env, firstInherited+i))
		files = append(files, socket.File)
	}
	pid, err := start(s.Server, env, files...)
	if err != nil {
		return err
	}
	s.server = pid
	s.Logger.Info("the plugin server started", "pid", pid)
	return nil
}

func (s *supervisor) startKong() (err error) {
	s.kong, err = start(s.Command, os.Environ())
	return err
}

// stopServer ends the plugin server, which drains on SIGTERM, and waits for it.
func (s *supervisor) stopServer() {
	s.stopping = true
	if s.server == 0 {
		return
	}
	_ = syscall.Kill(s.server, syscall.SIGTERM)
	overdue := time.After(s.StopGrace)
	for s.server != 0 {
		select {
		case sig := <-s.signals:
			if sig == syscall.SIGCHLD {
				s.reap()
			}
		case <-overdue:
			s.Logger.Error("the plugin server did not end in time and is killed", "grace", s.StopGrace.String())
			_ = syscall.Kill(s.server, syscall.SIGKILL)
		}
	}
}

// start starts a command in a process group of its own, so that a terminal's Ctrl-C
// reaches it through the supervisor only. inherited become descriptors 3 and up.
func start(argv, env []string, inherited ...*os.File) (int, error) {
	if len(argv) == 0 {
		return 0, errors.New("no command is given")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(path, argv, &os.ProcAttr{
		Env:   env,
		Files: append([]*os.File{os.Stdin, os.Stdout, os.Stderr}, inherited...),
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	defer p.Release() //nolint:errcheck // it only forgets the process: reap waits for it
	return p.Pid, nil
}

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
