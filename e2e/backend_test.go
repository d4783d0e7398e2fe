package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// backend is a target of a test's own, which can die on its port and come back.
type backend struct {
	name, addr string
	mood       atomic.Int32  // of the moods below
	tries      *atomic.Int64 // counts requests but checks, if not nil

	mu     sync.Mutex
	server *http.Server
}

// What a backend does with requests, checks included.
const (
	well int32 = iota
	hanging
	unavailable // it answers 503
)

// newBackends returns two on ports of their own.
func newBackends(t *testing.T) [2]*backend {
	t.Helper()
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	both := [2]*backend{{name: "a", addr: ports.Orders.Addr()}, {name: "b", addr: ports.Orders2.Addr()}}
	for _, b := range both {
		b.revive(t)
		t.Cleanup(b.die)
	}
	return both
}

// revive has it listen and be well.
func (b *backend) revive(t *testing.T) {
	t.Helper()
	b.mood.Store(well)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		return
	}
	listener, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed
	b.server = server
}

// die closes its port and every connection, as when a process is killed.
func (b *backend) die() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		_ = b.server.Close()
		b.server = nil
	}
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.tries != nil && r.URL.Path != "/healthz" {
		b.tries.Add(1)
	}
	switch b.mood.Load() {
	case hanging:
		<-r.Context().Done()
	case unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.Header().Set("X-Backend", b.name)
	}
}

// seen is a request of a client's.
type seen struct {
	began   time.Time
	took    time.Duration
	status  int
	backend string // who answered, if it was well
	body    []byte
}

func (s seen) ended() time.Time { return s.began.Add(s.took) }

// watch are clients of one path that note what they see until they are stopped.
type watch struct {
	stop func()

	mu  sync.Mutex
	all []seen
}

const (
	watchers  = 4
	watchPace = 20 * time.Millisecond
)

func startWatch(t *testing.T, path string) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watch{}
	var running sync.WaitGroup
	for range watchers {
		running.Go(func() { w.client(ctx, path) })
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(w.stop)
	return w
}

func (w *watch) client(ctx context.Context, path string) {
	tick := time.NewTicker(watchPace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		one, err := look(ctx, path)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			one.status = 0 // a gateway that does not answer has failed, too
		}
		w.mu.Lock()
		w.all = append(w.all, one)
		w.mu.Unlock()
	}
}

func look(ctx context.Context, path string) (seen, error) {
	one := seen{began: time.Now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gate.proxy+path, http.NoBody)
	if err != nil {
		return one, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return one, err
	}
	defer resp.Body.Close()
	one.body, err = io.ReadAll(resp.Body)
	one.took, one.status, one.backend = time.Since(one.began), resp.StatusCode, resp.Header.Get("X-Backend")
	return one, err
}

// passing reports whether there were count requests after a moment, and the last ones all
// passed.
func (w *watch) passing(after time.Time, count int) bool {
	list := w.since(after, func(seen) bool { return true })
	return len(list) >= count && !slices.ContainsFunc(list[len(list)-count:], failed)
}

// since are the requests that ended after a moment and for which keep is true, in the
// order in which they ended.
func (w *watch) since(at time.Time, keep func(seen) bool) (list []seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.all {
		if one.ended().After(at) && keep(one) {
			list = append(list, one)
		}
	}
	return list
}

func failed(s seen) bool { return s.status != http.StatusOK }

func by(name string) func(seen) bool { return func(s seen) bool { return s.backend == name } }

// waitFor waits until a request after a moment was answered by a backend, and returns when.
func (w *watch) waitFor(t *testing.T, within time.Duration, at time.Time, name string) time.Time {
	t.Helper()
	var first time.Time
	eventuallyWithin(t, within, fmt.Sprintf("an answer by %s", name), func() bool {
		list := w.since(at, by(name))
		if len(list) > 0 {
			first = list[0].ended()
		}
		return len(list) > 0
	})
	return first
}
