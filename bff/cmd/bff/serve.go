package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"

	"github.com/gatehousehq/gatehouse/bff/apidoc"
	"github.com/gatehousehq/gatehouse/bff/metrics"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/gogc"
	"github.com/gatehousehq/gatehouse/internal/mtls"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
	"github.com/gatehousehq/gatehouse/internal/version"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub/spanscrub"
)

const (
	// drainTimeout is how long requests in flight may take once the process is
	// told to stop; no page takes as long.
	drainTimeout = 35 * time.Second
	// flushTimeout bounds the sending of the last spans.
	flushTimeout = 3 * time.Second
	// idleTimeout is longer than the gateway's (60 s by nginx's default), so that
	// it is the gateway that closes an idle connection, never both at once.
	idleTimeout = 120 * time.Second
	// gcPercent lets the heap grow to five times what is live before it is collected: a
	// few MB are live, and the collector would take a fifth of the time.
	gcPercent = 400
)

// serve runs the BFF until ctx ends, then finishes the requests in flight.
func serve(ctx context.Context, cfg config, stderr io.Writer) error {
	logger, err := newLogger(cfg, stderr)
	if err != nil {
		return err
	}
	gogc.Default(gcPercent)
	// Exporters report what they could not send nowhere else.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("telemetry", "error", err.Error()) }))
	tel, err := telemetry.New(ctx, telemetry.Options{Service: cfg.kind.name + "-bff", Version: version.String(), Logger: logger, Scrub: spanscrub.Default})
	if err != nil {
		return err
	}
	identity, err := openIdentity(cfg, logger)
	if err != nil {
		return err
	}
	registry := newRegistry(identity)
	measured := metrics.New(registry, serviceNames)
	transport := upstream.NewTransport()
	defer transport.CloseIdleConnections()
	pool := measured.Watch(transport, hosts(cfg.services)) // first, so that it counts TLS's too
	if identity != nil {
		identity.Use(transport)
	}
	handler, err := newHandler(cfg, tel, pool, measured, logger)
	if err != nil {
		return err
	}
	docs, err := apidoc.New(cfg.kind.contract)
	if err != nil {
		return err
	}
	handler = withDocs(handler, docs)
	if identity != nil {
		handler = identity.Only(handler)
	}
	err = listenAndDrain(ctx, cfg, identity, handler, statusPages(registry, docs), logger)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if lost := tel.Shutdown(flush); lost != nil {
		logger.Warn("telemetry", "error", lost.Error())
	}
	return err
}

// openIdentity reads who the BFF is, nil where it is told to be insecure.
func openIdentity(cfg config, logger *slog.Logger) (*mtls.Identity, error) {
	if cfg.tls.Insecure {
		return nil, nil
	}
	return mtls.Open(cfg.tls, logger)
}

func newLogger(cfg config, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.logLevel)); err != nil {
		return nil, fmt.Errorf("read BFF_LOG_LEVEL: %w", err)
	}
	handler := telemetry.Logs(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	return slog.New(handler).With("service", cfg.kind.name+"-bff"), nil
}

// Where health is told.
const (
	healthzPath = "/healthz"
	readyzPath  = "/readyz"
)

// addHealth adds /healthz, which tells that the process runs, and /readyz,
// which tells that it takes requests. Neither asks the services: a BFF whose
// services are away still answers, and restarting it would not help them.
func addHealth(mux *http.ServeMux, draining *atomic.Bool) *http.ServeMux {
	mux.HandleFunc("GET "+healthzPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET "+readyzPath, func(w http.ResponseWriter, _ *http.Request) {
		if draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// withHealth serves health beside pages: for the gateway's checks, and for probes.
func withHealth(pages http.Handler, draining *atomic.Bool) http.Handler {
	health := addHealth(http.NewServeMux(), draining)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path { // by no mux, which redirects a path that it would write otherwise
		case healthzPath, readyzPath:
			health.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// withDocs serves the contract beside the pages, for a gateway that has a route to it.
func withDocs(pages, docs http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case apidoc.ContractPath, apidoc.PagePath:
			docs.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// newRegistry has the metrics of the process, and of its certificates if it has any.
func newRegistry(identity *mtls.Identity) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if identity != nil {
		registry.MustRegister(identity)
	}
	return registry
}

// statusPages serves metrics and the contract to those without a certificate: Prometheus
// and people. None of it is a tenant's.
func statusPages(registry *prometheus.Registry, docs http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(apidoc.ContractPath, docs)
	mux.Handle(apidoc.PagePath, docs)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})) // it has exemplars
	return mux
}

func newServer(cfg config, handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      cfg.budget + 10*time.Second,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// port is a server and where it listens.
type port struct {
	server           *http.Server
	opened           string // what the log says then
	addr             string
	portVar, addrVar string // the variables that move it
}

// open listens, and serves until the server is stopped, which failed gets to know.
func (p port) open(ctx context.Context, logger *slog.Logger, failed chan<- error) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", p.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (another port: %s or %s)", p.addr, err, p.portVar, p.addrVar)
	}
	logger.Info(p.opened, "version", version.String(), "addr", listener.Addr().String(), "tls", p.server.TLSConfig != nil)
	go func() { failed <- fmt.Errorf("serve on %s: %w", p.addr, accept(p.server, listener)) }()
	return nil
}

// listenAndDrain serves pages until ctx ends. Then /readyz answers 503, for
// cfg.drainDelay new requests are still taken, and those in flight are finished.
func listenAndDrain(ctx context.Context, cfg config, identity *mtls.Identity, pages, statusPages http.Handler, logger *slog.Logger) error {
	var draining atomic.Bool
	server := newServer(cfg, withHealth(pages, &draining), logger)
	if identity != nil {
		server.TLSConfig = identity.Server()
	} else {
		logger.Warn("BFF_TLS is insecure: identity headers are believed from every peer that reaches this port")
	}
	status := newServer(cfg, withHealth(statusPages, &draining), logger)
	defer status.Close()
	failed := make(chan error, 2)
	for _, p := range []port{
		{server, "listening", cfg.addr, cfg.kind.portVar, "BFF_ADDR"},
		{status, "listening for health and metrics", cfg.statusAddr, cfg.kind.statusPortVar, "BFF_STATUS_ADDR"},
	} {
		if err := p.open(ctx, logger, failed); err != nil {
			return errors.Join(err, server.Close())
		}
	}
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	draining.Store(true)
	logger.Info("draining")
	time.Sleep(cfg.drainDelay)
	return drain(server)
}

func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("finish requests in flight: %w", err), server.Close())
	}
	return nil
}

func accept(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}
