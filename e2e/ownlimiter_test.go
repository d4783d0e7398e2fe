package e2e

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
)

// TestConsumersOwnLimiter is why the check warns of a consumer's own limiter: the gateway
// runs it in the place of the one that lists issuers, and a token for somebody else passes.
func TestConsumersOwnLimiter(t *testing.T) {
	if gate.fileLog == "" {
		t.Skip("this gateway does not support plugins of one consumer")
	}
	foreign := faultOf(t, identity.BadAud)
	key, err := devtoken.NewKey(devtoken.Mobile)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]devtoken.Key{foreign.Consumer.Username: key}
	restore := useConfig(t, func(config map[string]any) { believe(t, config, keys) })
	get(t, "/issuers", signedBy(t, &foreign.Case, key)).wantStatus(t, http.StatusUnauthorized)
	restore()
	defer useConfig(t, func(config map[string]any) {
		believe(t, config, keys)
		own := map[string]any{"name": "tenant-rate-limit", "consumer": foreign.Consumer.Username}
		section := maps.Clone(globalSection(t, config, "tenant-rate-limit"))
		delete(section, "identity")
		own["config"] = section
		if oneHop() {
			own["name"], own["config"] = "gatehouse", map[string]any{"run": []any{"tenant_rate_limit"}, "tenant_rate_limit": section}
		}
		config["plugins"] = append(config["plugins"].([]any), own)
	})()
	get(t, "/issuers", signedBy(t, &foreign.Case, key)).wantStatus(t, http.StatusOK)
}

// faultOf is a token of the table with one fault.
func faultOf(t *testing.T, fault identity.Fault) *identitytest.Fault {
	t.Helper()
	for _, f := range identitytest.Faults(time.Now()) {
		if f.Want == fault && !f.NoGateway && strings.Contains(f.Payload, "tenant") {
			return &f
		}
	}
	t.Fatalf("no token of the table has the fault %q", fault)
	return nil
}
