// Package bff measures the web BFF, as the binary that is shipped, against an endpoint
// of luraproject/lura that asks the same four services and merges their answers. Both
// speak plain HTTP, each is a process of its own, and one process stands in for the
// services.
package bff

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/gatehousehq/gatehouse/bench/collector"
	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/process"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// page is what both sides serve, and fromGateway what the gateway says with each
// request: who asks, and the trace. The trace is sampled.
const page = "/web/v1/dashboard"

var fromGateway = []string{
	"X-Tenant-Id: acme", "X-User-Id: u1", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

// bench is what the rows share.
type bench struct {
	services             *process.Process // stands in for all four
	ours, traced         *process.Process
	lura, luraTuned      *process.Process // the second collects its garbage as rarely as ours
	perSecond            float64          // a quarter of what lura answers in a second
	rows                 []ratio.Row
	closers              []func() error
	stubBinary, bff, dir string
}

// Open starts the services, both sides, and what else the rows need.
func Open(ctx context.Context) (rows []ratio.Row, closeAll func() error, err error) {
	b := new(bench)
	if err := b.open(ctx); err != nil {
		return nil, nil, errors.Join(err, b.close())
	}
	return b.rows, b.close, nil
}

func (b *bench) open(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { return os.RemoveAll(b.dir) })
	if b.stubBinary, err = process.Build(ctx, ".", "./bff/stub", b.dir); err != nil {
		return err
	}
	if b.bff, err = process.Build(ctx, "..", "./bff/cmd/bff", b.dir); err != nil {
		return err
	}
	luraBinary, err := process.Build(ctx, ".", "./bff/lura", b.dir)
	if err != nil {
		return err
	}
	if b.services, err = b.start(ctx, "/v1/summary", nil, b.stubBinary, "$ADDR"); err != nil {
		return err
	}
	traces, stop, err := collector.Start()
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	if b.ours, err = b.startBFF(ctx, b.services); err != nil {
		return err
	}
	if b.traced, err = b.startBFF(ctx, b.services, "OTEL_EXPORTER_OTLP_ENDPOINT="+traces); err != nil {
		return err
	}
	if b.lura, err = b.start(ctx, page, nil, luraBinary, "$ADDR", b.services.URL()); err != nil {
		return err
	}
	if b.luraTuned, err = b.start(ctx, page, []string{"GOGC=400"}, luraBinary, "$ADDR", b.services.URL()); err != nil {
		return err
	}
	most, err := measure(ctx, load(b.lura, page), time.Second)
	if err != nil {
		return err
	}
	b.perSecond = most.PerSecond() / 4
	kong, err := b.throughKong(ctx)
	b.rows = append(b.againstLura(), kong...)
	return err
}

// start starts a process that ends with the suite.
func (b *bench) start(ctx context.Context, path string, env []string, binary string, args ...string) (*process.Process, error) {
	p, err := process.Start(ctx, path, env, binary, args...)
	if err == nil {
		b.closers = append(b.closers, p.Stop)
	}
	return p, err
}

// startBFF starts a web BFF over the services.
func (b *bench) startBFF(ctx context.Context, services *process.Process, env ...string) (*process.Process, error) {
	env = append(env, "BFF_TLS=insecure", "BFF_ADDR=$ADDR", "BFF_STATUS_ADDR=127.0.0.1:0", "ORDERS_URL="+services.URL(),
		"USERS_URL="+services.URL(), "BILLING_URL="+services.URL(), "NOTIFICATIONS_URL="+services.URL())
	return b.start(ctx, page, env, b.bff, "web")
}

func (b *bench) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	return errors.Join(errs...)
}

// load asks a process as the gateway does.
func load(p *process.Process, path string) httpload.Load {
	return httpload.New(p.Addr, path, fromGateway...)
}
