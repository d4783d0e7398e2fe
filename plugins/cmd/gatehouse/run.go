package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

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
	ln, err := pluginserver.Listen(socket)
	if err != nil {
		return err
	}
	if err := h.hold(pluginserver.ListenFD, ln); err != nil {
		return err
	}
	if ln, err = listenHTTP(addr); err != nil {
		return err
	}
	if err := h.hold(httpFD, ln); err != nil {
		return err
	}
	give, take, err := pluginserver.NewHandover()
	if err != nil {
		return err
	}
	h.sockets = append(h.sockets,
		supervisor.Socket{Env: pluginserver.GiveFD, File: give}, supervisor.Socket{Env: pluginserver.TakeFD, File: take})
	if syslog == "" {
		return nil
	}
	conn, err := nginxlog.Open(syslog)
	if err != nil {
		return err
	}
	return h.hold(nginxlog.ListenFD, conn)
}

// hold keeps a socket, which plugin servers find by a variable.
func (h *held) hold(variable string, socket io.Closer) error {
	h.closers = append(h.closers, socket.Close)
	file, err := duplicate(socket)
	if err != nil {
		return err
	}
	h.sockets = append(h.sockets, supervisor.Socket{Env: variable, File: file})
	return nil
}

func (h *held) close() error {
	var errs []error
	for _, closer := range h.closers {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}

// duplicate returns a file of a socket's descriptor, to hand to a child.
func duplicate(socket any) (*os.File, error) {
	s, ok := socket.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("%T cannot be handed over", socket)
	}
	file, err := s.File()
	if err != nil {
		return nil, fmt.Errorf("duplicate a socket: %w", err)
	}
	return file, nil
}
