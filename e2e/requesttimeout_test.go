package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// TestServicesKnowTheTimeThatIsLeft: what the route says reaches every service, less the
// BFF's reserve and what has passed, and nothing that a client says changes it.
func TestServicesKnowTheTimeThatIsLeft(t *testing.T) {
	for name, header := range map[string]string{
		"the client says nothing":  "X-Nothing: 1",
		"too little":               "Request-Timeout: 1",
		"too much":                 "Request-Timeout: 99999999",
		"nonsense":                 "Request-Timeout: -1",
		"in another spelling":      "Request_Timeout: 1",
		"the connection has it on": "Connection: Request-Timeout",
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1"), header).wantStatus(t, http.StatusOK)
			for service, most := range map[string]int{
				services.Orders: 1500, services.Users: 1500, services.Billing: 1000, services.Notifications: 1000,
			} {
				left, err := strconv.Atoi(receivedOnce(t, service, a.traceID(t)).Header.Get("Request-Timeout"))
				if err != nil || left > most || left < most-500 {
					t.Errorf("%s has %d ms, %v, want at most %d", service, left, err, most)
				}
			}
			a = get(t, "/partner/v2/orders", partnerKey, header).wantStatus(t, http.StatusOK)
			want := "5000"
			if strings.HasPrefix(header, "Connection") {
				want = "" // Kong removes what Connection names after its plugins have run
			}
			lines := receivedOnce(t, services.Orders, a.traceID(t)).Header["Request-Timeout"]
			if got := strings.Join(lines, ","); got != want {
				t.Errorf("a partner's service received %q, want %q", got, want)
			}
		})
	}
}

// TestServiceThatNeedsMoreTime refuses at once, and nobody waits for it.
func TestServiceThatNeedsMoreTime(t *testing.T) {
	fault(t, services.Billing, `{"needs_ms":5000}`)
	began := time.Now()
	var page webapi.Dashboard
	get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK).into(t, &page)
	if len(page.Degraded) != 1 || page.Degraded[0] != webapi.DashboardDegradedItemBilling {
		t.Errorf("degraded: %v, want billing", page.Degraded)
	}
	fault(t, services.Users, `{"needs_ms":5000}`)
	a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusGatewayTimeout)
	if !strings.Contains(string(a.body), `"upstream":"users"`) {
		t.Errorf("%s, want the service named", a.body)
	}
	if tries := received(t, services.Users, a.traceID(t)); len(tries) != 1 {
		t.Errorf("the service received %d tries, want 1", len(tries))
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("two pages took %v: somebody waited", took)
	}
}
