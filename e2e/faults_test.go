package e2e

import (
	"bufio"
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// faultClients is how many requests are in flight at once.
	faultClients = 16
	// faultEvery is how often the plugin server is hit. One that lived for a second is
	// started again at once.
	faultEvery = 1100 * time.Millisecond
	// faultNoticed is how long after a kill a busy gateway may take until it has read
	// the end of each connection that it kept, and gives none of them to a request.
	faultNoticed = 500 * time.Millisecond
	// stalled is longer than any restart, and shorter than what Kong waits for an
	// instance that another request has claimed and never started (10 s).
	stalled = 5 * time.Second
)

// TestPluginServerKilled kills the plugin server once in a second under load. What
// fails are the requests in flight, and perhaps the next one of their client, on a
// connection of which the gateway has not read the end yet: none after that, and none
// waits for long.
func TestPluginServerKilled(t *testing.T) {
	notShort(t)
	const kills = 10
	hit, failed := underLoad(t, syscall.SIGKILL, kills)
	if len(failed) > 2*kills*faultClients {
		t.Errorf("%d requests failed, more than a kill can cost", len(failed))
	}
	for _, f := range failed {
		if !slices.ContainsFunc(hit, func(at time.Time) bool { return f.began.Sub(at) < faultNoticed && at.Sub(f.began) < stalled }) {
			t.Errorf("a request that began at %v failed, when no server had just been killed (at %v): %s", f.began, hit, f.why)
		}
	}
}

// TestPluginServerRestarted ends the plugin server in order, as for a new binary: no
// request fails.
func TestPluginServerRestarted(t *testing.T) {
	notShort(t)
	if _, failed := underLoad(t, syscall.SIGTERM, 5); len(failed) > 0 {
		t.Errorf("%d requests failed", len(failed))
	}
}

// underLoad sends the plugin server a signal again and again, and returns when it did
// and which requests failed.
func underLoad(t *testing.T, sig syscall.Signal, times int) (hit []time.Time, failed []failure) {
	t.Helper()
	l := startLoad(t, faultClients)
	for range times {
		l.waitPassed(t, faultClients)
		signalServer(t, sig)
		hit = append(hit, time.Now())
		time.Sleep(faultEvery)
	}
	l.waitPassed(t, faultClients)
	l.stop()
	failed = l.failed()
	slowest := time.Duration(l.slowest.Load()) * time.Millisecond
	t.Logf("%d times %v: %d requests passed, %d failed (%.1f each time, of %d clients), the slowest took the gateway %v",
		times, sig, l.passed.Load(), len(failed), float64(len(failed))/float64(times), faultClients, slowest)
	if len(failed) > 0 {
		t.Logf("the last one that failed: %s", failed[len(failed)-1].why)
	}
	if slowest > stalled {
		t.Errorf("a request took the gateway %v: its worker waited for an instance", slowest)
	}
	return hit, failed
}

// signalServer sends a signal to the plugin server that was started last.
func signalServer(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := gate.signal(serverPID(t), sig); err != nil {
		t.Fatalf("send %v to the plugin server: %v", sig, err)
	}
}

// serverPID is what the supervisor says.
func serverPID(t *testing.T) (pid int) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(logs(t))); lines.Scan(); {
		var line struct {
			Message string `json:"msg"`
			PID     int    `json:"pid"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "the plugin server started" {
			pid = line.PID
		}
	}
	if pid == 0 {
		t.Fatal("the supervisor has not logged the start of a plugin server")
	}
	return pid
}
