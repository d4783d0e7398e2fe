package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

const (
	// checkEvery is the interval of active checks in kong.yaml.
	checkEvery = 10 * time.Second
	// backWithin bounds how long a target may be out once it is well: one interval, and
	// what a busy machine takes for the rest.
	backWithin = checkEvery + 15*time.Second
	// outWithin is how long requests may go on failing once one would have been enough
	// failures: each worker has to hear of it.
	outWithin = 3 * time.Second
	// hangTimeout is the read timeout of the services that the tests add.
	hangTimeout = 700 * time.Millisecond
)

// death is a way for one of two targets to die under load.
type death struct {
	name    string
	retries int
	kill    func(*backend)
	// mayFail is how many requests may fail beside those in flight.
	mayFail int
}

var deaths = []death{
	{"killed, without a retry", 0, (*backend).die, 3},
	{"killed", 1, (*backend).die, 3},
	{"hangs", 1, func(b *backend) { b.mood.Store(hanging) }, 3},
	{"answers 503", 1, func(b *backend) { b.mood.Store(unavailable) }, 3},
}

// TestDyingTarget: a target that dies under load is out within three failures, and back
// by itself, under the checks that kong.yaml has for the orders service.
func TestDyingTarget(t *testing.T) {
	needHere(t)
	backends := make([][2]*backend, len(deaths))
	var services []any
	for i, d := range deaths {
		backends[i] = newBackends(t)
		services = append(services, dyingService(fmt.Sprintf("dying-%d", i), d.retries))
	}
	restore := useConfig(t, func(config map[string]any) { addDying(t, config, services, backends) })
	defer restore()
	t.Run("group", func(t *testing.T) { // ends when all of them have
		for i, d := range deaths {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				d.run(t, fmt.Sprintf("/dying-%d", i), backends[i])
			})
		}
	})
}

func (d death) run(t *testing.T, path string, backends [2]*backend) {
	t.Helper()
	w := startWatch(t, path)
	began := time.Now()
	w.waitFor(t, backWithin, began, "a")
	w.waitFor(t, backWithin, began, "b")

	died := time.Now()
	d.kill(backends[1])
	time.Sleep(outWithin)
	out := time.Now()
	time.Sleep(outWithin)
	lost := w.since(died, failed)
	if late := w.since(out, failed); len(late) > 0 {
		t.Errorf("%d requests failed more than %v after the target died, the first with status %d: %s", len(late), outWithin, late[0].status, late[0].body)
	}
	if len(lost) > d.mayFail+2*watchers {
		t.Errorf("%d requests failed, want up to %d and those in flight; the first with status %d: %s", len(lost), d.mayFail, lost[0].status, lost[0].body)
	}

	well := time.Now()
	backends[1].revive(t)
	back := w.waitFor(t, backWithin, well, "b")
	w.stop()
	t.Logf("%d of %d requests failed, the last %.2f s after the target died; it had requests again %.1f s after it was well",
		len(lost), len(w.since(died, func(seen) bool { return true })), last(lost, died).Seconds(), back.Sub(well).Seconds())
}

// last is when the last of some requests ended.
func last(list []seen, since time.Time) (d time.Duration) {
	for _, one := range list {
		d = max(d, one.began.Add(one.took).Sub(since))
	}
	return d
}

// TestAllTargetsDown wants a 503 that says when to come back and which trace to ask for,
// until a target is back.
func TestAllTargetsDown(t *testing.T) {
	needHere(t)
	backends := newBackends(t)
	restore := useConfig(t, func(config map[string]any) {
		addDying(t, config, []any{dyingService("down-0", 1)}, [][2]*backend{backends})
	})
	defer restore()
	get(t, "/down-0").wantStatus(t, http.StatusOK)
	for _, b := range backends {
		b.die()
	}
	var a answer
	eventually(t, "503", func() bool {
		a = get(t, "/down-0", "Accept: application/json")
		return a.status != http.StatusBadGateway
	})
	a.wantStatus(t, http.StatusServiceUnavailable)
	wantProblem(t, a, "failure to get a peer from the ring-balancer")
	wantHeader(t, a.header, "Retry-After", "10")
	a.traceID(t)
	for _, b := range backends {
		b.revive(t)
	}
	eventuallyWithin(t, backWithin, "200", func() bool { return get(t, "/down-0").status == http.StatusOK })
}

// TestRetryAfterOnce: a service's own 503 is left as it is, and so is what a service says
// itself.
func TestRetryAfterOnce(t *testing.T) {
	for status, body := range map[int]string{
		http.StatusServiceUnavailable: `{"status": 503}`, http.StatusTooManyRequests: `{"status": 429}`,
	} {
		fault(t, "orders", body)
		a := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, status)
		if got := a.header.Values("Retry-After"); len(got) > 0 {
			t.Errorf("status %d of the service's: Retry-After %q, want none", status, got)
		}
	}
}

// TestRetriedMethods: what broke or timed out after it was sent is tried again only if
// its method is idempotent, and what found nobody is tried again whatever it is.
func TestRetriedMethods(t *testing.T) {
	needHere(t)
	backends := newBackends(t)
	var tries atomic.Int64
	for _, b := range backends {
		b.mood.Store(hanging)
		b.tries = &tries
	}
	restore := useConfig(t, func(config map[string]any) {
		addDying(t, config, []any{dyingService("tried-0", 1)}, [][2]*backend{backends})
		upstream := find(t, config["upstreams"], "tried-0.upstream")
		delete(upstream, "healthchecks")
	})
	defer restore()
	for method, want := range map[string]int64{
		http.MethodGet: 2, http.MethodHead: 2, http.MethodPut: 2, http.MethodDelete: 2,
		http.MethodPost: 1, http.MethodPatch: 1,
	} {
		before := tries.Load()
		sendMethod(t, method, "/tried-0").wantStatus(t, http.StatusGatewayTimeout)
		if got := tries.Load() - before; got != want {
			t.Errorf("%s was tried %d times, want %d", method, got, want)
		}
	}
	backends[0].revive(t)
	backends[1].die()
	for range 4 {
		sendMethod(t, http.MethodPost, "/tried-0").wantStatus(t, http.StatusOK)
	}
}

func sendMethod(t *testing.T, method, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gate.proxy+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, req)
}

// dyingService is a service with one open route of its name.
func dyingService(name string, retries int) map[string]any {
	return map[string]any{
		"name": name, "host": name + ".upstream", "protocol": "http", "retries": retries,
		"connect_timeout": 1000, "read_timeout": hangTimeout.Milliseconds(),
		"routes": []any{map[string]any{"name": name, "paths": []string{"/" + name}}},
	}
}

// addDying adds the services with an upstream each, under the checks of the orders
// upstream, and lifts the limits.
func addDying(t *testing.T, config map[string]any, services []any, backends [][2]*backend) {
	t.Helper()
	limiter := globalSection(t, config, "tenant-rate-limit")
	clear(limiter)
	limiter["limits"] = []any{map[string]any{"name": "none", "scope": []string{"user"}, "limit": 1_000_000, "window_seconds": 1}}
	checks := find(t, config["upstreams"], "orders.upstream")["healthchecks"].(map[string]any)
	checks["active"].(map[string]any)["type"] = "http" // backends serve no TLS
	for i, s := range services {
		var targets []any
		for _, b := range backends[i] {
			targets = append(targets, map[string]any{"target": b.addr})
		}
		config["upstreams"] = append(config["upstreams"].([]any), map[string]any{
			"name": s.(map[string]any)["host"], "targets": targets, "healthchecks": checks,
		})
	}
	config["services"] = append(config["services"].([]any), services...)
}

// find returns the entity of a name.
func find(t *testing.T, list any, name string) map[string]any {
	t.Helper()
	for _, entry := range list.([]any) {
		if entity := entry.(map[string]any); entity["name"] == name {
			return entity
		}
	}
	t.Fatalf("there is no %s in %v", name, list)
	return nil
}

// needHere leaves the test out where the gateway does not reach what listens here.
func needHere(t *testing.T) {
	t.Helper()
	if !gate.here {
		t.Skip("the gateway runs in a container, which does not reach this machine's ports")
	}
}

// TestEveryStatusIsListed wants each status that there is in one of two lists, on every
// upstream: one in neither says nothing, and keeps a target out whose check answers it.
func TestEveryStatusIsListed(t *testing.T) {
	var config map[string]any
	if err := yaml.Unmarshal(gate.config, &config); err != nil {
		t.Fatal(err)
	}
	for _, entry := range config["upstreams"].([]any) {
		upstream := entry.(map[string]any)
		if targets := upstream["targets"].([]any); len(targets) != 2 {
			t.Errorf("%s has %d targets, want 2", upstream["name"], len(targets))
		}
		for kind, check := range upstream["healthchecks"].(map[string]any) {
			healthy, unhealthy := statusesOf(check, "healthy"), statusesOf(check, "unhealthy")
			for status := 100; status < 600; status++ {
				good, bad := slices.Contains(healthy, any(status)), slices.Contains(unhealthy, any(status))
				known := http.StatusText(status) != "" || status == 306 // which was one
				if known != (good != bad) || good && bad {
					t.Errorf("%s, %s: status %d is healthy: %v, unhealthy: %v", upstream["name"], kind, status, good, bad)
				}
			}
		}
	}
}

func statusesOf(check any, health string) []any {
	return check.(map[string]any)[health].(map[string]any)["http_statuses"].([]any)
}

// TestNotFoundIsAProblem: Kong's own errors all have the one body.
func TestNotFoundIsAProblem(t *testing.T) {
	a := get(t, "/nowhere", "Accept: application/json").wantStatus(t, http.StatusNotFound)
	wantProblem(t, a, "no Route matched with those values")
	wantHeader(t, a.header, "Retry-After")
	if a = get(t, "/nowhere", "Accept: text/plain"); strings.HasPrefix(string(a.body), "{") {
		t.Errorf("a client of plain text got %s", a.body)
	}
}

func wantProblem(t *testing.T, a answer, detail string) {
	t.Helper()
	wantHeader(t, a.header, "Content-Type", "application/json; charset=utf-8")
	var problem map[string]string
	a.into(t, &problem)
	want := map[string]string{
		"type": "urn:gatehouse:problem:gateway", "title": "Answered by the gateway",
		"detail": detail, "request_id": a.header.Get("X-Kong-Request-Id"),
	}
	if !maps.Equal(problem, want) {
		t.Errorf("body %v, want %v", problem, want)
	}
}
