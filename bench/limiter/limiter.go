// Package limiter measures tenant-rate-limit against its peers: redis_rate, which
// asks Redis once for each limit, and Envoy's ratelimit service, which asks once
// for all and charges some of them when another denies.
package limiter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// Loads are bounded in count, so that a slow machine takes longer and no more.
const (
	decisions = 12_000 // of a round
	callers   = 64     // at once
	pings     = 3_000
	users     = 50
)

// Open starts a Redis for the suite.
func Open(ctx context.Context) (rows []ratio.Row, closeAll func() error, err error) {
	server, err := startRedis(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, closers, err := makeRows(ctx, server)
	closeAll = func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		return errors.Join(append(errs, server.stop())...)
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return rows, closeAll, nil
}

func makeRows(ctx context.Context, server *redisServer) (rows []ratio.Row, closers []func() error, err error) {
	ours, err := newOurs(server.url())
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, ours.close)
	client := server.client()
	closers = append(closers, client.Close)
	rows = append(append(ours.rows(client), peerRows(ours, client)...), memoryRow(ctx, server))
	envoy, err := startEnvoy(ctx, server)
	switch missing := (ratio.Missing{}); {
	case errors.As(err, &missing):
		fmt.Println("left out: Envoy's ratelimit:", missing)
	case err != nil:
		return nil, closers, err
	default:
		closers = append(closers, envoy.close)
		rows = append(rows, envoy.row(ours))
	}
	return rows, closers, nil
}

// redisServer is a redis-server of the suite's own.
type redisServer struct {
	addr string
	cmd  *exec.Cmd
	dir  string
}

func startRedis(ctx context.Context) (*redisServer, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ratio.Missing{What: "redis-server on PATH"}
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for redis: %w", err)
	}
	_, port, _ := net.SplitHostPort(addr)
	s := &redisServer{addr: addr, dir: dir}
	s.cmd = exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	client := s.client()
	defer client.Close()
	for deadline := time.Now().Add(10 * time.Second); client.Ping(ctx).Err() != nil; {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, errors.Join(errors.New("redis-server does not answer"), s.stop())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return s, nil
}

func (s *redisServer) url() string { return "redis://" + s.addr }

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, Protocol: 2})
}

func (s *redisServer) stop() error {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	return os.RemoveAll(s.dir)
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}
