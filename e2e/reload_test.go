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
	if failed := l.failed(); len(failed) > 0 {
		t.Errorf("%d requests failed and %d passed; the last one: %s", len(failed), l.passed.Load(), failed[len(failed)-1].why)
	}
}
