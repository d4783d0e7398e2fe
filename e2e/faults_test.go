package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestPluginServerIsKilled kills the plugin server under load. Its socket outlives it,
// so that only requests in flight at that instant may fail, and none after.
func TestPluginServerIsKilled(t *testing.T) {
	const clients, kills = 8, 3
	l := startLoad(t, clients)
	for range kills {
		l.waitPassed(t, 5*clients)
		pid := pluginServerPID(t)
		if err := gate.kill(pid); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a plugin server after the one that was killed", func() bool { return pluginServerPID(t) != pid })
		l.waitPassed(t, 5*clients)
	}
	inFlight := l.failed.Load()
	l.waitPassed(t, 20*clients)
	l.stop()
	t.Logf("%d requests passed, %d failed in %d kills", l.passed.Load(), inFlight, kills)
	if inFlight > clients*kills {
		t.Errorf("%d requests failed, want at most the %d that can have been in flight", inFlight, clients*kills)
	}
	if after := l.failed.Load() - inFlight; after > 0 {
		t.Errorf("%d requests failed after the plugin server was back", after)
	}
}

// pluginServerPID reads the newest plugin server's process id from the supervisor's log.
func pluginServerPID(t *testing.T) int {
	t.Helper()
	pid := 0
	for line := range strings.Lines(logs(t)) {
		if !strings.Contains(line, "the plugin server started") {
			continue
		}
		var entry struct {
			PID int `json:"pid"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("supervisor's log line %q: %v", line, err)
		}
		pid = entry.PID
	}
	if pid == 0 {
		t.Fatal("the log has no plugin server's process id")
	}
	return pid
}

// TestConfigReloads posts the config again and again under load: no request fails.
func TestConfigReloads(t *testing.T) {
	l := startLoad(t, 4)
	for range 5 {
		postConfig(t, gate.config).wantStatus(t, http.StatusCreated)
		l.waitPassed(t, 20)
	}
	l.stop()
	if failed := l.failed.Load(); failed > 0 {
		t.Errorf("%d of %d requests failed", failed, failed+l.passed.Load())
	}
}
