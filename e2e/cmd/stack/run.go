package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// runStack starts everything, prints requests to paste, and stops it all when ctx
// ends. The binaries are looked for beside this one.
func runStack(ctx context.Context, _ []string) error {
	began := time.Now()
	cfg, err := configFromEnv()
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return err
	}
	for _, warning := range s.Warnings() {
		fmt.Fprintln(os.Stderr, "stack: warning:", warning)
	}
	guide, err := stack.Guide(ctx, s.Ports.Proxy.URL(), s.Ports.AuthControl.URL())
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Printf("Gatehouse is ready on %s after %s.\n\n%s\n", s.Ports.Proxy.URL(), time.Since(began).Round(10*time.Millisecond), guide)
	fmt.Printf("TLS:     curl -i --cacert %s https://localhost:%d/web/v1/dashboard -H \"Authorization: Bearer $WEB\"\n", stack.CertDir(devDir).CA(), s.Ports.ProxyTLS.Number)
	if cfg.OTLPEndpoint == "" {
		fmt.Printf("Traces:  curl '%s/traces?limit=5'   then /traces/ID?format=text\n", s.Ports.OTLP.URL())
	}
	fmt.Printf("Keys:    curl -X POST '%s/web/keys?lead_seconds=30&overlap_seconds=60'   rotates the web issuer's\n", s.Ports.AuthControl.URL())
	fmt.Printf("Logs:    %s (access, error and audit lines: gateway.log)\nStop:    Ctrl-C\n", s.LogDir())

	go s.FollowIssuers(ctx, followEvery, func(line string) { fmt.Fprintln(os.Stderr, "stack:", line) })
	err = s.Wait(ctx)
	fmt.Println("Stopping.")
	return errors.Join(err, s.Close())
}

// followEvery is how soon the gateway knows of a key that the auth service publishes.
const followEvery = 10 * time.Second

// devDir is where `make run` keeps logs and certificates; git ignores it.
const devDir = ".dev"

func configFromEnv() (stack.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return stack.Config{}, fmt.Errorf("find the binaries: %w", err)
	}
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return stack.Config{}, err
	}
	return stack.Config{
		Bin:          filepath.Dir(self),
		Dir:          devDir,
		KongConfig:   envOr("KONG_DECLARATIVE_CONFIG", "kong.yaml"),
		Ports:        ports,
		RedisURL:     os.Getenv("REDIS_URL"),
		OTLPEndpoint: os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"),
	}, nil
}

func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
