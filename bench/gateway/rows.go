package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

const (
	// Rounds are many and short: a machine that others share is slower for half a
	// second here and there, and the median is then of the others.
	rounds = 15
	warmUp = 200 * time.Millisecond
	length = time.Second
	// reloads is how long configs are posted for in a round, one a second.
	reloads = 10 * time.Second
	// losses is how long configs are posted for to count what that loses, which is
	// less than one request in thousands.
	losses = time.Minute
)

func (b *bench) rows() []ratio.Row {
	const luaPeer = "Kong's own four plugins"
	return []ratio.Row{
		{
			What: "one hop, ended by the access line", Peer: luaPeer, Unit: "requests/s", Target: 1.6, Rounds: rounds,
			Ours: saturated(b.line, "/onehop"), Base: saturated(b.lua, "/lua"),
		},
		{
			What: "one hop, ended by a log event", Peer: luaPeer, Unit: "requests/s", Target: 1.2, Rounds: rounds,
			Ours: saturated(b.event, "/onehop"), Base: saturated(b.lua, "/lua"),
		},
		{
			What: "the four plugins apart", Peer: luaPeer, Unit: "requests/s", Target: 0.8, Rounds: rounds,
			Ours: saturated(b.event, "/apart"), Base: saturated(b.lua, "/lua"),
		},
		{
			What: "sunset-headers alone", Peer: "Kong's response-transformer", Unit: "requests/s", Target: 0.7, Rounds: rounds,
			Ours: saturated(b.event, "/sunset"), Base: saturated(b.lua, "/sunset"),
		},
		{
			What: "latency that one hop adds, p50", Unit: "ms at half of saturation", Target: 0.5, AtMost: true, Rounds: rounds,
			Ours: b.added("/onehop", 0.50),
		},
		{
			What: "latency that one hop adds, p99", Unit: "ms at half of saturation", Target: 5, AtMost: true, Rounds: rounds,
			Ours: b.added("/onehop", 0.99),
		},
		{
			What: "the same with leased limits, p50", Unit: "ms at half of saturation", Target: 0.5, AtMost: true, Rounds: rounds,
			Ours: b.added("/leased", 0.50),
		},
		{
			What: "the same with leased limits, p99", Unit: "ms at half of saturation", Target: 5, AtMost: true, Rounds: rounds,
			Ours: b.added("/leased", 0.99),
		},
		{
			What: "p99 of one hop while configs are posted", Peer: "without", Unit: "ms at half of saturation", Target: 2, AtMost: true,
			Ours: b.reloading("/onehop"), Base: b.quiet("/onehop"),
		},
		{
			What: "p99 of no plugin while configs are posted", Peer: "without", Unit: "ms at half of saturation", Target: 2, AtMost: true,
			Ours: b.reloading("/bare"), Base: b.quiet("/bare"),
		},
		{
			What: "requests lost by one hop while configs are posted, beyond those of no plugin",
			Unit: "in a minute at half of saturation", Target: 0, AtMost: true, Rounds: 1,
			Ours: b.lostMore("/onehop", "/bare"),
		},
	}
}

// saturated measures the requests that a Kong answers in a second.
func saturated(k *kongserver.Gatehouse, path string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		o, err := measure(ctx, k, path, 0, length)
		return o.PerSecond(), err
	}
}

// measure runs a load after a short one that does not count. No request of it may fail.
func measure(ctx context.Context, k *kongserver.Gatehouse, path string, pause, length time.Duration) (httpload.Outcome, error) {
	o, err := count(ctx, k, path, pause, length)
	if err == nil && o.Failed > 0 {
		err = fmt.Errorf("%d of %d requests to %s failed; the gateway's log ends with: %s", o.Failed, o.Requests, path, k.LastWords())
	}
	return o, err
}

// count is measure for a load of which requests may fail.
func count(ctx context.Context, k *kongserver.Gatehouse, path string, pause, length time.Duration) (httpload.Outcome, error) {
	l := httpload.New(k.Proxy, path, "apikey: "+key)
	l.Pause = pause
	if _, err := l.Run(ctx, warmUp); err != nil {
		return httpload.Outcome{}, err
	}
	return l.Run(ctx, length)
}

// half is the pause of a client at half of the requests that the one-hop plugin lets
// through at this time: what a machine that others share can do changes by the minute.
func (b *bench) half(ctx context.Context) (time.Duration, error) {
	rate, err := saturated(b.line, "/onehop")(ctx)
	if err != nil {
		return 0, err
	}
	return httpload.Pause(httpload.Clients, rate/2), nil
}

// added measures by how much a quantile of the latency is higher with the plugin
// than without, at the same rate.
func (b *bench) added(path string, quantile float64) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		pause, err := b.half(ctx)
		if err != nil {
			return 0, err
		}
		bare, err := measure(ctx, b.line, "/bare", pause, length)
		if err != nil {
			return 0, err
		}
		with, err := measure(ctx, b.line, path, pause, length)
		return with.Milliseconds(quantile) - bare.Milliseconds(quantile), err
	}
}

// quiet measures the p99 of a path, and reloading the same while the config is posted
// once a second.
func (b *bench) quiet(path string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		pause, err := b.half(ctx)
		if err != nil {
			return 0, err
		}
		o, err := measure(ctx, b.line, path, pause, reloads)
		return o.Milliseconds(0.99), err
	}
}

func (b *bench) reloading(path string) ratio.Measure {
	quiet := b.quiet(path)
	return func(ctx context.Context) (float64, error) {
		var p99 float64
		err := b.whilePosting(ctx, func(ctx context.Context) (err error) {
			p99, err = quiet(ctx)
			return err
		})
		return p99, err
	}
}

// lostMore counts how many more requests to one path fail than to another, side by
// side, while the config is posted once a second.
func (b *bench) lostMore(path, than string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		pause, err := b.half(ctx)
		if err != nil {
			return 0, err
		}
		var ours, theirs httpload.Outcome
		err = b.whilePosting(ctx, func(ctx context.Context) error {
			both, ctx := errgroup.WithContext(ctx)
			both.Go(func() (err error) { ours, err = count(ctx, b.line, path, 2*pause, losses); return err })
			both.Go(func() (err error) { theirs, err = count(ctx, b.line, than, 2*pause, losses); return err })
			return both.Wait()
		})
		return float64(ours.Failed - theirs.Failed), err
	}
}

// whilePosting runs a load while the config is posted once a second.
func (b *bench) whilePosting(ctx context.Context, load func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	posted := make(chan error, 1)
	go func() { posted <- b.post(ctx) }()
	err := load(ctx)
	cancel()
	return errors.Join(err, <-posted)
}

// post posts the config again and again, one changed in a comment so that Kong loads
// it, until ctx ends.
func (b *bench) post(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		body := fmt.Appendf(nil, "%s# %d\n", b.config, n)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.line.Admin+"/config", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "text/yaml")
		resp, err := http.DefaultClient.Do(req)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("post config: %w", err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("post config: status %d", resp.StatusCode)
		}
	}
}
