package e2e

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/services"
)

// TestTimeoutIsTriedOnceMore: a service with one retry gets a request twice if it does
// not answer in time, be its connection new or kept from an earlier request.
func TestTimeoutIsTriedOnceMore(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addOrdersService(t, config, map[string]any{
			"name": "slow", "path": "/v2/orders",
			"retries": 1, "read_timeout": 700,
			"routes": []any{map[string]any{"name": "slow", "paths": []string{"/slow"}}},
		})
	})()
	for range 4 { // so that each worker has a connection to keep
		get(t, "/slow")
	}
	fault(t, services.Orders, `{"hang": true}`)
	a := get(t, "/slow").wantStatus(t, http.StatusGatewayTimeout)
	if tries := received(t, services.Orders, a.traceID(t)); len(tries) != 2 {
		t.Errorf("the service received %d tries, want 2: %+v", len(tries), tries)
	}
}

// TestRetriedMethods: what broke or timed out after it was sent is tried again only if
// its method is idempotent, and what found nobody is tried again whatever it is.
func TestRetriedMethods(t *testing.T) {
	notShort(t)
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
