// Package sidecar measures what requests see of a plugin server that is killed: one that
// `gatehouse run` keeps beside Kong, and one that is a container of its own, which a kubelet
// starts again. Kong is a real one.
package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// row is an arrangement, and how long the plugin server is away.
type row struct {
	name    string
	sidecar bool
	away    time.Duration // from its end until it is started again
}

// A kubelet starts a container that has ended at once, which takes a runtime about a second,
// and then after 10 s, 20 s and so on up to five minutes.
var rows = []row{
	{name: "one process: gatehouse run"},
	{name: "sidecar, started after 0 s", sidecar: true},
	{name: "sidecar, started after 1 s", sidecar: true, away: time.Second},
	{name: "sidecar, started after 10 s", sidecar: true, away: 10 * time.Second},
}

const (
	clients   = 16
	perSecond = 200
	before    = 4 * time.Second // of the load, until the kill
	after     = 6 * time.Second // of the load, from when the plugin server is started again
	rowFormat = "%-30v %9v %8v %14v %14v %12v %12v %9v %9v\n"
)

// Take prints a row for each arrangement.
func Take(ctx context.Context, w io.Writer) error {
	if err := kongserver.Missing(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := kongserver.Build(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, rowFormat, "plugin server, SIGKILL", "requests", "failed", "failing for ms", "slowest ms", "Kong CPU µs", "server CPU µs", "Kong MiB", "server MiB")
	var failed []error
	for _, r := range rows {
		if err := r.take(ctx, w, binary); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(failed...)
}

func (r row) take(ctx context.Context, w io.Writer, binary string) (err error) {
	upstream, err := startUpstream()
	if err != nil {
		return err
	}
	defer upstream.Close()
	include, err := filepath.Abs("../deploy/kong")
	if err != nil {
		return err
	}
	gate, err := kongserver.StartGatehouse(ctx, kongserver.GatehouseSettings{
		Binary: binary, Include: filepath.Join(include, "*.conf"), Config: config(upstream.Addr),
		Env: map[string]string{"GATEHOUSE_LOG_PHASE": "event"}, Sidecar: r.sidecar,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	load := newLoad("http://" + gate.Proxy + "/orders")
	load.run(ctx, time.Second) // connections, instances
	load.answers = nil
	atRest, err := usageOf(gate)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { defer close(done); load.run(ctx, before+r.away+after) }()
	time.Sleep(before)
	loaded, err := usageOf(gate)
	if err != nil {
		return err
	}
	sent := load.sent()
	killed := time.Now()
	if err := r.kill(gate); err != nil {
		return err
	}
	<-done
	t := tally(load.answers, killed)
	each := func(from, to time.Duration) int64 { return (to - from).Microseconds() / max(1, int64(sent)) }
	fmt.Fprintf(w, rowFormat, r.name, t.requests, t.failed, t.failing.Milliseconds(), t.slowest.Milliseconds(),
		each(atRest.kong, loaded.kong), each(atRest.server, loaded.server), loaded.kongMiB, loaded.serverMiB)
	return nil
}

// kill ends the plugin server by SIGKILL, and starts it again where nobody else does.
func (r row) kill(gate *kongserver.Gatehouse) error {
	if r.sidecar {
		gate.KillSidecar()
		time.Sleep(r.away)
		return gate.StartSidecar()
	}
	pid, err := gate.ServerPID()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// config has the four plugins apart, as kong.yaml has them.
func config(upstream string) string {
	return fmt.Sprintf(`_format_version: "3.0"
consumers:
  - { username: partner, custom_id: acme, keyauth_credentials: [{ key: bench-only }] }
services:
  - name: orders
    url: http://%s
    routes: [{ name: orders, paths: [/orders] }]
    plugins:
      - { name: key-auth, config: { hide_credentials: true } }
      - { name: sunset-headers, config: { deprecated_at: "2026-01-15T00:00:00Z", sunset_at: "2036-06-30T00:00:00Z" } }
plugins:
  - name: pii-log-scrub
  - name: trace-inject
  - name: tenant-rate-limit
    config:
      limits: # of the user's too, who would have one by default
        - { name: tenant, scope: [tenant], limit: 1000000000, window_seconds: 60 }
        - { name: user, scope: [user], limit: 1000000000, window_seconds: 60 }
`, upstream)
}

func startUpstream() (*http.Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	server := &http.Server{Addr: ln.Addr().String(), Handler: ok, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(ln) }() // until it is closed
	return server, nil
}

// answer is one request's.
type answer struct {
	began, ended time.Time
	failed       bool
}

// load is a steady one, of clients that do not wait for each other.
type load struct {
	url     string
	client  *http.Client
	mu      sync.Mutex
	answers []answer
}

func newLoad(url string) *load {
	return &load{url: url, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 30 * time.Second,
	}}
}

func (l *load) run(ctx context.Context, length time.Duration) {
	began := time.Now()
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			const pause = clients * time.Second / perSecond
			for next := began.Add(pause * time.Duration(i) / clients); time.Since(began) < length; next = next.Add(pause) {
				time.Sleep(time.Until(next))
				a := answer{began: next}
				a.failed = !l.ask(ctx)
				a.ended = time.Now()
				l.mu.Lock()
				l.answers = append(l.answers, a)
				l.mu.Unlock()
			}
		})
	}
	running.Wait()
}

// ask tells whether the answer is a 200.
func (l *load) ask(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, http.NoBody)
	if err != nil {
		return false
	}
	req.Header.Set("apikey", "bench-only")
	resp, err := l.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (l *load) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answers)
}

// told is what answers come to.
type told struct {
	requests, failed int
	failing          time.Duration // from the kill to the last failure
	slowest          time.Duration
}

func tally(answers []answer, killed time.Time) told {
	t := told{requests: len(answers)}
	for _, a := range answers {
		t.slowest = max(t.slowest, a.ended.Sub(a.began))
		if a.failed {
			t.failed++
			t.failing = max(t.failing, a.ended.Sub(killed))
		}
	}
	return t
}

// usage is CPU time so far and resident memory.
type usage struct {
	kong, server       time.Duration
	kongMiB, serverMiB int
}

func usageOf(gate *kongserver.Gatehouse) (u usage, err error) {
	pid, err := gate.ServerPID()
	if err != nil {
		return u, err
	}
	if u.server, err = ratio.CPUTimeOf(pid); err != nil {
		return u, err
	}
	if u.serverMiB, err = ratio.ResidentMiB(pid); err != nil {
		return u, err
	}
	pids, err := gate.NginxPIDs()
	if err != nil {
		return u, err
	}
	for _, pid := range pids {
		cpu, err := ratio.CPUTimeOf(pid)
		if err != nil {
			return u, err
		}
		mib, err := ratio.ResidentMiB(pid)
		if err != nil {
			return u, err
		}
		u.kong, u.kongMiB = u.kong+cpu, u.kongMiB+mib
	}
	return u, nil
}
