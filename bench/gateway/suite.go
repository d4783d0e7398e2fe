// Package gateway measures the four policies on a real Kong of one worker, with a
// real Redis, against Kong's own Lua plugins for the same.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// bench is what the rows share.
type bench struct {
	line  *kong // requests end by nginx's access line
	event *kong // requests end by a log event
	lua   *kong

	config string        // of the first two
	pause  time.Duration // see half; 0 until it is measured

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

func (b *bench) open(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { return os.RemoveAll(dir) })
	redis, err := b.startRedis(ctx)
	if err != nil {
		return err
	}
	upstream, stop, err := startUpstream()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	collector, stop, err := startCollector()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	gatehouse := filepath.Join(dir, "gatehouse")
	build := exec.CommandContext(ctx, "go", "build", "-o", gatehouse, "./plugins/cmd/gatehouse")
	build.Dir = ".." // the binary that is shipped has its own go.mod
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build gatehouse: %w: %s", err, out)
	}
	include, err := filepath.Abs("../deploy/kong/*.conf")
	if err != nil {
		return err
	}
	b.config = config(service("onehop", upstream, oneHop), service("apart", upstream, apart), service("bare", upstream, ""))
	env := map[string]string{
		"REDIS_URL": fmt.Sprintf("redis://127.0.0.1:%d/0", redis), "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
	}
	if b.line, err = b.startKong(ctx, gatehouse, include, settings{b.config, env}); err != nil {
		return err
	}
	env["GATEHOUSE_LOG_PHASE"] = "event"
	if b.event, err = b.startKong(ctx, gatehouse, include, settings{b.config, env}); err != nil {
		return err
	}
	theirs := config(service("lua", upstream, lua(redis, collector, filepath.Join(dir, "file.log"))))
	b.lua, err = b.startKong(ctx, gatehouse, include, settings{theirs, map[string]string{
		"KONG_TRACING_INSTRUMENTATIONS": "all", "KONG_TRACING_SAMPLING_RATE": "1",
		"KONG_PROXY_ACCESS_LOG": "logs/access.log", "KONG_PROXY_ERROR_LOG": "logs/error.log",
	}})
	return err
}

func (b *bench) startKong(ctx context.Context, gatehouse, include string, s settings) (*kong, error) {
	k, err := startKong(ctx, gatehouse, include, s)
	if err == nil {
		b.closers = append(b.closers, k.close)
	}
	return k, err
}

func (b *bench) startRedis(ctx context.Context) (port int, err error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return 0, ratio.Missing{What: "redis-server on PATH"}
	}
	addrs, err := freeAddrs(1)
	if err != nil {
		return 0, err
	}
	_, text, _ := net.SplitHostPort(addrs[0])
	cmd := exec.Command("redis-server", "--port", text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start Redis: %w", err)
	}
	b.closers = append(b.closers, func() error {
		_ = cmd.Process.Signal(os.Interrupt)
		return cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", addrs[0])
		if err == nil {
			_ = conn.Close()
			return strconv.Atoi(text)
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for Redis: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (b *bench) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	return errors.Join(errs...)
}
