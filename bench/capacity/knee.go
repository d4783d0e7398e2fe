package capacity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

const (
	kneeRounds  = 5
	kneeLength  = time.Second
	kneeClients = 64 // connections enough that a late answer holds up few others
	// objective is of the 99th percentile of what the gateway adds, in milliseconds.
	objective = 5
)

// shares are the steps, as shares of what one hop answers when it is never idle.
var shares = []float64{0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9}

// step is one of them. Figures are medians.
type step struct {
	perSecond                  float64
	kong, server, redis        float64 // cores
	p50, p99, bareP50, bareP99 float64 // ms
}

func (s step) added() float64 { return s.p99 - s.bareP99 }

// takeKnee has the load grow in steps. Each round first asks what is the most at that time:
// on a machine that others share it changes by the minute.
func (s *system) takeKnee(ctx context.Context, w io.Writer) error {
	const format = "%8v %10v %11v %13v %12v %9v %9v %12v %12v %14v\n"
	fmt.Fprintf(w, "\nlatency by share of saturation, one hop, one worker, ms; medians of %d rounds\n", kneeRounds)
	fmt.Fprintf(w, format, "share", "requests/s", "Kong cores", "server cores", "Redis cores", "p50", "p99", "p50, bare", "p99, bare", "p99, added")
	knee, failed := 0.0, []error(nil)
	for _, share := range shares {
		at, err := s.step(ctx, share)
		if err != nil {
			fmt.Fprintf(w, format, share, "failed", "", "", "", "", "", "", "", "")
			failed = append(failed, fmt.Errorf("%v of saturation: %w", share, err))
			continue
		}
		figure := func(v float64) string { return fmt.Sprintf("%.2f", v) }
		fmt.Fprintf(w, format, share, int(at.perSecond), figure(at.kong), figure(at.server), figure(at.redis),
			figure(at.p50), figure(at.p99), figure(at.bareP50), figure(at.bareP99), figure(at.added()))
		switch {
		case at.added() <= objective:
			knee = 0
		case knee == 0:
			knee = share
		}
	}
	if knee == 0 {
		fmt.Fprintf(w, "the knee: beyond the last step, at which p99 is within %d ms of that without a plugin\n", objective)
	} else {
		fmt.Fprintf(w, "the knee: from %v of saturation on, p99 is more than %d ms over that without a plugin\n", knee, objective)
	}
	return errors.Join(failed...)
}

func (s *system) step(ctx context.Context, share float64) (step, error) {
	var rate, kong, server, redis, p50, p99, bareP50, bareP99 []float64
	for range kneeRounds {
		most, err := by(s.line, "/onehop").Run(ctx, kneeLength/2)
		if err != nil {
			return step{}, err
		}
		perSecond := share * most.PerSecond()
		bare, _, err := s.steady(ctx, "/bare", perSecond)
		if err != nil {
			return step{}, err
		}
		o, used, err := s.steady(ctx, "/onehop", perSecond)
		if err != nil {
			return step{}, err
		}
		rate = append(rate, o.PerSecond())
		kong = append(kong, used[kongPart].Seconds()/o.Took.Seconds())
		server = append(server, used[serverPart].Seconds()/o.Took.Seconds())
		redis = append(redis, used[redisPart].Seconds()/o.Took.Seconds())
		p50, p99 = append(p50, o.Milliseconds(.50)), append(p99, o.Milliseconds(.99))
		bareP50, bareP99 = append(bareP50, bare.Milliseconds(.50)), append(bareP99, bare.Milliseconds(.99))
	}
	return step{
		perSecond: ratio.Median(rate), kong: ratio.Median(kong), server: ratio.Median(server), redis: ratio.Median(redis),
		p50: ratio.Median(p50), p99: ratio.Median(p99), bareP50: ratio.Median(bareP50), bareP99: ratio.Median(bareP99),
	}, nil
}

// steady runs a load that does not wait for answers, as long as there are connections.
func (s *system) steady(ctx context.Context, path string, perSecond float64) (httpload.Outcome, usage, error) {
	l := by(s.line, path)
	l.Clients, l.Pause = kneeClients, httpload.Pause(kneeClients, perSecond)
	if _, err := l.Run(ctx, warmUp); err != nil {
		return httpload.Outcome{}, usage{}, err
	}
	before, err := s.usage(s.line)
	if err != nil {
		return httpload.Outcome{}, usage{}, err
	}
	o, err := l.Run(ctx, kneeLength)
	if err == nil && o.Failed > 0 {
		err = fmt.Errorf("%d of %d requests failed", o.Failed, o.Requests)
	}
	if err != nil {
		return o, usage{}, err
	}
	after, err := s.usage(s.line)
	return o, after.since(before), err
}
