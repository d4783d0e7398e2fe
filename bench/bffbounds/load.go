package bffbounds

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clients ask a BFF for dashboards.
type clients struct {
	http   *http.Client
	url    string
	asked  atomic.Int64
	hasty  bool // every tenth gives up after 5 ms
	counts counts

	mu   sync.Mutex
	took []time.Duration // of answers
}

// counts are how requests ended.
type counts struct{ whole, degraded, failed, gaveUp atomic.Int64 }

func newClients(s *system, together int, hasty bool) *clients {
	return &clients{
		url: s.pages + "/web/v1/dashboard", hasty: hasty,
		http: &http.Client{Transport: &http.Transport{MaxIdleConns: together, MaxIdleConnsPerHost: together}},
	}
}

// ask makes requests, a number of them at a time.
func (c *clients) ask(ctx context.Context, requests, together int) error {
	var left atomic.Int64
	left.Store(int64(requests))
	errs := make([]error, together)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for left.Add(-1) >= 0 && errs[i] == nil && ctx.Err() == nil {
				errs[i] = c.one(ctx)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// one asks as one of 300 users of three tenants.
func (c *clients) one(ctx context.Context) error {
	n := c.asked.Add(1)
	hasty := c.hasty && n%10 == 0
	if hasty {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Millisecond)
		defer cancel()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return err
	}
	tenants := []string{"acme", "globex", "initech"}
	r.Header = http.Header{"X-Tenant-Id": {tenants[n%3]}, "X-User-Id": {fmt.Sprintf("u%d", n%300)}}
	began := time.Now()
	resp, err := c.http.Do(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	switch {
	case err != nil && hasty:
		c.counts.gaveUp.Add(1)
		return nil
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		c.counts.failed.Add(1)
	case strings.Contains(string(body), `"degraded":[]`):
		c.counts.whole.Add(1)
	default:
		c.counts.degraded.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, time.Since(began))
	return nil
}

// quantile is of the answers since it was asked last.
func (c *clients) quantiles(qs ...float64) (list []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.took)
	for _, q := range qs {
		list = append(list, c.took[int(q*float64(len(c.took)-1))])
	}
	c.took = c.took[:0]
	return list
}
