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

	"go.opentelemetry.io/otel"

	"github.com/gatehousehq/gatehouse/bff/mobile"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/bff/web"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
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
)

// serve runs the BFF until ctx ends, then finishes the requests in flight.
func serve(ctx context.Context, cfg config, stderr io.Writer) error {
	logger, err := newLogger(cfg, stderr)
	if err != nil {
		return err
	}
	// Exporters report what they could not send nowhere else.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("telemetry", "error", err.Error()) }))
	tel, err := telemetry.New(ctx, cfg.kind.name+"-bff")
	if err != nil {
		return err
	}
	transport := upstream.NewTransport()
	defer transport.CloseIdleConnections()
	handler, err := newHandler(cfg, tel, transport, logger)
	if err != nil {
		return err
	}
	err = listenAndDrain(ctx, cfg, handler, logger)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if lost := tel.Shutdown(flush); lost != nil {
		logger.Warn("telemetry", "error", lost.Error())
	}
	return err
}

func newLogger(cfg config, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.logLevel)); err != nil {
		return nil, fmt.Errorf("read BFF_LOG_LEVEL: %w", err)
	}
	handler := telemetry.Logs(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	return slog.New(handler).With("service", cfg.kind.name+"-bff"), nil
}

// newHandler wires the pages of cfg's BFF to the services.
func newHandler(cfg config, tel *telemetry.Telemetry, transport http.RoundTripper, logger *slog.Logger) (http.Handler, error) {
	services, err := upstream.New(upstream.Options{
		Orders: cfg.services["orders"], Users: cfg.services["users"],
		Billing: cfg.services["billing"], Notifications: cfg.services["notifications"],
		Transport: transport, Telemetry: tel, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	pages, err := newPages(cfg, services, tel, logger)
	if err != nil {
		return nil, err
	}
	if cfg.tls.enabled() {
		pages = onlyPeer(pages, cfg.tls.clientName)
	}
	return pages, nil
}

func newPages(cfg config, services *upstream.Clients, tel *telemetry.Telemetry, logger *slog.Logger) (http.Handler, error) {
	if cfg.kind.name == "mobile" {
		return mobile.New(mobile.Options{Services: services, Telemetry: tel, Logger: logger, Budget: cfg.budget})
	}
	return web.New(web.Options{Services: services, Telemetry: tel, Logger: logger, Budget: cfg.budget})
}

// withHealth adds /healthz, which tells that the process runs, and /readyz,
// which tells that it takes requests. Neither asks the services: a BFF whose
// services are away still answers, and restarting it would not help them.
func withHealth(pages http.Handler, draining *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("/", pages)
	return mux
}

func newServer(cfg config, handler http.Handler, logger *slog.Logger) (*http.Server, error) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      cfg.budget + 10*time.Second,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if !cfg.tls.enabled() {
		return server, nil
	}
	var err error
	server.TLSConfig, err = tlsConfig(cfg.tls)
	return server, err
}

// listenAndDrain serves pages until ctx ends. Then /readyz answers 503, for
// cfg.drainDelay new requests are still taken, and those in flight are finished.
func listenAndDrain(ctx context.Context, cfg config, pages http.Handler, logger *slog.Logger) error {
	var draining atomic.Bool
	server, err := newServer(cfg, withHealth(pages, &draining), logger)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (another port: %s or BFF_ADDR)", cfg.addr, err, cfg.kind.portVar)
	}
	logListening(listener.Addr(), cfg, logger)
	failed := make(chan error, 1)
	go func() { failed <- accept(server, listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", cfg.addr, err)
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

// logListening says where the BFF listens, and warns where it believes identity
// headers from anybody who can reach it.
func logListening(addr net.Addr, cfg config, logger *slog.Logger) {
	logger.Info("listening", "version", version, "addr", addr.String(), "tls", cfg.tls.enabled(), "budget_ms", cfg.budget.Milliseconds())
	if tcp, ok := addr.(*net.TCPAddr); ok && !cfg.tls.enabled() && !tcp.IP.IsLoopback() {
		logger.Warn("identity headers are believed from every peer: keep this port to the gateway, or set BFF_TLS_CERT_FILE, BFF_TLS_KEY_FILE and BFF_TLS_CLIENT_CA_FILE")
	}
}
