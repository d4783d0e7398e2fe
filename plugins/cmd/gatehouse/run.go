package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
	"github.com/gatehousehq/gatehouse/plugins/supervisor"
)

func runCommand(s streams) *cobra.Command {
	c := command("run [flags] -- COMMAND [ARGS...]", "run the plugin server beside COMMAND, which is Kong's entrypoint", nil)
	told, syslog := settings(), syslogFlag(c.Flags())
	wrong := bind(c.Flags(), &told, "socket", "http", "instances")
	c.RunE = func(_ *cobra.Command, kong []string) error {
		if wrong != nil {
			return wrong
		}
		if err := wouldServe(s); err != nil {
			return err
		}
		if len(kong) == 0 {
			return cli.Usagef("name Kong's entrypoint: gatehouse run [flags] -- COMMAND [ARGS]")
		}
		return runBeside(s, told, *syslog, kong)
	}
	return cli.CommandLine(c)
}

// wouldServe is the error of an environment that the plugin server would not start with.
func wouldServe(s streams) error {
	var told serving
	if err := told.addFlags(s, pflag.NewFlagSet("", pflag.ContinueOnError)); err != nil {
		return err
	}
	return told.check()
}

// runBeside is a container's entrypoint: it holds the sockets, runs `gatehouse serve`
// on them, and the command, which is Kong.
func runBeside(s streams, told server.Settings, syslog string, kong []string) error {
	if err := checkStart(s); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var held held
	if err := held.open(told.Socket, syslog, told.HTTP); err != nil {
		return errors.Join(err, held.close())
	}
	code := supervisor.Run(supervisor.Config{
		Sockets: held.sockets,
		Server: []string{
			self, "serve", "--socket", told.Socket, "--syslog-socket", syslog, "--http", told.HTTP,
			"--instances", cmp.Or(told.Options.InstanceDir, told.Socket+".instances"),
		},
		Command: kong,
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
	sockets []inherit.Held
	closers []func() error
}

func (h *held) open(socket, syslog, addr string) error {
	fd, closeFD, err := listen.Hold(socket)
	if err != nil {
		return err
	}
	h.add(inherit.Socket, fd, closeFD)
	ln, err := server.ListenHTTP(addr)
	if err != nil {
		return err
	}
	if err := h.take(inherit.HTTP, ln); err != nil {
		return err
	}
	give, take, err := inherit.NewHandover()
	if err != nil {
		return err
	}
	h.add(inherit.Give, int(give.Fd()), give.Close)
	h.add(inherit.Take, int(take.Fd()), take.Close)
	if syslog == "" {
		return nil
	}
	conn, err := nginxlog.Open(syslog)
	if err != nil {
		return err
	}
	return h.take(nginxlog.Inherited, conn)
}

// take holds a socket that was opened for it.
func (h *held) take(name string, socket interface {
	syscall.Conn
	io.Closer
}) error {
	fd, err := inherit.Hold(socket)
	if err != nil {
		return err
	}
	h.add(name, fd, func() error { return syscall.Close(fd) })
	return nil
}

// add keeps a descriptor, which plugin servers find by its name.
func (h *held) add(name string, fd int, closeFD func() error) {
	h.sockets = append(h.sockets, inherit.Held{Name: name, FD: fd})
	h.closers = append(h.closers, closeFD)
}

func (h *held) close() error {
	var errs []error
	for _, closer := range h.closers {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}
