package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/probe"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// shutdownTimeout bounds how long requests in flight and the last spans may take.
const shutdownTimeout = 5 * time.Second

// runService serves one sample service on its documented port, or on SERVICE_ADDR.
func runService(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w\n\nservice takes one name: %s", errUsage, strings.Join(services.Names(), ", "))
	}
	name := args[0]
	addr, err := serviceAddr(name)
	if err != nil {
		return err
	}
	tel, err := telemetry.New(ctx, name)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", name)
	handler, err := services.New(name, services.Options{Telemetry: tel, Logger: logger})
	if err != nil {
		return err
	}
	err = serveHTTP(ctx, addr, handler)
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return errors.Join(err, tel.Shutdown(flush))
}

func serviceAddr(name string) (string, error) {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return "", err
	}
	port, ok := map[string]stack.Port{
		services.Orders:        ports.Orders,
		services.Users:         ports.Users,
		services.Billing:       ports.Billing,
		services.Notifications: ports.Notifications,
	}[name]
	if !ok {
		return "", fmt.Errorf("service %q is unknown: use one of %s", name, strings.Join(services.Names(), ", "))
	}
	return cmp.Or(os.Getenv("SERVICE_ADDR"), port.Addr()), nil
}

// runReceiver serves the trace receiver on its documented port, or on RECEIVER_ADDR.
func runReceiver(ctx context.Context, _ []string) error {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return err
	}
	return serveHTTP(ctx, cmp.Or(os.Getenv("RECEIVER_ADDR"), ports.OTLP.Addr()), otlpsink.New())
}

// checkHealth succeeds if the URL answers 200: a health check for images that hold
// no other program.
func checkHealth(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w\n\nhealth takes one URL", errUsage)
	}
	return probe.OK(ctx, args[0])
}

// serveHTTP serves until ctx ends, then finishes the requests in flight.
func serveHTTP(ctx context.Context, addr string, handler http.Handler) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", addr, err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ctx)
}
