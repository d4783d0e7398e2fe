package e2e

import (
	"net/http"
	"testing"
)

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
