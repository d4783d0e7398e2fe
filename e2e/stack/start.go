package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/probe"
)

func (s *Stack) start(ctx context.Context) error {
	if err := s.checkEnvironment(); err != nil {
		return err
	}
	if _, err := os.Stat(s.KongConfig); err != nil {
		return fmt.Errorf("read Kong config, which KONG_DECLARATIVE_CONFIG names: %w", err)
	}
	if err := s.checkPorts(); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	if err := s.certs().Write(time.Now(), false, s.note); err != nil {
		return err
	}
	if err := s.checkConfig(ctx); err != nil {
		return err
	}
	if err := s.startStore(); err != nil {
		return err
	}
	if err := s.startReceiver(); err != nil {
		return err
	}
	if err := s.run(s.parts()...); err != nil {
		return err
	}
	if err := s.prepareGateway(ctx); err != nil {
		return err
	}
	if err := s.run(s.gateway()); err != nil {
		return err
	}
	for _, child := range s.children {
		if err := s.await(ctx, child); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) run(parts ...part) error {
	for _, part := range parts {
		child, err := startProcess(part, s.LogDir())
		if err != nil {
			return err
		}
		s.children = append(s.children, child)
	}
	return nil
}

// prepareGateway writes what the gateway reads, once the auth service can say which keys
// there are.
func (s *Stack) prepareGateway(ctx context.Context) error {
	for _, child := range s.children {
		if child.name != services.Auth {
			continue
		}
		if err := s.await(ctx, child); err != nil {
			return err
		}
	}
	if err := s.writeIssuers(); err != nil {
		return err
	}
	if err := s.syncIssuers(ctx); err != nil {
		return err
	}
	return s.writeGatewayFiles()
}

func (s *Stack) checkPorts() error {
	used := s.Ports.all()
	if s.RedisURL != "" {
		used = slices.DeleteFunc(used, func(p *Port) bool { return p == &s.Ports.Redis })
	}
	if s.OTLPEndpoint != "" {
		used = slices.DeleteFunc(used, func(p *Port) bool { return p == &s.Ports.OTLP })
	}
	return checkFree(used)
}

func (s *Stack) prepare() error {
	if err := os.MkdirAll(s.LogDir(), 0o755); err != nil {
		return fmt.Errorf("create log folder: %w", err)
	}
	dir, err := os.MkdirTemp("", "gatehouse-")
	if err != nil {
		return fmt.Errorf("create socket folder: %w", err)
	}
	s.runDir = dir
	return nil
}

// await returns when the part answers 200 wherever it says that it is ready, or with an
// error when it has ended or does not answer in time.
func (s *Stack) await(ctx context.Context, child *process) error {
	for _, url := range child.health {
		if err := s.awaitURL(ctx, child, url); err != nil {
			return err
		}
	}
	child.ready = true
	return nil
}

func (s *Stack) awaitURL(ctx context.Context, child *process, health string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if probe.OK(ctx, health) == nil {
			return nil
		}
		select {
		case <-child.exited:
			return errors.New(s.ofFile(child.endedEarly().Error()))
		case <-ctx.Done():
			return fmt.Errorf("wait for %s at %s: %w; its log is %s", child.name, health, ctx.Err(), child.logPath)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
