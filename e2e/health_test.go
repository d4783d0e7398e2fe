package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

const (
	// checkEvery is the interval of active checks in kong.yaml.
	checkEvery = 10 * time.Second
	// threshold is how many failures in a row take a target out there.
	threshold = 3
	// backWithin bounds how long a target may be out once it is well: one interval, and
	// what a busy machine takes for the rest.
	backWithin = checkEvery + 15*time.Second
	// heard is how long each worker may take to hear that a target is out.
	heard = time.Second
	// stillOut is how long a target that is out is watched.
	stillOut = 3 * time.Second
	// hangTimeout is the read timeout of the services that the tests add.
	hangTimeout = 700 * time.Millisecond
)

// death is a way for one of two targets to die under load.
type death struct {
	name    string
	retries int
	kill    func(*backend)
}

var deaths = []death{
	{"killed, without a retry", 0, (*backend).die},
	{"killed", 1, (*backend).die},
	{"hangs", 1, func(b *backend) { b.mood.Store(hanging) }},
	{"answers 503", 1, func(b *backend) { b.mood.Store(unavailable) }},
}

// TestDyingTarget: a target that dies under load is out within three failures, and back
// by itself, under the checks that kong.yaml has for the orders service.
func TestDyingTarget(t *testing.T) {
	notShort(t)
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
	eventually(t, "many requests in a row that pass", func() bool { return w.passing(died, 100) })
	out := time.Now()
	time.Sleep(stillOut)
	lost := w.since(died, failed)
	if late := w.since(out, func(s seen) bool { return failed(s) && s.began.After(out) }); len(late) > 0 {
		t.Errorf("%d requests failed after many had passed, the first with status %d: %s", len(late), late[0].status, late[0].body)
	}
	if len(lost) > threshold {
		noneLater(t, lost[threshold:], lost[threshold-1].ended().Add(heard))
	}

	well := time.Now()
	backends[1].revive(t)
	back := w.waitFor(t, backWithin, well, "b")
	w.stop()
	t.Logf("%d of %d requests failed, the last %.2f s after the target died; it had requests again %.1f s after it was well",
		len(lost), len(w.since(died, func(seen) bool { return true })), last(lost, died).Seconds(), back.Sub(well).Seconds())
}

func noneLater(t *testing.T, failures []seen, than time.Time) {
	t.Helper()
	for _, f := range failures {
		if f.began.After(than) {
			t.Errorf("a request that began %v after the target was to be out failed with status %d: %s", f.began.Sub(than), f.status, f.body)
		}
	}
}

// last is when the last of some requests ended.
func last(list []seen, since time.Time) (d time.Duration) {
	for _, one := range list {
		d = max(d, one.ended().Sub(since))
	}
	return d
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
	checks := maps.Clone(find(t, config["upstreams"], "orders.upstream")["healthchecks"].(map[string]any))
	active := maps.Clone(checks["active"].(map[string]any))
	active["type"] = "http" // backends serve no TLS
	checks["active"] = active
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

// find returns the entity of a name, or of a username.
func find(t *testing.T, list any, name string) map[string]any {
	t.Helper()
	for _, entry := range list.([]any) {
		if entity := entry.(map[string]any); entity["name"] == name || entity["username"] == name {
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
