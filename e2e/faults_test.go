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
	l := startLoad(t, faultClients)
	for range kills {
		l.waitPassed(t, faultClients)
		signalServer(t, syscall.SIGKILL)
		time.Sleep(faultEvery)
	}
	l.waitPassed(t, faultClients)
	l.stop()
	passed, failed, slowest := l.passed.Load(), l.failed.Load(), time.Duration(l.slowest.Load())
	t.Logf("%d kills: %d requests passed, %d failed (%.1f a kill, %d clients), the slowest took %v",
		kills, passed, failed, float64(failed)/kills, faultClients, slowest.Round(time.Millisecond))
	if failed > kills*faultClients {
		t.Errorf("%d requests failed, more than were in flight", failed)
	}
	if slowest > stalled {
		t.Errorf("a request took %v: its worker waited for an instance", slowest)
	}
}

// TestPluginServerRestarted ends the plugin server in order, as for a new binary: no
// request fails.
func TestPluginServerRestarted(t *testing.T) {
	const restarts = 5
	l := startLoad(t, faultClients)
	for range restarts {
		l.waitPassed(t, faultClients)
		signalServer(t, syscall.SIGTERM)
		time.Sleep(faultEvery)
	}
	l.waitPassed(t, faultClients)
	l.stop()
	passed, failed, slowest := l.passed.Load(), l.failed.Load(), time.Duration(l.slowest.Load())
	t.Logf("%d restarts: %d requests passed, %d failed, the slowest took %v", restarts, passed, failed, slowest.Round(time.Millisecond))
	if failed > 0 {
		t.Errorf("%d requests failed", failed)
	}
	if slowest > stalled {
		t.Errorf("a request took %v: its worker waited for an instance", slowest)
	}
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
