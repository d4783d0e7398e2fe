package capacity

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehousehq/gatehouse/bench/collector"
	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/process"
	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
)

// gate is a Kong of one worker with its plugin server.
type gate struct {
	*kongserver.Gatehouse
	nginx  []int // process ids
	server int
}

// system is what the tables share.
type system struct {
	line  *gate // in one hop, requests end by nginx's access line, as in the image
	event *gate // they end by a log event, as on Kubernetes
	redis *redisserver.Server
	bff   *process.Process

	closers []func() error
}

func start(ctx context.Context) (*system, error) {
	s := new(system)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *system) start(ctx context.Context) error {
	if err := kongserver.Missing(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	if s.redis, err = redisserver.Start(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.redis.Stop)
	traces, stop, err := collector.Start()
	if err != nil {
		return err
	}
	s.closers = append(s.closers, stop)
	stub, err := s.startBehind(ctx, dir, traces)
	if err != nil {
		return err
	}
	binary, err := kongserver.Build(ctx, dir)
	if err != nil {
		return err
	}
	config := config(stub.URL(), s.bff.URL(), s.redis.Addr)
	env := map[string]string{"REDIS_URL": s.redis.URL(), "OTEL_EXPORTER_OTLP_ENDPOINT": traces}
	if s.line, err = s.startGate(ctx, binary, config, env); err != nil {
		return err
	}
	env["GATEHOUSE_LOG_PHASE"] = "event"
	s.event, err = s.startGate(ctx, binary, config, env)
	return err
}

// startBehind starts what stands in for the services, and a BFF before them.
func (s *system) startBehind(ctx context.Context, dir, traces string) (*process.Process, error) {
	stubBinary, err := process.Build(ctx, ".", "./bff/stub", dir)
	if err != nil {
		return nil, err
	}
	bffBinary, err := process.Build(ctx, "..", "./bff/cmd/bff", dir)
	if err != nil {
		return nil, err
	}
	stub, err := process.Start(ctx, "/v1/summary", nil, stubBinary, "$ADDR")
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, stub.Stop)
	env := []string{"BFF_TLS=insecure", "BFF_ADDR=$ADDR", "BFF_STATUS_ADDR=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT=" + traces}
	for _, service := range []string{"ORDERS", "USERS", "BILLING", "NOTIFICATIONS"} {
		env = append(env, service+"_URL="+stub.URL())
	}
	if s.bff, err = process.Start(ctx, "/web/v1/dashboard", env, bffBinary, "web"); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.bff.Stop)
	return stub, nil
}

func (s *system) startGate(ctx context.Context, binary, config string, env map[string]string) (*gate, error) {
	include, err := filepath.Abs("../deploy/kong/*.conf")
	if err != nil {
		return nil, err
	}
	kong, err := kongserver.StartGatehouse(ctx, kongserver.GatehouseSettings{Binary: binary, Include: include, Config: config, Env: env})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, kong.Close)
	g := &gate{Gatehouse: kong}
	if g.nginx, err = kong.NginxPIDs(); err != nil {
		return nil, err
	}
	g.server, err = kong.ServerPID()
	return g, err
}

func (s *system) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

// part is what a request passes through.
type part struct {
	name string
	pids []int
}

func (s *system) parts(g *gate) []part {
	return []part{
		{"Kong", g.nginx}, {"plugin server", []int{g.server}}, {"Redis", []int{s.redis.PID()}}, {"BFF", []int{s.bff.PID()}},
	}
}

// The parts, as they are in a usage.
const (
	kongPart = iota
	serverPart
	redisPart
	bffPart
	partCount
)

// usage is the CPU time of each part.
type usage [partCount]time.Duration

func (u usage) sum() (all time.Duration) {
	for _, of := range u {
		all += of
	}
	return all
}

// since is what was used since an earlier one.
func (u usage) since(before usage) usage {
	for i := range u {
		u[i] -= before[i]
	}
	return u
}

func (s *system) usage(g *gate) (u usage, err error) {
	for i, p := range s.parts(g) {
		for _, pid := range p.pids {
			of, err := ratio.CPUTimeOf(pid)
			if err != nil {
				return u, fmt.Errorf("%s: %w", p.name, err)
			}
			u[i] += of
		}
	}
	return u, nil
}
