package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// TestRecordedTrafficIsAdvisedOn reads the audit records of a tenant's requests as
// gatehouse limits advise does.
func TestRecordedTrafficIsAdvisedOn(t *testing.T) {
	const requests = 7
	tenant := fmt.Sprintf("advised-%d", time.Now().UnixNano())
	for range requests {
		get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, tenant, "u1")).wantStatus(t, http.StatusOK)
	}
	var groups usage.Groups
	eventually(t, "the audit records of the tenant's requests", func() bool {
		var tally usage.Tally
		if _, err := tally.ReadRecorded(strings.NewReader(logs(t))); err != nil {
			t.Fatal(err)
		}
		groups = tally.Groups()
		total := groups["t."+tenant]["t"]
		return total != nil && total.Units() == requests
	})
	for _, a := range usage.Advise(groups) {
		if a.Group == "t."+tenant && a.Scope == "tenant" && (a.Units != requests || a.Choices[0].Denied != 0) {
			t.Errorf("advice on the tenant: %+v", a)
		}
	}
}
