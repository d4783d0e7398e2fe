package bff

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/process"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

const (
	// Rounds are many and short: a machine that others share is slower for half a
	// second here and there, and the median is then of the others.
	rounds = 31
	warmUp = 100 * time.Millisecond
	length = 300 * time.Millisecond
	// Latencies take longer: a hundredth of them is what p99 goes by.
	latencyRounds = 9
	latencyLength = 1500 * time.Millisecond
)

// againstLura are the rows that have a peer.
func (b *bench) againstLura() []ratio.Row {
	atQuarter := fmt.Sprintf("ms at %.0f requests/s, a quarter of lura's most", b.perSecond)
	return []ratio.Row{
		{
			What: "dashboards", Peer: "lura", Unit: "requests/CPU s", Target: 1.15, Rounds: rounds,
			Ours: perCPUSecond(b.ours), Base: perCPUSecond(b.lura),
		},
		{
			What: "dashboards, traces exported", Peer: "lura, without traces", Unit: "requests/CPU s", Target: 1, Rounds: rounds,
			Ours: perCPUSecond(b.traced), Base: perCPUSecond(b.lura),
		},
		{
			What: "dashboards", Peer: "lura with our GOGC", Unit: "requests/CPU s", Target: 1.15, Rounds: rounds,
			Ours: perCPUSecond(b.ours), Base: perCPUSecond(b.luraTuned),
		},
		{
			What: "dashboards, traces exported", Peer: "lura with our GOGC, without traces", Unit: "requests/CPU s", Target: 1, Rounds: rounds,
			Ours: perCPUSecond(b.traced), Base: perCPUSecond(b.luraTuned),
		},
		{
			What: "dashboards", Peer: "lura", Unit: "requests/s", Target: 1.15, Rounds: rounds,
			Ours: saturated(b.ours), Base: saturated(b.lura),
		},
		{
			What: "latency added to the services', p50", Peer: "lura", Unit: atQuarter, Target: 1, AtMost: true, Rounds: latencyRounds,
			Ours: b.added(b.ours, 0.50), Base: b.added(b.lura, 0.50),
		},
		{
			What: "latency added to the services', p99", Peer: "lura", Unit: atQuarter, Target: 1, AtMost: true, Rounds: latencyRounds,
			Ours: b.added(b.ours, 0.99), Base: b.added(b.lura, 0.99),
		},
	}
}

// perCPUSecond measures the pages for each second of CPU time of the process.
func perCPUSecond(p *process.Process) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		if _, err := load(p, page).Run(ctx, warmUp); err != nil {
			return 0, err
		}
		before, err := ratio.CPUTimeOf(p.PID())
		if err != nil {
			return 0, err
		}
		o, err := run(ctx, load(p, page), length)
		if err != nil {
			return 0, err
		}
		after, err := ratio.CPUTimeOf(p.PID())
		return float64(o.Requests) / (after - before).Seconds(), err
	}
}

// saturated measures the pages that are answered in a second.
func saturated(p *process.Process) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		o, err := measure(ctx, load(p, page), length)
		return o.PerSecond(), err
	}
}

// added measures by how much a quantile of the latency is higher than that of a service
// itself, at the same rate.
func (b *bench) added(p *process.Process, quantile float64) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		bare, err := b.latency(ctx, load(b.services, "/v1/summary"), quantile)
		if err != nil {
			return 0, err
		}
		with, err := b.latency(ctx, load(p, page), quantile)
		return with - bare, err
	}
}

// latency is a quantile at a quarter of the most, in milliseconds.
func (b *bench) latency(ctx context.Context, l httpload.Load, quantile float64) (float64, error) {
	l.Pause = httpload.Pause(l.Clients, b.perSecond)
	o, err := measure(ctx, l, latencyLength)
	return o.Milliseconds(quantile), err
}

// measure runs a load after a short one that does not count.
func measure(ctx context.Context, l httpload.Load, length time.Duration) (httpload.Outcome, error) {
	if _, err := l.Run(ctx, warmUp); err != nil {
		return httpload.Outcome{}, err
	}
	return run(ctx, l, length)
}

// run runs a load. No request of it may fail.
func run(ctx context.Context, l httpload.Load, length time.Duration) (httpload.Outcome, error) {
	o, err := l.Run(ctx, length)
	if err == nil && o.Failed > 0 {
		err = fmt.Errorf("%d of %d requests failed", o.Failed, o.Requests)
	}
	return o, err
}
