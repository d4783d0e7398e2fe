package tenantratelimit

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// TestWhoIsAsking: the service is told who is asking, and the request is counted as
// theirs.
func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	byUser := strings.Replace(generous, `["tenant"]`, `["user"]`, 1)
	for _, c := range identitytest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			names, err := json.Marshal(c.Names)
			if err != nil {
				t.Fatal(err)
			}
			r, server := counting(t)
			config := patient(t, r, strings.Replace(byUser, `{`, `{"identity":`+string(names)+`,`, 1))
			req := kongrequesttest.Asking(kongtest.Request{Headers: forged(), ClientIP: "203.0.113.9"}, &c)
			h := kongtest.Run(t, config.Access, req).Service.Headers
			want := []string{identitytest.Issued(c.Tenant), identitytest.Issued(c.User)}
			if diff := cmp.Diff(want, []string{h.Get("X-Tenant-Id"), h.Get("X-User-Id")}); diff != "" {
				t.Errorf("tenant and user towards the service (-want +got):\n%s", diff)
			}
			if !c.Tenant.Known() || !c.User.Known() {
				return // counted by what is left, see TestCounters
			}
			key := "gatehouse:{" + limiter.Part{Kind: 't', ID: c.Tenant.Value, Hashed: c.Tenant.Hashed}.String() + "}:tenant:b60:" + limiter.Part{Kind: 'u', ID: c.User.Value, Hashed: c.User.Hashed}.String()
			if !slices.Contains(server.Keys(), key) {
				t.Errorf("no counter at %s, but at %v", key, server.Keys())
			}
		})
	}
}
