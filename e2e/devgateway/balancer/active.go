package balancer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Check asks the targets how they are until ctx ends, those that are healthy and those
// that are not each at their own interval. ask returns a target's status.
func (b *Balancer) Check(ctx context.Context, ask func(context.Context, *config.Target) (int, error)) {
	active := &b.upstream.Healthchecks.Active
	var running sync.WaitGroup
	for healthy, interval := range map[bool]config.Seconds{true: active.Healthy.Interval, false: active.Unhealthy.Interval} {
		if interval > 0 {
			running.Go(func() { b.checkEvery(ctx, interval.Duration(), healthy, ask) })
		}
	}
	running.Wait()
}

func (b *Balancer) checkEvery(ctx context.Context, interval time.Duration, healthy bool, ask func(context.Context, *config.Target) (int, error)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var asked sync.WaitGroup
		for _, t := range b.those(healthy) {
			asked.Go(func() { b.checkOne(ctx, t, ask) })
		}
		asked.Wait()
	}
}

// those are the targets that are healthy, or those that are not.
func (b *Balancer) those(healthy bool) (list []*config.Target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.targets {
		if t.healthy == healthy {
			list = append(list, t.Target)
		}
	}
	return list
}

func (b *Balancer) checkOne(ctx context.Context, t *config.Target, ask func(context.Context, *config.Target) (int, error)) {
	active := &b.upstream.Healthchecks.Active
	bounded, cancel := context.WithTimeout(ctx, active.Timeout.Duration())
	defer cancel()
	status, err := ask(bounded, t)
	switch {
	case ctx.Err() != nil: // nobody's failure
	case errors.Is(err, context.DeadlineExceeded):
		b.count(t, &active.Unhealthy, Timeout)
	case err != nil:
		b.count(t, &active.Unhealthy, TCP)
	default:
		b.status(t, active.Healthy, &active.Unhealthy, status)
	}
}

// Ask sends a check to a target, over a connection of its own as Kong does.
func (b *Balancer) Ask(ctx context.Context, t *config.Target) (int, error) {
	active := &b.upstream.Healthchecks.Active
	url := active.Type + "://" + net.JoinHostPort(t.IP, strconv.Itoa(t.Port)) + active.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("check target %s: %w", t.Host, err)
	}
	req.Host = t.ServerName()
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: b.upstream.CheckTLS(t)}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
