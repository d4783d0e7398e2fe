package main

import (
	"cmp"
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
	ready, err := s.Ready(ctx)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Printf("Gatehouse is ready on %s after %s.\n%s", s.Ports.Proxy.URL(), time.Since(began).Round(10*time.Millisecond), ready)

	go func() {
		if err := s.FollowIssuers(ctx, followEvery, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, "stack:", err)
		}
	}()
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
		KongConfig:   kongConfig(),
		Ports:        ports,
		RedisURL:     os.Getenv("REDIS_URL"),
		OTLPEndpoint: os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"),
	}, nil
}

// kongConfig is the config that runs.
func kongConfig() string { return cmp.Or(os.Getenv("KONG_DECLARATIVE_CONFIG"), "kong.yaml") }
