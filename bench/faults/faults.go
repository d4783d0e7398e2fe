package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/stack"
)

var faults = []fault{
	{
		name: "none", what: "nothing fails", run: func(ctx context.Context, t *trial) error {
			t.endure(ctx)
			t.mended = time.Now()
			return nil
		},
		claims: []claim{nobodySees, nothingLost},
	},
	{
		name: "replica-killed", what: "a replica is killed with all of its processes, and started anew", run: replicaKilled,
		alerts: []string{"TargetDown"},
		claims: []claim{
			{"what fails was under way on it, and is broken", onlyFail(func(t *trial, a answer) bool {
				return a.seen() == "broken" && a.began.Before(t.turned)
			})},
		},
	},
	{
		name: "redis-gone", what: "Redis is killed, and is back with nothing in it", run: redisGone,
		alerts: []string{"LimiterFellBack"},
		claims: []claim{nobodySees, nothingLost, admits(2)},
	},
	{
		name: "redis-failover", what: "Redis' master is killed, and Sentinel has its replica take its place", run: redisFailover,
		arrangement: arrangement{sentinel: true},
		alerts:      []string{"LimiterFellBack"},
		claims:      []claim{nobodySees, nothingLost, admits(2)},
	},
	{
		name: "redis-partitioned", what: "one replica does not reach Redis: its packets vanish", run: redisPartitioned,
		alerts: []string{"LimiterFellBack"},
		claims: []claim{nobodySees, nothingLost, admits(1.5)},
	},
	{
		name: "bff-gone", what: "both processes of the web BFF are killed", run: gone("web-bff", "web-bff-2"),
		alerts: []string{"TargetDown", "ErrorBudgetGoneInTwoDays"},
		claims: []claim{
			{"its own pages fail alone, with 502 and then 503", onlyFail(func(_ *trial, a answer) bool {
				return a.kind == page && (a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable)
			})},
			{"they are problem details", problems}, nothingLost,
		},
	},
	{
		name: "service-gone", what: "both processes of the orders service are killed, without which there is no page", run: gone("orders", "orders-2"),
		alerts: []string{"TargetDown", "ErrorBudgetGoneInTwoDays", "BFFCircuitOpen"},
		claims: []claim{
			{"what is passed through to it fails with 502 and then 503, and pages with 502", onlyFail(func(_ *trial, a answer) bool {
				return a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable && a.kind != page && a.kind != home
			})},
			{"they are problem details", problems}, nothingLost,
		},
	},
	{
		name: "section-gone", what: "the only process of the notifications service is killed, without which pages are degraded", run: gone("notifications"),
		alerts: []string{"TargetDown", "BFFCircuitOpen", "BFFPagesDegraded"},
		claims: []claim{nobodySees, nothingLost},
	},
	{
		// As for the rules, time runs faster: it is 30 s otherwise.
		name: "collector-gone", what: "the collector of traces is gone; spans are sent again for a second", run: collectorGone,
		arrangement: arrangement{env: []string{"OTEL_BSP_EXPORT_TIMEOUT=1000"}},
		alerts:      []string{"SpansLost"},
		claims: []claim{nobodySees, {"each lost span is counted, and no audit record is lost", func(_ *trial, f figures) bool {
			return f.spans <= f.spansCounted && f.records == 0
		}}},
	},
	{
		name: "disk-full", what: "the disk under one replica's audit file is full", run: diskFull, lacks: mounts,
		arrangement: arrangement{prepare: smallDisk},
		alerts:      []string{"AuditTrailBroken", "AuditRecordsLost"},
		claims: []claim{
			nobodySees,
			{"each lost record is counted", func(_ *trial, f figures) bool { return f.records <= f.recordsCounted }},
			{"the replica is not ready, and has no requests", func(t *trial, _ figures) bool { return !t.turned.IsZero() }},
		},
	},
	{
		name: "certificate-expired", what: "the certificate of the orders service expires; Kong keeps no connections to it", run: certificateExpired,
		arrangement: arrangement{env: []string{"KONG_UPSTREAM_KEEPALIVE_POOL_SIZE=0"}},
		alerts:      []string{"CertificateExpiresSoon", "ErrorBudgetGoneInTwoDays"},
		claims: []claim{
			{"the alert fires before it expires", func(t *trial, f figures) bool {
				return t.began.Add(f.alerts["CertificateExpiresSoon"]).Before(t.turned)
			}},
			{"from then on what is passed through to it is a 502 and then a 503, and pages come over connections that are kept", onlyFail(func(t *trial, a answer) bool {
				return (a.kind == orders || a.kind == over) && (a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable) && a.ended.After(t.turned)
			})},
			{"Kong's log has: certificate verify error … has expired", func(t *trial, _ figures) bool {
				return strings.Contains(t.said, "certificate verify error") && strings.Contains(t.said, "has expired")
			}},
			nothingLost,
		},
	},
	{
		name: "edge-certificate-expired", what: "the certificate expires that two of three replicas show to clients", run: edgeExpired,
		arrangement: arrangement{prepare: shortEdge},
		alerts:      []string{"EdgeCertificateExpiresSoon"},
		claims: []claim{
			nobodySees, // over plain HTTP
			{"the alert fires before it expires", func(t *trial, f figures) bool {
				return t.began.Add(f.alerts["EdgeCertificateExpiresSoon"]).Before(t.turned)
			}},
			{"clients over TLS refuse these two from then on, and nobody before", func(t *trial, f figures) bool {
				return t.said == expired && each(f, func(a answer) bool {
					return a.kind != edge || (a.status == http.StatusOK) == (a.replica == t.replicas[0].name || a.began.Before(t.turned))
				})
			}},
		},
	},
	{
		name: "issuer-clock", what: "the clock of the token issuer is 10 minutes fast, and then slow, with tokens of 5 minutes and of an hour", run: issuerClock,
		claims: []claim{
			nobodySees, nothingLost,
			{"its tokens are 401 where they are not valid yet or no more, and no other request is", func(t *trial, f figures) bool {
				return t.said == "fast 401, slow with 5 minutes 401, slow with an hour 200"
			}},
		},
	},
	{
		name: "redis-clock", what: "Redis' clock steps 10 minutes ahead, and back", run: redisClock, lacks: compiler,
		arrangement: arrangement{clock: true},
		claims:      []claim{nobodySees, nothingLost, admits(3)},
	},
	{
		name: "config-storm", what: "100 configs in a row are posted to the replicas in turn", run: configStorm,
		claims: []claim{nobodySees, nothingLost},
	},
	{
		name: "plugin-crash", what: "the plugin server of one replica is replaced by a binary that crashes at its start", run: pluginCrash,
		alerts: []string{"TargetDown"},
		claims: []claim{
			{"what fails was sent to that replica before the balancer took it out, and has no answer", onlyFail(func(t *trial, a answer) bool {
				return a.status == 0 && a.began.Before(t.turned)
			})},
			{"the balancer takes it out", func(t *trial, _ figures) bool { return !t.turned.IsZero() }},
		},
	},
}

// nobodySees is that every client gets what it asks for, but one that asks too often, and
// those whose token or handshake a fault is about.
var nobodySees = claim{"no client sees it", onlyFail(func(*trial, answer) bool { return false })}

var nothingLost = claim{"no audit record and no span is lost", func(_ *trial, f figures) bool {
	return f.records == 0 && f.spans == 0
}}

// onlyFail is that the answers that are not good are such.
func onlyFail(such func(*trial, answer) bool) func(*trial, figures) bool {
	return func(t *trial, f figures) bool {
		return each(f, func(a answer) bool { return a.good() || a.kind == shifted || a.kind == edge || such(t, a) })
	}
}

func each(f figures, ok func(answer) bool) bool {
	for _, a := range f.answers {
		if !ok(a) {
			return false
		}
	}
	return true
}

// admits is that the client over its limit has no more than so many times what it may.
func admits(times float64) claim {
	return claim{fmt.Sprintf("the client over its limit gets at most %g times its limit", times), func(t *trial, f figures) bool {
		return float64(f.admitted()) <= times*float64(f.allowed(t))
	}}
}

func problems(_ *trial, f figures) bool {
	return each(f, func(a answer) bool {
		return a.good() || strings.Contains(a.problem, "urn:gatehouse:problem:")
	})
}

func replicaKilled(ctx context.Context, t *trial) error {
	r := t.replicas[1].again
	t.begin()
	if err := r.Kill(); err != nil {
		return err
	}
	t.turned = time.Now().Add(time.Second) // by when the balancer knows of each connection's end
	t.endure(ctx)
	t.mended = time.Now()
	return r.Start(ctx)
}

func redisGone(ctx context.Context, t *trial) error {
	t.redis.Kill()
	t.endure(ctx)
	t.mended = time.Now()
	return t.redis.Again(ctx)
}

func redisFailover(ctx context.Context, t *trial) error {
	t.watched.Master.Kill()
	t.endure(ctx)
	t.mended = time.Now()
	return nil
}

func redisPartitioned(ctx context.Context, t *trial) error {
	t.link.cut()
	t.endure(ctx)
	t.mended = time.Now()
	t.link.mend()
	return nil
}

// gone kills parts, and starts them again.
func gone(names ...string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		for _, name := range names {
			if err := t.stack.Kill(name); err != nil {
				return err
			}
		}
		t.endure(ctx)
		t.mended = time.Now()
		for _, name := range names {
			if err := t.stack.StartAgain(ctx, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func collectorGone(ctx context.Context, t *trial) error {
	t.spans.leave()
	t.endure(ctx)
	t.mended = time.Now()
	return t.spans.comeBack(ctx)
}

// mounts is what a machine lacks on which this process can mount nothing.
func mounts() string {
	if os.Geteuid() != 0 {
		return "right to mount (root)"
	}
	if _, err := exec.LookPath("mount"); err != nil {
		return "mount on PATH"
	}
	return ""
}

// diskSize is of the disk that is filled, in bytes.
const diskSize = 16 << 20

// smallDisk puts a small disk under the second replica's audit file.
func smallDisk(f *fleet) error {
	folder := filepath.Join(f.dir, "audit-2")
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprint("size=", diskSize), "tmpfs", folder).CombinedOutput(); err != nil {
		return fmt.Errorf("mount %s: %w: %s", folder, err, out)
	}
	f.onClose(func() error { return exec.Command("umount", folder).Run() })
	return nil
}

func diskFull(ctx context.Context, t *trial) error {
	filler := filepath.Join(filepath.Dir(t.replicas[1].records), "filler")
	if err := os.WriteFile(filler, make([]byte, diskSize), 0o644); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	t.noteOut(ctx, 1)
	t.endure(ctx)
	t.mended = time.Now()
	return os.Remove(filler)
}

// noteOut waits until a replica has no requests, and notes when.
func (t *trial) noteOut(ctx context.Context, i int) {
	for end := time.Now().Add(longest); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 20*time.Millisecond) {
		if !t.balancer.targets[i].in.Load() {
			t.turned = time.Now()
			return
		}
	}
}

func certificateExpired(ctx context.Context, t *trial) error {
	t.turned = t.began.Add(endured).Truncate(time.Second)
	certs := stack.CertDir(t.dir)
	if err := certs.Shorten("orders", t.turned); err != nil {
		return err
	}
	wait(ctx, time.Until(t.turned))
	t.endure(ctx)
	t.mended = time.Now()
	if err := certs.Shorten("orders", time.Now().Add(time.Hour*24)); err != nil {
		return err
	}
	return t.readLog("gateway")
}

// readLog keeps what a part has logged.
func (t *trial) readLog(part string) error {
	text, err := os.ReadFile(filepath.Join(t.stack.LogDir(), part+".log"))
	t.said = string(text)
	return err
}

// edgeLife is how long the certificate lives that clients see, from before the second
// replica starts.
const edgeLife = 150 * time.Second

func shortEdge(f *fleet) error {
	f.edgeExpires = time.Now().Add(edgeLife).Truncate(time.Second)
	return stack.CertDir(f.dir).Shorten(devcerts.Edge, f.edgeExpires)
}

func edgeExpired(ctx context.Context, t *trial) error {
	client, err := t.tlsClient()
	if err != nil {
		return err
	}
	t.turned = t.edgeExpires
	for end := t.turned.Add(endured); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 500*time.Millisecond) {
		for _, r := range t.replicas {
			a := get(client, edge, r.secure+"/partner/v2/orders", "apikey: "+othersKey)
			a.replica = r.name
			t.load.note(a)
			if a.status == 0 {
				t.said = a.broken
			}
		}
	}
	t.mended = time.Now()
	return nil
}

func issuerClock(ctx context.Context, t *trial) error {
	var said []string
	for _, c := range []struct {
		name       string
		off, valid time.Duration
	}{
		{"fast", 10 * time.Minute, time.Hour},
		{"slow with 5 minutes", -10 * time.Minute, 5 * time.Minute},
		{"slow with an hour", -10 * time.Minute, time.Hour},
	} {
		issued := time.Now().Add(c.off)
		token, err := devtoken.Sign(devtoken.Web, devtoken.Claims{Tenant: "tenant-0", User: "u1", NotBefore: issued, Expires: issued.Add(c.valid)})
		if err != nil {
			return err
		}
		from := time.Now()
		t.load.send(shifted, "Authorization: Bearer "+token)
		wait(ctx, endured)
		said = append(said, c.name+" "+t.load.only(shifted, from))
	}
	t.said, t.mended = strings.Join(said, ", "), time.Now()
	return nil
}

func redisClock(ctx context.Context, t *trial) error {
	if err := t.setClock(10 * time.Minute); err != nil {
		return err
	}
	t.endure(ctx)
	t.mended = time.Now()
	return t.setClock(0)
}

// posts is how many configs are posted.
const posts = 100

func configStorm(ctx context.Context, t *trial) error {
	client, err := t.tlsClient()
	if err != nil {
		return err
	}
	config, err := os.ReadFile(t.stack.GatewayConfig())
	if err != nil {
		return err
	}
	for n := range posts {
		for _, r := range t.replicas {
			if err := post(ctx, client, r.admin+"/config", fmt.Appendf(nil, "%s\n# %d\n", config, n)); err != nil {
				return fmt.Errorf("%s, post %d: %w", r.name, n, err)
			}
		}
	}
	t.mended = time.Now()
	return nil
}

func post(ctx context.Context, client *http.Client, url string, config []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(config))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/yaml")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// crashing is a plugin server that ends at its start, as one does that panics in an init.
const crashing = "#!/bin/sh\necho 'panic: a binary that crashes' >&2\nexit 2\n"

func pluginCrash(ctx context.Context, t *trial) (err error) {
	binary := filepath.Join(t.stack.Bin, "gatehouse")
	if err := os.Rename(binary, binary+"-good"); err != nil {
		return err
	}
	mend := func() error { return os.Rename(binary+"-good", binary) }
	defer func() {
		if t.mended.IsZero() {
			err = errors.Join(err, mend())
		}
	}()
	if err := os.WriteFile(binary, []byte(crashing), 0o755); err != nil {
		return err
	}
	if err := t.readLog(t.replicas[1].name); err != nil {
		return err
	}
	pid, err := kongserver.StartedServer([]byte(t.said))
	if err != nil {
		return err
	}
	t.begin()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	t.noteOut(ctx, 1)
	t.endure(ctx)
	t.mended = time.Now()
	return mend()
}
