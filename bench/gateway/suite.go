// Package gateway measures the four policies on a real Kong of one worker, with a
// real Redis, against Kong's own Lua plugins for the same.
package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/gatehousehq/gatehouse/bench/collector"
	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
)

// bench is what the rows share.
type bench struct {
	line  *kongserver.Gatehouse // requests end by nginx's access line
	event *kongserver.Gatehouse // requests end by a log event
	lua   *kongserver.Gatehouse

	config string // of the first two

	closers []func() error
}

// Open starts Redis, an upstream, a trace collector and three Kongs.
func Open(ctx context.Context) (rows []ratio.Row, closeAll func() error, err error) {
	b := new(bench)
	if err := b.open(ctx); err != nil {
		return nil, nil, errors.Join(err, b.close())
	}
	return b.rows(), b.close, nil
}

// prepare starts an upstream, and builds what a Kong with Gatehouse's plugins needs.
func (b *bench) prepare(ctx context.Context) (upstream string, s kongserver.GatehouseSettings, err error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return "", s, err
	}
	b.closers = append(b.closers, func() error { return os.RemoveAll(dir) })
	upstream, stop, err := startUpstream()
	if err != nil {
		return "", s, err
	}
	b.closers = append(b.closers, stop)
	if s.Binary, err = kongserver.Build(ctx, dir); err != nil {
		return "", s, err
	}
	s.Include, err = filepath.Abs("../deploy/kong/*.conf")
	return upstream, s, err
}

func (b *bench) open(ctx context.Context) error {
	upstream, s, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	redis, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, redis.Stop)
	traces, stop, err := collector.Start()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	b.config = config(service("onehop", upstream, oneHop(0)), service("leased", upstream, oneHop(lease)),
		service("apart", upstream, apart()), service("sunset", upstream, sunsetAlone()), service("bare", upstream, ""))
	s.Config, s.Env = b.config, map[string]string{
		"REDIS_URL": redis.URL(), "OTEL_EXPORTER_OTLP_ENDPOINT": traces,
		"GATEHOUSE_LOG_PLUGINS": "off", // there is none: the audit record is what is logged
	}
	if b.line, err = b.startKong(ctx, s); err != nil {
		return err
	}
	s.Env["GATEHOUSE_LOG_PHASE"] = "event"
	if b.event, err = b.startKong(ctx, s); err != nil {
		return err
	}
	s.Config = config(service("lua", upstream, lua(redis.Addr, traces, filepath.Join(filepath.Dir(s.Binary), "file.log"))),
		service("sunset", upstream, luaSunset))
	s.Env = map[string]string{
		"KONG_TRACING_INSTRUMENTATIONS": "all", "KONG_TRACING_SAMPLING_RATE": "1",
		"KONG_PROXY_ACCESS_LOG": "logs/access.log", "KONG_PROXY_ERROR_LOG": "logs/error.log",
	}
	b.lua, err = b.startKong(ctx, s)
	return err
}

func (b *bench) startKong(ctx context.Context, s kongserver.GatehouseSettings) (*kongserver.Gatehouse, error) {
	k, err := kongserver.StartGatehouse(ctx, s)
	if err == nil {
		b.closers = append(b.closers, k.Close)
	}
	return k, err
}

func (b *bench) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	return errors.Join(errs...)
}
