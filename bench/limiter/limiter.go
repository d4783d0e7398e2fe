// Package limiter measures tenant-rate-limit against its peers: redis_rate, which
// asks Redis once for each limit, and Envoy's ratelimit service, which asks once
// for all and charges some of them when another denies.
package limiter

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/redisserver"
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
	server, err := redisserver.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, closers, err := makeRows(ctx, server)
	closeAll = func() error {
		var errs []error
		for i := len(closers) - 1; i >= 0; i-- {
			errs = append(errs, closers[i]())
		}
		return errors.Join(append(errs, server.Stop())...)
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return rows, closeAll, nil
}

func makeRows(ctx context.Context, server *redisserver.Server) (rows []ratio.Row, closers []func() error, err error) {
	ours, err := newOurs(server.URL())
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, ours.close)
	client := server.Client()
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
