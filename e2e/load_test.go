package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// pace is the pause of a client between two requests: the tests are about what fails,
// not about how much passes.
const pace = 2 * time.Millisecond

// load is clients that send requests until it is stopped. What is refused by a limit
// has passed: the plugins have decided.
type load struct {
	passed  atomic.Int64
	slowest atomic.Int64 // milliseconds that a request was in the gateway, by its own word
	stop    func()

	mu       sync.Mutex
	failures []failure
}

// failure is a request that failed.
type failure struct {
	began time.Time
	why   string
}

// failed are the requests that failed so far.
func (l *load) failed() []failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.failures)
}

func (l *load) fail(began time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, failure{began, fmt.Sprintf("%v, after %v", err, time.Since(began).Round(time.Millisecond))})
}

// startLoad starts clients of a tenant of their own.
func startLoad(t *testing.T, clients int) *load {
	t.Helper()
	tenant := fmt.Sprintf("load-%d", time.Now().UnixNano())
	token := strings.TrimPrefix(bearer(t, devtoken.Mobile, tenant, "u1"), "Authorization: ")
	ctx, cancel := context.WithCancel(t.Context())
	var l load
	var running sync.WaitGroup
	for range clients {
		running.Go(func() { l.client(ctx, token) })
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(l.stop)
	return &l
}

func (l *load) client(ctx context.Context, token string) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		inGateway, err := l.request(ctx, token)
		switch {
		case err == nil:
			l.passed.Add(1)
		case ctx.Err() == nil:
			l.fail(began, err)
		}
		l.took(inGateway)
	}
}

func (l *load) took(milliseconds int64) {
	for {
		slowest := l.slowest.Load()
		if milliseconds <= slowest || l.slowest.CompareAndSwap(slowest, milliseconds) {
			return
		}
	}
}

// request fails if the gateway does. A service that answers, if only with an error as a
// BFF without time does on a machine that is too busy, has been asked by it. The
// milliseconds are those that the gateway took itself: a service or a client that has
// no processor is none of its.
func (l *load) request(ctx context.Context, token string) (inGateway int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gate.proxy+"/mobile/v1/home", http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	latency := cmp.Or(resp.Header.Get("X-Kong-Proxy-Latency"), resp.Header.Get("X-Kong-Response-Latency"))
	if inGateway, err = strconv.ParseInt(latency, 10, 64); err != nil {
		return 0, fmt.Errorf("status %d: the gateway does not say how long it took: %w", resp.StatusCode, err)
	}
	if resp.StatusCode >= http.StatusInternalServerError && resp.Header.Get("X-Kong-Upstream-Latency") == "" {
		body, err := io.ReadAll(resp.Body)
		return inGateway, errors.Join(fmt.Errorf("status %d: %s", resp.StatusCode, body), err)
	}
	return inGateway, nil
}

// waitPassed waits until count more requests have passed.
func (l *load) waitPassed(t *testing.T, count int64) {
	t.Helper()
	before := l.passed.Load()
	eventually(t, fmt.Sprintf("%d more requests that pass", count), func() bool { return l.passed.Load() >= before+count })
}
