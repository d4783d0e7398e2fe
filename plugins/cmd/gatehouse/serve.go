package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
	"github.com/gatehousehq/gatehouse/plugins/servermetrics"
	"github.com/gatehousehq/gatehouse/plugins/supervisor"
)

// flushTimeout bounds the sending of the last spans and log lines.
const flushTimeout = 5 * time.Second

// serving is what `gatehouse serve` was told.
type serving struct {
	server.Settings
	syslog *string
	audit  auditlog.Options
}

// parseServe reads the command line and the environment.
func parseServe(s streams, args []string) (told serving, handled bool, err error) {
	flags := newFlags(s, "serve")
	told = serving{
		Settings: settings(), syslog: syslogFlag(flags),
		audit: auditlog.Options{Stdout: s.out, ServiceName: os.Getenv("OTEL_SERVICE_NAME")},
	}
	err = errors.Join(bind(flags, &told.Settings), auditFlags(flags, &told.audit))
	if err != nil {
		return told, false, err
	}
	if handled, err := parse(flags, args); handled {
		return told, true, err
	}
	return told, false, noArguments(flags)
}

// serve serves the plugins until ctx ends, then lets running events finish. Logs go
// to standard error, access lines to standard output, and audit records there too
// unless -audit-log names another place.
func serve(ctx context.Context, s streams, args []string) error {
	files, err := inherit.FromParent()
	if err != nil {
		return err
	}
	return serveWith(ctx, s, files, args)
}

// serveWith is serve with the files that a parent process passed on.
func serveWith(ctx context.Context, s streams, files inherit.Files, args []string) error {
	told, handled, err := parseServe(s, args)
	if handled || err != nil {
		return err
	}
	logger, registry := newLogger(s.err), newRegistry()
	told.audit.Logger, told.audit.Registerer = logger, registry
	records, err := auditlog.Open(told.audit)
	if err != nil {
		return err
	}
	p, err := newPlugins(os.Getenv("REDIS_URL"), logger, registry, records)
	if err != nil {
		return err
	}
	tuneCollector()
	// Telemetry that fails says so as everything does, and not to standard error in a
	// format of its own.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("telemetry", "error", err) }))
	err = told.untilDone(ctx, files, p, s.out, logger, registry)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return errors.Join(err, p.close(flush), records.Close(flush))
}

// gcPercent lets the heap grow to five times what is live before it is collected: a
// few tens of MB are live, and the collector would take a tenth of the time. GOGC and
// GOMEMLIMIT say otherwise.
const gcPercent = 400

func tuneCollector() {
	if _, ok := os.LookupEnv("GOGC"); !ok {
		debug.SetGCPercent(gcPercent)
	}
}

// untilDone serves until ctx ends, and then tells the parent process that the next
// one may start: what is left to do is no part of serving.
func (told *serving) untilDone(ctx context.Context, files inherit.Files, p *plugins, out io.Writer, logger *slog.Logger, registry *prometheus.Registry) error {
	defer files[supervisor.Serving].Close() // of nil, where no parent waits for it, it does nothing
	instances := told.Options.InstanceDir
	takeOverLimits(instances, p.limiter, logger)
	p.limiter.Watch()
	defer handOverLimits(instances, p.limiter, logger) // before the next one starts
	told.Options.Logger, told.Options.Meter, told.Options.Strict = logger, servermetrics.New(registry), true
	srv, err := told.New(files, p.list()...)
	if err != nil {
		return err
	}
	stopLines, err := receiveLines(*told.syslog, files, p, out, logger, registry)
	if err != nil {
		return err
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
	return errors.Join(told.Serve(ctx, srv, files, metrics), stopLines())
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}

func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }
