package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// released is three replicas of a gateway under load, and what releases of it need.
type released struct {
	replicas []*stack.Replica
	base     string // their config
	dir      string
	redis    *miniredis.Miniredis
	bake     time.Duration
	enough   string // requests below which nothing is compared

	next                     atomic.Int64
	sent, lost, failed, slow atomic.Int64
}

// releasedConfig has two routes to a service, by which a release can do harm.
const releasedConfig = `_format_version: "3.0"
services:
- { name: home, path: /fast, host: shop, routes: [{ name: home, paths: [/home] }] }
- { name: cart, path: /fast, host: shop, routes: [{ name: cart, paths: [/cart] }] }
upstreams:
- { name: shop, targets: [{ target: "TARGET" }] }
plugins:
- { name: pii-log-scrub }
`

func startReleased(t *testing.T, bake time.Duration) *released {
	t.Helper()
	if gate.replica == nil {
		t.Skip("left out: this gateway is in containers, of which there is one")
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.Split(r.URL.Path, "/")[1] {
		case "slow":
			time.Sleep(300 * time.Millisecond)
		case "broken":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(upstream.Close)
	d := &released{
		base: strings.Replace(releasedConfig, "TARGET", upstream.Listener.Addr().String(), 1),
		dir:  t.TempDir(), redis: miniredis.RunT(t), bake: bake, enough: "15", replicas: make([]*stack.Replica, 3),
	}
	t.Cleanup(func() {
		for _, r := range d.replicas {
			if r != nil {
				if err := r.Stop(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range d.replicas {
		var err error
		if d.replicas[i], err = gate.replica(t.Context(), fmt.Sprint("replica-", i), []byte(d.base)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// load sends requests to the replicas in turn, as a balancer does: one that takes no
// connection is passed over.
func (d *released) load(t *testing.T) (stop func()) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	client := &http.Client{Transport: transport}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 6 {
		clients.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				d.request(ctx, client, []string{"/home", "/home", "/home", "/cart"}[n%4])
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
		transport.CloseIdleConnections() // nginx that is to end waits for one that was never used
	}
}

func (d *released) request(ctx context.Context, client *http.Client, path string) {
	d.sent.Add(1)
	began := time.Now()
	for range d.replicas {
		r := d.replicas[int(d.next.Add(1))%len(d.replicas)]
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Proxy+path, http.NoBody)
		if err != nil {
			break
		}
		resp, err := client.Do(req)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			break
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			d.failed.Add(1)
		} else if time.Since(began) > 300*time.Millisecond {
			d.slow.Add(1)
		}
		return
	}
	d.lost.Add(1)
}

// command is gatehouse release on the replicas.
func (d *released) command(ctx context.Context, command, config string) *exec.Cmd {
	args := []string{"release", command, "-state", filepath.Join(d.dir, "releases"), "-lock-redis", "redis://" + d.redis.Addr(), "-who", "alice", "-config", config,
		"-admin-timeout", "5s", "-admin-ca", gate.certs.CA(), "-admin-cert", gate.certs.Cert(devcerts.Gateway), "-admin-key", gate.certs.Key(devcerts.Gateway)}
	for _, r := range d.replicas {
		args = append(args, "-node", r.Admin)
	}
	if command == "apply" {
		args = append(args, "-bake", d.bake.String(), "-wave-bake", d.bake.String(), "-enough", d.enough)
		for _, r := range d.replicas {
			args = append(args, "-metrics", r.Metrics+"/metrics")
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(gate.bin, "gatehouse"), args...)
	cmd.Env = append(os.Environ(), "GATEHOUSE_ENV=development")
	return cmd
}

// release runs a command, and returns what it says and its exit code.
func (d *released) release(t *testing.T, command, config string, during func()) (out string, code int) {
	t.Helper()
	cmd := d.command(t.Context(), command, config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if during != nil {
		during()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return said.String(), cmd.ProcessState.ExitCode()
}

// file writes a config that differs from the base one.
func (d *released) file(t *testing.T, old, with string) string {
	t.Helper()
	text := strings.Replace(d.base, old, with, 1)
	if text == d.base {
		t.Fatalf("the config has no %q", old)
	}
	path := filepath.Join(d.dir, "kong.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runs are the hashes of what the replicas run.
func (d *released) runs(t *testing.T) (hashes []string) {
	t.Helper()
	client, err := kongadmin.TLS{CA: gate.certs.CA(), Cert: gate.certs.Cert(devcerts.Gateway), Key: gate.certs.Key(devcerts.Gateway)}.Client(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range d.replicas {
		n, err := kongadmin.NewNode(r.Admin, client)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := n.Running(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	return hashes
}

// one is the hash of the one config that all replicas run.
func (d *released) one(t *testing.T) string {
	t.Helper()
	hashes := d.runs(t)
	for _, hash := range hashes {
		if hash != hashes[0] {
			t.Fatalf("the replicas run %v", hashes)
		}
	}
	return hashes[0]
}

// seconds is how long it took from the first post to the end of a release, by its record.
func (d *released) seconds(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "releases", "releases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var end struct {
		Event   string
		Seconds float64
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Event != "end" {
		t.Fatalf("the record ends with %s, error %v", lines[len(lines)-1], err)
	}
	return end.Seconds
}

// tell prints a row of what a release cost.
func (d *released) tell(t *testing.T, name, out string) {
	t.Helper()
	t.Logf("%s\n%s", name, regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSpace(out), "    "))
	t.Logf("%-28s %6d requests, %3d answered 5xx, %3d slower than 300 ms, %3d lost; %.1f s", name, d.sent.Swap(0), d.failed.Swap(0), d.slow.Swap(0), d.lost.Swap(0), d.seconds(t))
}

// TestReleaseTakesItselfBack has a good config and a bad one on three replicas under load.
func TestReleaseTakesItselfBack(t *testing.T) {
	notShort(t)
	const bake = 10 * time.Second
	d := startReleased(t, bake)
	defer d.load(t)()
	time.Sleep(bake / 4) // so that there is a before

	first := d.one(t)
	const cart, basket = "paths: [/cart] }", "paths: [/cart] }, { name: basket, paths: [/basket] }"
	good := d.file(t, cart, basket)
	out, code := d.release(t, "apply", good, nil)
	if code != 0 || d.one(t) == first || !strings.Contains(out, "no worse than the others and than before") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	d.tell(t, "a good config", out)
	if d.failed.Load()+d.lost.Load() > 0 {
		t.Error("a good release loses requests")
	}
	before := d.one(t)
	d.base = strings.Replace(d.base, cart, basket, 1)

	bad := d.file(t, "name: cart, path: /fast", "name: cart, path: /broken")
	d.takesBack(t, "one route answers 500", bad, "answers 5xx", nil)
	if d.one(t) != before {
		t.Error("the replicas run another config than before")
	}
	bad = d.file(t, "name: home, path: /fast", "name: home, path: /slow")
	d.takesBack(t, "it raises latency", bad, "answers slower than", nil)
	bad = d.file(t, "- { name: pii-log-scrub }", "- { name: pii-log-scrub }\n- { name: no-such-plugin }")
	d.takesBack(t, "Kong refuses it", bad, "no-such-plugin", nil)

	changed := d.file(t, "paths: [/home] }", "paths: [/home] }, { name: start, paths: [/start] }")
	out, code = d.release(t, "apply", changed, func() {
		time.Sleep(bake / 3)
		if err := d.replicas[2].Kill(); err != nil {
			t.Error(err)
		}
	})
	if code != 1 || !strings.Contains(out, "does not answer") || !strings.Contains(out, "not finished") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	d.tell(t, "a replica is killed", out)
	if err := d.replicas[2].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.takesBack(t, "and comes up again", changed, "did not finish", nil)

	d.takesBack(t, "Ctrl-C", changed, "it was told to stop", func(p *os.Process) { _ = p.Signal(os.Interrupt) })
	cmd := d.command(t.Context(), "apply", changed)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first replica runs the new config", func() bool { h := d.runs(t); return h[0] != h[1] })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d.redis.FastForward(time.Hour) // the lock of a process that was killed ends by itself
	d.takesBack(t, "killed, and started again", changed, "did not finish: it is taken back first", nil)
	if d.one(t) != before {
		t.Error("the replicas run another config than before")
	}
}

// takesBack has a release be taken back, all by itself or once it is told something.
func (d *released) takesBack(t *testing.T, name, config, why string, tell func(*os.Process)) {
	t.Helper()
	d.sent.Store(0)
	cmd := d.command(t.Context(), "apply", config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if tell != nil {
		eventually(t, "the first replica runs the new config", func() bool { h := d.runs(t); return h[0] != h[1] })
		tell(cmd.Process)
	}
	_ = cmd.Wait()
	out := said.String()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(out, why) || !strings.Contains(out, "taken back, every replica runs the config before") {
		t.Errorf("%s: exit code %d, want 1 and %q:\n%s", name, code, why, out)
	}
	d.one(t)
	d.tell(t, name, out)
}
