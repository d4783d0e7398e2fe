package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/mtls"
	"github.com/gatehousehq/gatehouse/internal/pemfile"
	"github.com/gatehousehq/gatehouse/internal/probe"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
	"github.com/gatehousehq/gatehouse/internal/version"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub/spanscrub"
)

// shutdownTimeout bounds how long requests in flight and the last spans may take.
const shutdownTimeout = 5 * time.Second

func serviceCommand() *cobra.Command {
	one := func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return cli.Usagef("name one service: %s", strings.Join(services.Names(), ", "))
		}
		return nil
	}
	c := command("service NAME", "run one sample service alone", one, runService)
	c.ValidArgs, c.ValidArgsFunction = services.Names(), nil
	return c
}

// runService serves one sample service: its contract to the gateway and the BFFs on its
// documented port, or on SERVICE_ADDR, and its test controls over plain HTTP on another,
// or on SERVICE_CONTROL_ADDR.
func runService(ctx context.Context, args []string) error {
	name := args[0]
	api, control, err := serviceAddrs(name)
	if err != nil {
		return err
	}
	logger := slog.New(telemetry.Logs(slog.NewJSONHandler(os.Stderr, nil))).With("service", name)
	tel, err := telemetry.New(ctx, telemetry.Options{Service: name, Version: version.String(), Logger: logger, Scrub: spanscrub.Default})
	if err != nil {
		return err
	}
	err = serveService(ctx, name, api, control, services.Options{Telemetry: tel, Logger: logger})
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return errors.Join(err, tel.Shutdown(flush))
}

func serveService(ctx context.Context, name, api, control string, o services.Options) error {
	registry := prometheus.NewRegistry()
	o.Metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	service, err := services.New(name, o)
	if err != nil {
		return err
	}
	handler, config, err := secure(name, service.API, o.Logger, registry)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	errorLog := slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)
	group.Go(func() error {
		return serveHTTP(ctx, api, &http.Server{Handler: handler, TLSConfig: config, ErrorLog: errorLog})
	})
	group.Go(func() error {
		return serveHTTP(ctx, control, &http.Server{Handler: service.Control, ErrorLog: errorLog})
	})
	return group.Wait()
}

// secure has a service answer the peers alone that SERVICE_TLS_CLIENT_NAME names, and the
// auth service everybody, over TLS.
func secure(name string, api http.Handler, logger *slog.Logger, registry *prometheus.Registry) (http.Handler, *tls.Config, error) {
	if name == services.Auth {
		config, err := publicTLS(os.Getenv("SERVICE_TLS_CERT_FILE"), os.Getenv("SERVICE_TLS_KEY_FILE"))
		return api, config, err
	}
	settings, err := mtls.Parse("SERVICE_TLS", os.Getenv)
	if err != nil || settings.Insecure {
		return api, nil, err
	}
	identity, err := mtls.Open(settings, logger)
	if err != nil {
		return nil, nil, err
	}
	registry.MustRegister(identity)
	return identity.Only(api), identity.Server(), nil
}

// publicTLS is for clients without a certificate. The files are read for each of them:
// they are renewed.
func publicTLS(certFile, keyFile string) (*tls.Config, error) {
	read := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := pemfile.Pair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("read SERVICE_TLS_CERT_FILE and SERVICE_TLS_KEY_FILE: %w", err)
		}
		return &pair, nil
	}
	if _, err := read(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: read}, nil
}

func serviceAddrs(name string) (api, control string, err error) {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return "", "", err
	}
	pair, ok := map[string][2]stack.Port{
		services.Orders:        {ports.Orders, ports.OrdersControl},
		services.Users:         {ports.Users, ports.UsersControl},
		services.Billing:       {ports.Billing, ports.BillingControl},
		services.Notifications: {ports.Notifications, ports.NotificationsControl},
		services.Auth:          {ports.Auth, ports.AuthControl},
	}[name]
	if !ok {
		return "", "", cli.Usagef("service %q is unknown: use one of %s", name, strings.Join(services.Names(), ", "))
	}
	api, control = pair[0].Addr(), pair[1].Addr()
	return cmp.Or(os.Getenv("SERVICE_ADDR"), api), cmp.Or(os.Getenv("SERVICE_CONTROL_ADDR"), control), nil
}

// runReceiver serves the trace receiver on its documented port, or on RECEIVER_ADDR.
func runReceiver(ctx context.Context, _ []string) error {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return err
	}
	return serveHTTP(ctx, cmp.Or(os.Getenv("RECEIVER_ADDR"), ports.OTLP.Addr()), &http.Server{Handler: otlpsink.New()})
}

func oneURL(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("name one URL")
	}
	if err := probe.CheckURL(args[0]); err != nil {
		return cli.Usagef("%w", err)
	}
	return nil
}

// checkHealth succeeds if the URL answers 200: a health check for images that hold
// no other program.
func checkHealth(ctx context.Context, args []string) error {
	return probe.OK(ctx, args[0])
}

// serveHTTP serves until ctx ends, then finishes the requests in flight.
func serveHTTP(ctx context.Context, addr string, server *http.Server) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	server.ReadHeaderTimeout = 5 * time.Second
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(ln, "", "")
			return
		}
		failed <- server.Serve(ln)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", addr, err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ctx)
}
