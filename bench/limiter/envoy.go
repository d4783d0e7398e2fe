package limiter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	extensions "github.com/envoyproxy/go-control-plane/envoy/extensions/common/ratelimit/v3"
	service "github.com/envoyproxy/go-control-plane/envoy/service/ratelimit/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/gatehousehq/gatehouse/bench/loopback"
	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
)

// envoyLimits are the four limits, as descriptors.
const envoyLimits = `domain: bench
descriptors:
  - { key: tenant, rate_limit: { unit: minute, requests_per_unit: 1000000000 } }
  - { key: user, rate_limit: { unit: minute, requests_per_unit: 1000000000 } }
  - { key: route, rate_limit: { unit: minute, requests_per_unit: 1000000000 } }
  - { key: global, rate_limit: { unit: minute, requests_per_unit: 1000000000 } }
`

// envoyRatelimit is the service that Envoy asks, over gRPC as Envoy does. Its
// module has no version that the Go module proxy serves, so its binary has to be
// there: built from its repository with
//
//	go build -o ratelimit ./src/service_cmd
//
// and on PATH, or named by ENVOY_RATELIMIT.
type envoyRatelimit struct {
	cmd    *exec.Cmd
	dir    string
	conn   *grpc.ClientConn
	client service.RateLimitServiceClient
}

func startEnvoy(ctx context.Context, server *redisserver.Server) (*envoyRatelimit, error) {
	path := os.Getenv("ENVOY_RATELIMIT")
	if path == "" {
		path, _ = exec.LookPath("ratelimit")
	}
	if path == "" {
		return nil, ratio.Missing{What: "binary of github.com/envoyproxy/ratelimit, on PATH or in ENVOY_RATELIMIT"}
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-envoy-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for ratelimit: %w", err)
	}
	e := &envoyRatelimit{dir: dir}
	if err := e.start(ctx, path, server.Addr); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *envoyRatelimit) start(ctx context.Context, path, redisAddr string) error {
	folder := filepath.Join(e.dir, "ratelimit", "config")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make ratelimit's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "bench.yaml"), []byte(envoyLimits), 0o644); err != nil {
		return fmt.Errorf("write ratelimit's limits: %w", err)
	}
	addrs, err := loopback.FreeAddrs(3)
	if err != nil {
		return err
	}
	var ports [3]string
	for i := range ports {
		_, ports[i], _ = net.SplitHostPort(addrs[i])
	}
	e.cmd = exec.Command(path)
	e.cmd.Env = append(os.Environ(), "RUNTIME_ROOT="+e.dir, "RUNTIME_SUBDIRECTORY=ratelimit", "RUNTIME_WATCH_ROOT=false",
		"USE_STATSD=false", "LOG_LEVEL=error", "REDIS_SOCKET_TYPE=tcp", "REDIS_URL="+redisAddr,
		"HOST=127.0.0.1", "DEBUG_HOST=127.0.0.1", "GRPC_HOST=127.0.0.1", "PORT="+ports[0], "DEBUG_PORT="+ports[1], "GRPC_PORT="+ports[2])
	if err := e.cmd.Start(); err != nil {
		return fmt.Errorf("start ratelimit: %w", err)
	}
	e.conn, err = grpc.NewClient("127.0.0.1:"+ports[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to ratelimit: %w", err)
	}
	e.client = service.NewRateLimitServiceClient(e.conn)
	return e.await(ctx)
}

func (e *envoyRatelimit) await(ctx context.Context) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := e.decide(ctx, 0)
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (e *envoyRatelimit) decide(ctx context.Context, n int) error {
	tenant := fmt.Sprint("t", n%10)
	resp, err := e.client.ShouldRateLimit(ctx, &service.RateLimitRequest{Domain: "bench", Descriptors: []*extensions.RateLimitDescriptor{
		descriptor("tenant", tenant), descriptor("user", tenant+fmt.Sprint(":u", n%users)),
		descriptor("route", tenant+":r1"), descriptor("global", "all"),
	}})
	if err != nil {
		return fmt.Errorf("ask ratelimit: %w", err)
	}
	if len(resp.Statuses) != 4 || resp.Statuses[0].CurrentLimit == nil {
		return fmt.Errorf("ratelimit knows no such limits: %v", resp)
	}
	if resp.OverallCode != service.RateLimitResponse_OK {
		return fmt.Errorf("ratelimit denies: %v", resp)
	}
	return nil
}

func descriptor(key, value string) *extensions.RateLimitDescriptor {
	return &extensions.RateLimitDescriptor{Entries: []*extensions.RateLimitDescriptor_Entry{{Key: key, Value: value}}}
}

func (e *envoyRatelimit) row(o *ours) ratio.Row {
	return ratio.Row{
		What: fmt.Sprintf("whole decisions on 4 limits, %d callers", callers), Peer: "Envoy's ratelimit, over gRPC", Unit: "decisions/s",
		Ours: o.perSecond, Base: func(ctx context.Context) (float64, error) { return perSecond(ctx, e.decide) },
		Target: 1,
	}
}

func (e *envoyRatelimit) close() error {
	var errs []error
	if e.conn != nil {
		errs = append(errs, e.conn.Close())
	}
	if e.cmd != nil && e.cmd.Process != nil {
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
	}
	return errors.Join(append(errs, os.RemoveAll(e.dir))...)
}
