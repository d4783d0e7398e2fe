package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"

	"github.com/gatehousehq/gatehouse/plugins/inherit"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/supervisor"
)

// runBeside is a container's entrypoint: it holds the sockets, runs `gatehouse serve`
// on them, and the command, which is Kong.
func runBeside(_ context.Context, s streams, args []string) error {
	flags := newFlags(s, "run")
	socket, syslog, addr, instances := socketFlag(flags), syslogFlag(flags), httpFlag(flags), instancesFlag(flags)
	if handled, err := parse(flags, args); handled {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("%w: gatehouse run [flags] -- COMMAND [ARGS]", errUsage)
	}
	if err := checkStart(s); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var held held
	if err := held.open(*socket, *syslog, *addr); err != nil {
		return errors.Join(err, held.close())
	}
	code := supervisor.Run(supervisor.Config{
		Sockets: held.sockets,
		Server:  []string{self, "serve", "-socket", *socket, "-syslog-socket", *syslog, "-http", *addr, "-instances", cmp.Or(*instances, *socket+".instances")},
		Command: flags.Args(),
		Logger:  newLogger(s.err).With("part", "supervisor"),
	})
	if err := held.close(); err != nil {
		slog.New(slog.NewJSONHandler(s.err, nil)).Warn("sockets not removed", "error", err)
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}

// held is what outlives the plugin server.
type held struct {
	sockets []supervisor.Socket
	closers []func() error
}

func (h *held) open(socket, syslog, addr string) error {
	fd, closeFD, err := pluginserver.Hold(socket)
	if err != nil {
		return err
	}
	h.add(pluginserver.ListenFD, fd, closeFD)
	ln, err := listenHTTP(addr)
	if err != nil {
		return err
	}
	if err := h.take(httpFD, ln); err != nil {
		return err
	}
	give, take, err := pluginserver.NewHandover()
	if err != nil {
		return err
	}
	h.add(pluginserver.GiveFD, int(give.Fd()), give.Close)
	h.add(pluginserver.TakeFD, int(take.Fd()), take.Close)
	if syslog == "" {
		return nil
	}
	conn, err := nginxlog.Open(syslog)
	if err != nil {
		return err
	}
	return h.take(nginxlog.ListenFD, conn)
}

// take holds a socket that was opened for it.
func (h *held) take(variable string, socket interface {
	syscall.Conn
	io.Closer
}) error {
	fd, err := inherit.Hold(socket)
	if err != nil {
		return err
	}
	h.add(variable, fd, func() error { return syscall.Close(fd) })
	return nil
}

// add keeps a descriptor, which plugin servers find by a variable.
func (h *held) add(variable string, fd int, closeFD func() error) {
	h.sockets = append(h.sockets, supervisor.Socket{Env: variable, FD: fd})
	h.closers = append(h.closers, closeFD)
}

func (h *held) close() error {
	var errs []error
	for _, closer := range h.closers {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}
