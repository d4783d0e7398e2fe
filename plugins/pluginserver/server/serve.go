package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// New makes a server of plugins as the settings say. files are what a parent process
// passed on, see [inherit.FromParent].
func (s *Settings) New(files inherit.Files, plugins ...pluginserver.Plugin) (*pluginserver.Server, error) {
	handover, err := files.Handover()
	if err != nil {
		return nil, err
	}
	s.Options.Handover = handover
	return pluginserver.New(s.Options, plugins...)
}

// Serve serves plugins, and their health and metrics, until ctx ends. It uses the
// sockets that a parent process passed on, and makes those that are not among files.
// A socket on which another process listens is taken over.
func (s *Settings) Serve(ctx context.Context, srv *pluginserver.Server, files inherit.Files, metrics http.Handler) error {
	logger := s.Options.Logger
	stopHTTP, err := s.serveHTTP(srv, files, metrics)
	if err != nil {
		return err
	}
	ln, err := s.open(files)
	if err != nil {
		return errors.Join(err, stopHTTP())
	}
	logger.Info("serving", "version", s.Version, "socket", ln.Addr().String(), "plugins", srv.Names(), "http", s.HTTP)
	return errors.Join(srv.Serve(ctx, ln), stopHTTP())
}

func (s *Settings) open(files inherit.Files) (net.Listener, error) {
	if ln, err := files.Listener(inherit.Socket); ln != nil || err != nil {
		return ln, err
	}
	return listen.TakeOver(s.Socket)
}

// ListenHTTP opens the listener of health and metrics.
func ListenHTTP(addr string) (*net.TCPListener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics and health: %w; set -http to a free address", err)
	}
	return ln.(*net.TCPListener), nil
}

// serveHTTP serves metrics and health, if there is an address.
func (s *Settings) serveHTTP(srv *pluginserver.Server, files inherit.Files, metrics http.Handler) (stop func() error, err error) {
	ln, err := files.Listener(inherit.HTTP)
	if err == nil && ln == nil {
		if s.HTTP == "" {
			return func() error { return nil }, nil
		}
		ln, err = ListenHTTP(s.HTTP)
	}
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", srv.Handler())
	mux.Handle("GET /metrics", metrics)
	logger := s.Options.Logger
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("metrics and health are not served", "error", err)
		}
	}()
	return server.Close, nil
}
