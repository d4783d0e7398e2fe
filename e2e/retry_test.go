package e2e

import (
	"net/http"
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
