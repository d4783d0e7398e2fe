// Package supervisor runs Kong and the plugin server side by side, as a container's
// first process. It holds the plugin server's sockets, so that a plugin server which
// dies loses only the events in flight: new connections wait in the socket's backlog
// until the next process accepts them. One that ends in order says when it has served
// its last event ([Serving]), and the next starts while it still flushes.
//
// Kong decides how long everything lives: when it ends, the plugin server is ended
// after it, and Kong's exit code is the supervisor's.
package supervisor

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

// Exit codes, as shells use them for a command that was not run.
const (
	exitNotFound = 127
	exitNotRun   = 126
)

// Config says what to run.
type Config struct {
	// Sockets are passed on to every plugin server that is started, the first as the one
	// that Kong connects to.
	Sockets []inherit.Held
	// Server is the command line of the plugin server, and Command that of Kong.
	Server, Command []string
	// Logger gets a line for each start, end and restart.
	Logger *slog.Logger
	// StopGrace bounds how long the plugin server may take to end after Kong has;
	// past it, it is killed. 0 means 15 s.
	StopGrace time.Duration
}

// Serving is the name of a pipe that the plugin server inherits. To close it, in any way,
// says that the process serves no more.
const Serving = "serving"

// EndForGood is the signal that ends the plugin server when no other takes its place.
// Any other that ends it says that there will be one, which gets what is under way.
const EndForGood = syscall.SIGQUIT

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

	s := &supervisor{Config: cfg, signals: signals, retired: make(chan int), leaving: map[int]bool{}}
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
	retired      chan int         // plugin servers that serve no more
	leaving      map[int]bool     // those of them that still run
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
		case pid := <-s.retired:
			s.serverRetired(pid)
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
			s.serverEnded(pid, status)
		default:
			if s.leaving[pid] {
				delete(s.leaving, pid)
				s.Logger.Info("the plugin server that served no more ended", "pid", pid, "code", exitCode(status))
			}
		}
	}
}

// serverEnded is the end of a plugin server that did not retire before.
func (s *supervisor) serverEnded(pid int, status syscall.WaitStatus) {
	if s.stopping {
		return
	}
	s.Logger.Error("the plugin server ended", "pid", pid, "code", exitCode(status), "lived", time.Since(s.started).String())
	s.scheduleRestart()
}

// serverRetired lets the next plugin server start while the last one ends.
func (s *supervisor) serverRetired(pid int) {
	if pid != s.server || s.stopping {
		return
	}
	s.Logger.Info("the plugin server serves no more", "pid", pid, "lived", time.Since(s.started).String())
	s.server, s.leaving[pid] = 0, true
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
	serving, child, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	files := append(slices.Clone(s.Sockets), inherit.Held{Name: Serving, FD: int(child.Fd())})
	pid, err := withLateTimers(func() (int, error) { return start(s.Server, inherit.Environ(os.Environ(), files), files...) })
	_ = child.Close()
	if err != nil {
		_ = serving.Close()
		return err
	}
	s.server = pid
	s.Logger.Info("the plugin server started", "pid", pid)
	go s.awaitRetirement(pid, serving)
	return nil
}

// awaitRetirement waits until the plugin server's end of the pipe is closed.
func (s *supervisor) awaitRetirement(pid int, serving *os.File) {
	_, _ = io.Copy(io.Discard, serving)
	_ = serving.Close()
	s.retired <- pid
}

func (s *supervisor) startKong() (err error) {
	s.kong, err = start(s.Command, os.Environ())
	return err
}

// stopServer ends the plugin server, which drains, and waits for it and for those that
// were ending already.
func (s *supervisor) stopServer() {
	s.stopping = true
	if s.server != 0 {
		s.leaving[s.server] = true
		_ = syscall.Kill(s.server, EndForGood)
		s.server = 0
	}
	overdue := time.After(s.StopGrace)
	for len(s.leaving) > 0 {
		select {
		case sig := <-s.signals:
			if sig == syscall.SIGCHLD {
				s.reap()
			}
		case <-s.retired:
		case <-overdue:
			s.Logger.Error("the plugin server did not end in time and is killed", "grace", s.StopGrace.String())
			for pid := range s.leaving {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

// start starts a command in a process group of its own, so that a terminal's Ctrl-C
// reaches it through the supervisor only. inherited become descriptors 3 and up.
func start(argv, env []string, inherited ...inherit.Held) (int, error) {
	if len(argv) == 0 {
		return 0, errors.New("no command is given")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	files := []uintptr{os.Stdin.Fd(), os.Stdout.Fd(), os.Stderr.Fd()}
	for _, held := range inherited {
		files = append(files, uintptr(held.FD))
	}
	pid, _, err := syscall.StartProcess(path, argv, &syscall.ProcAttr{
		Env:   env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	return pid, nil
}

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
