package sunsetheaders_test

import (
	"testing"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// TestWhoIsAsking: the caller is the consumer whose credential Kong verified. One that
// stands in for everybody is nobody, and exempt from nothing.
func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	for _, c := range identitytest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			want := lifecycle.Caller{Route: "orders"}
			if c.CredentialID != "" {
				want.Username, want.CustomID, want.ID = c.Consumer.Username, c.Consumer.CustomID, c.Consumer.ID
			}
			config := newConfig(t, sunsetheaders.Options{Now: clock(end)}, func(config *sunsetheaders.Config) {
				if c.Consumer.ID != "" {
					config.Exemptions = []sunsetheaders.Exemption{{Consumer: c.Consumer.ID, Until: "2027-09-30"}}
				}
			})
			req := partner()
			req.Consumer, req.Route.Name = nil, "orders"
			req = kongrequesttest.Asking(req, &c)
			kongtest.Run(t, func(kong *pdk.PDK) {
				got, err := config.Announcer().Read(new(kongrequest.Source).Open(kong))
				got.At = want.At // which is the clock's
				if err != nil || got != want {
					t.Errorf("caller %+v, %v; want %+v", got, err, want)
				}
			}, req)
			exempt := kongtest.Run(t, config.Access, req).Exit == nil
			if exempt != (want.Name() != (lifecycle.Caller{}).Name()) {
				t.Errorf("exempt: %t, as %s", exempt, want.Name())
			}
		})
	}
}
