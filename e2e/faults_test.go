package e2e

import (
	"bufio"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// faultClients are what a fault may cost at most: each has one request under way.
	faultClients = 16
	// faultEvery is how often the plugin server is hit. One that lived for a second is
	// started again at once.
	faultEvery = 1100 * time.Millisecond
	// stalled is longer than any restart, and shorter than what Kong waits for an
	// instance that another request has claimed and never started (10 s).
	stalled = 5 * time.Second
)

// TestPluginServerKilled kills the plugin server once in a second under load: only the
// requests in flight fail, and none waits for long.
func TestPluginServerKilled(t *testing.T) {
	const kills = 10
	if failed := underLoad(t, syscall.SIGKILL, kills); failed > kills*faultClients {
		t.Errorf("%d requests failed, more than were in flight", failed)
	}
}

// TestPluginServerRestarted ends the plugin server in order, as for a new binary: no
// request fails.
func TestPluginServerRestarted(t *testing.T) {
	if failed := underLoad(t, syscall.SIGTERM, 5); failed > 0 {
		t.Errorf("%d requests failed", failed)
	}
}

// underLoad sends the plugin server a signal again and again, and returns how many
// requests failed.
func underLoad(t *testing.T, sig syscall.Signal, times int) (failed int64) {
	t.Helper()
	l := startLoad(t, faultClients)
	for range times {
		l.waitPassed(t, faultClients)
		signalServer(t, sig)
		time.Sleep(faultEvery)
	}
	l.waitPassed(t, faultClients)
	l.stop()
	failed = l.failed.Load()
	slowest := time.Duration(l.slowest.Load())
	t.Logf("%d times %v: %d requests passed, %d failed (%.1f each time, of %d clients), the slowest took %v",
		times, sig, l.passed.Load(), failed, float64(failed)/float64(times), faultClients, slowest.Round(time.Millisecond))
	if failed > 0 {
		t.Logf("the last one that failed: %v", l.failure.Load())
	}
	if slowest > stalled {
		t.Errorf("a request took %v: its worker waited for an instance", slowest)
	}
	return failed
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
