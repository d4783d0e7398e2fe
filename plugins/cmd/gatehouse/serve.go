package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/gogc"
	"github.com/gatehousehq/gatehouse/plugins/kongwatch"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
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
	syslog   *string
	chainKey *string
	audit    auditlog.Options
	watch    kongwatch.Options
	// forGood gets the signal that ends the process so that no other takes its place.
	forGood <-chan os.Signal
	// retire is called before another process begins to write audit records.
	retire func()
}

func serveCommand(s streams) *cobra.Command {
	var told serving
	c := command("serve", "serve the plugins to Kong on a unix socket", nil)
	wrong := told.addFlags(s, c.Flags())
	c.Args, c.ValidArgsFunction = cli.NoArguments, cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, _ []string) error {
		if wrong != nil {
			return wrong
		}
		if err := ofFlags(c.Flags(), told.watch.Validate(), "kong-status", "edge-tls"); err != nil {
			return err
		}
		files, err := inherit.FromParent()
		if err != nil {
			return err
		}
		return told.serve(c.Context(), s, files)
	}
	return c
}

// addFlags defines the flags, and reads the environment: the error is what is wrong there.
func (told *serving) addFlags(s streams, flags *pflag.FlagSet) error {
	*told = serving{
		Settings: settings(), syslog: syslogFlag(flags), chainKey: chainKeyFlag(flags),
		audit: auditlog.Options{Stdout: s.out, ServiceName: os.Getenv("OTEL_SERVICE_NAME")},
	}
	watchFlags(flags, &told.watch)
	return errors.Join(bind(flags, &told.Settings), auditFlags(flags, &told.audit))
}

// check is the error of what flags cannot say by themselves.
func (told *serving) check() (err error) {
	if err := told.watch.Validate(); err != nil {
		return err
	}
	if *told.chainKey == "" {
		return nil
	}
	if told.audit.ChainKey, err = auditchain.ReadKey(*told.chainKey); err != nil {
		return fmt.Errorf("--audit-chain-key (GATEHOUSE_AUDIT_CHAIN_KEY): %w", err)
	}
	return nil
}

// serve serves the plugins until ctx ends, then lets running events finish. Logs go
// to standard error, access lines to standard output, and audit records there too
// unless --audit-log names another place. files are what a parent process passed on.
func (told *serving) serve(ctx context.Context, s streams, files inherit.Files) error {
	if err := told.check(); err != nil {
		return err
	}
	logger, registry := newLogger(s.err), newRegistry()
	quietLibraries(logger)
	warnOfVariables(logger)
	told.watch.Logger = logger
	registry.MustRegister(kongwatch.New(told.watch))
	told.audit.Logger, told.audit.Registerer = logger, registry
	told.audit.WaitingFile = waitingPath(told.Options.InstanceDir)
	records, err := auditlog.Open(told.audit)
	if err != nil {
		return err
	}
	told.Options.Ready, told.retire = records.Broken, records.HandOver
	p, err := newPlugins(os.Getenv("REDIS_URL"), logger, registry, records)
	if err != nil {
		return err
	}
	told.Options.Troubles = p.limiter.Troubles
	gogc.Default(gcPercent)
	forGood := make(chan os.Signal, 1)
	signal.Notify(forGood, supervisor.EndForGood)
	defer signal.Stop(forGood)
	told.forGood = forGood
	err = told.untilDone(ctx, files, p, s.out, logger, registry)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return errors.Join(err, p.endCalls(flush), atOnce(
		func() error { return p.close(flush) },
		func() error { return records.Close(flush) },
	))
}

// atOnce runs both: neither waits for what hangs in the other.
func atOnce(one, other func() error) error {
	done := make(chan error)
	go func() { done <- one() }()
	err := other()
	return errors.Join(<-done, err)
}

// gcPercent lets the heap grow to five times what is live before it is collected: a
// few tens of MB are live, and the collector would take a tenth of the time.
const gcPercent = 400

// untilDone serves until ctx ends, and then tells the parent process that the next
// one may start: what is left to do is no part of serving.
func (told *serving) untilDone(ctx context.Context, files inherit.Files, p *plugins, out io.Writer, logger *slog.Logger, registry *prometheus.Registry) error {
	defer files[supervisor.Serving].Close() // of nil, where no parent waits for it, it does nothing
	instances := told.Options.InstanceDir
	takeOverCalls(instances, p, logger)
	takeOverLimits(instances, p.limiter, logger)
	p.limiter.Watch()
	defer handOverLimits(instances, p.limiter, logger) // before the next one starts
	told.Options.Logger, told.Options.Meter, told.Options.Strict = logger, servermetrics.New(registry), true
	srv, err := told.New(files, p.list()...)
	if err != nil {
		return err
	}
	warnOfOwner(logger, told.Socket, os.Getenv)
	stopLines, err := receiveLines(*told.syslog, files, p, out, logger, registry)
	if err != nil {
		return err
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, EnableOpenMetrics: true}) // it has exemplars
	stopWaiting := every(giveUpInterval, p.giveUp)
	err = errors.Join(told.Serve(ctx, srv, files, metrics), stopLines())
	stopWaiting()
	told.retire()
	return errors.Join(err, handOverCalls(p, told.forGood))
}

// giveUpInterval is how often the plugins see what has waited for too long.
const giveUpInterval = 2 * time.Second

// every calls do at each interval until stop is called, which waits for a call that runs.
func every(interval time.Duration, do func()) (stop func()) {
	ticks, over, ended := time.NewTicker(interval), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				do()
			case <-over:
				return
			}
		}
	}()
	return func() { close(over); <-ended }
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
