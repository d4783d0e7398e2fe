package main

import (
	"context"
	"errors"
	"fmt"
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
	socket, syslog := socketFlag(flags), syslogFlag(flags)
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
	sockets, release, err := listen(*socket, *syslog)
	if err != nil {
		return err
	}
	code := supervisor.Run(supervisor.Config{
		Sockets: sockets,
		Server:  []string{self, "serve", "-socket", *socket, "-syslog-socket", *syslog},
		Command: flags.Args(),
		Logger:  newLogger(s.err).With("part", "supervisor"),
	})
	if err := release(); err != nil {
		slog.New(slog.NewJSONHandler(s.err, nil)).Warn("sockets not removed", "error", err)
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}

// listen opens the sockets that outlive the plugin server.
func listen(socket, syslog string) ([]supervisor.Socket, func() error, error) {
	var sockets []supervisor.Socket
	var closers []func() error
	release := func() error {
		var errs []error
		for _, closer := range closers {
			errs = append(errs, closer())
		}
		return errors.Join(errs...)
	}
	ln, err := pluginserver.Listen(socket)
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, ln.Close)
	file, err := duplicate(ln)
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	sockets = append(sockets, supervisor.Socket{Env: pluginserver.ListenFD, File: file})
	if syslog == "" {
		return sockets, release, nil
	}
	conn, err := nginxlog.Open(syslog)
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	closers = append(closers, conn.Close)
	if file, err = duplicate(conn); err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return append(sockets, supervisor.Socket{Env: nginxlog.ListenFD, File: file}), release, nil
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
