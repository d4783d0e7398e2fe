package gateway

import (
	"context"
	"errors"

	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// apiVersion is the plugin for all requests, with versions of one path.
const apiVersion = `plugins:
  - name: api-version
    config:
      apis:
        - path: /versioned
          default: v2
          media_types: [application/json]
          versions: [{ name: v1, media_types: [application/vnd.bench.v1+json] }, { name: v2, media_types: [application/vnd.bench.v2+json] }]
`

// OpenVersions starts an upstream and two Kongs, one with api-version for all requests.
func OpenVersions(ctx context.Context) (rows []ratio.Row, closeAll func() error, err error) {
	b := new(bench)
	if err := b.openVersions(ctx); err != nil {
		return nil, nil, errors.Join(err, b.close())
	}
	const peer, unit = "without the plugin", "requests/s"
	return []ratio.Row{
		{
			What: "a path without versions", Peer: peer, Unit: unit, Target: 0.5, Rounds: rounds,
			Ours: saturated(b.line, "/bare"), Base: saturated(b.event, "/bare"),
		},
		{
			What: "a path with versions", Peer: peer, Unit: unit, Target: 0.4, Rounds: rounds,
			Ours: saturated(b.line, "/versioned"), Base: saturated(b.event, "/versioned"),
		},
	}, b.close, nil
}

func (b *bench) openVersions(ctx context.Context) error {
	upstream, s, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	without := config(service("bare", upstream, ""), service("versioned", upstream, ""))
	s.Config = without + apiVersion
	if b.line, err = b.startKong(ctx, s); err != nil {
		return err
	}
	s.Config = without
	b.event, err = b.startKong(ctx, s)
	return err
}
