package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/inherit"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/supervisor"
)

// flushTimeout bounds the sending of the last spans and log lines.
const flushTimeout = 5 * time.Second

// serving is what `gatehouse serve` was told.
type serving struct {
	socket, syslog, addr, instances *string
	profiling                       *bool
	bounds                          pluginserver.Options
	audit                           auditlog.Options
}

// parseServe reads the command line and the environment.
func parseServe(s streams, args []string) (told serving, handled bool, err error) {
	flags := newFlags(s, "serve")
	told = serving{
		socket: socketFlag(flags), syslog: syslogFlag(flags), instances: instancesFlag(flags),
		audit: auditlog.Options{Stdout: s.out, ServiceName: os.Getenv("OTEL_SERVICE_NAME")},
	}
	var errs [4]error
	told.addr, errs[0] = httpFlag(flags)
	told.profiling, errs[1] = profilingFlag(flags)
	errs[2] = told.bounds.BindFlags(flags, variablePrefix, os.Getenv)
	errs[3] = auditFlags(flags, &told.audit)
	if err := errors.Join(errs[:]...); err != nil {
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
	redis.SetLogger(silent{})
	go probeRedis(ctx, p, logger)
	err = told.untilDone(ctx, p, s.out, logger, registry)
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
func (told *serving) untilDone(ctx context.Context, p *plugins, out io.Writer, logger *slog.Logger, registry *prometheus.Registry) error {
	alive, err := inherit.File(supervisor.ServingFD)
	if err != nil {
		return err
	}
	defer alive.Close() // of nil, where no parent waits for it, it does nothing
	takeOverLimits(*told.instances, p.limiter, logger)
	defer handOverLimits(*told.instances, p.limiter, logger) // before the next one starts
	handover, err := pluginserver.InheritedHandover()
	if err != nil {
		return err
	}
	opts := told.bounds
	opts.Logger, opts.Registerer, opts.Strict, opts.Profiling = logger, registry, true, *told.profiling
	opts.InstanceDir, opts.Handover = *told.instances, handover
	server, err := pluginserver.New(opts, p.list()...)
	if err != nil {
		return err
	}
	stopLines, err := receiveLines(*told.syslog, p, out, logger, registry)
	if err != nil {
		return err
	}
	return errors.Join(serveAll(ctx, server, *told.socket, *told.addr, logger, registry), stopLines())
}

// probeTimeout bounds how long a Redis may take to answer when the server starts.
const probeTimeout = 2 * time.Second

// probeRedis says so if Redis is away at the start; later failures the limiter tells.
func probeRedis(ctx context.Context, p *plugins, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := p.limiter.Probe(ctx); err != nil {
		logger.Warn("redis does not answer: until it does, limits are what on_redis_error says", "error", err)
	}
}

// silent takes the place of go-redis' own logger, which prints a line for each failed
// dial; the limiter says once that Redis is away, and once that it is back.
type silent struct{}

// Printf implements go-redis' logging interface.
func (silent) Printf(context.Context, string, ...any) {}

// serveAll serves plugins, and their metrics and health, until ctx ends.
func serveAll(ctx context.Context, server *pluginserver.Server, socket, addr string, logger *slog.Logger, registry *prometheus.Registry) error {
	stopHTTP, err := serveHTTP(addr, server, registry, logger)
	if err != nil {
		return err
	}
	ln, err := openSocket(socket)
	if err != nil {
		return errors.Join(err, stopHTTP())
	}
	logger.Info("serving", "version", version, "socket", socket, "plugins", server.Names(), "http", addr)
	return errors.Join(server.Serve(ctx, ln), stopHTTP())
}

// openSocket takes the socket that a parent handed over, or makes one.
func openSocket(path string) (net.Listener, error) {
	ln, err := pluginserver.Inherited()
	if err != nil || ln != nil {
		return ln, err
	}
	return pluginserver.Listen(path)
}

// httpFD is the variable that tells the descriptor of the listener for metrics and
// health, where a parent process holds it: the next process listens before the last one
// has ended.
const httpFD = "GATEHOUSE_HTTP_FD"

func listenHTTP(addr string) (*net.TCPListener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics and health: %w; set -http or PLUGINSERVER_PORT to a free address", err)
	}
	return ln.(*net.TCPListener), nil
}

// serveHTTP serves /metrics, /healthz and /readyz.
func serveHTTP(addr string, server *pluginserver.Server, registry *prometheus.Registry, logger *slog.Logger) (stop func() error, err error) {
	mux := http.NewServeMux()
	mux.Handle("/", server.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	ln, err := inherit.Listener(httpFD)
	if err == nil && ln == nil {
		ln, err = listenHTTP(addr)
	}
	if err != nil {
		return nil, err
	}
	srv := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("metrics and health are not served", "error", err)
		}
	}()
	return srv.Close, nil
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
