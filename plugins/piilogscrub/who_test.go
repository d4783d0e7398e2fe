package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestWhoIsAsking: the audit record names the tenant, and the pseudonym of the user,
// who are asking.
func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	engine, err := scrub.New(scrub.Policy{PseudonymKey: []byte(key), PseudonymKeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range identitytest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var audit bytes.Buffer
			config := newConfig(t, piilogscrub.Options{Audit: &audit}, func(config *piilogscrub.Config) {
				config.PseudonymKey, config.PseudonymKeyID, config.Identity = key, "k1", c.Names
			})
			kongtest.Run(t, config.Log, kongrequesttest.Asking(kongtest.Request{Log: logged(t, &c)}, &c))
			var got struct{ Tenant, User string }
			if err := json.Unmarshal(audit.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			want := []string{c.Tenant.String(), engine.Pseudonym("user", c.User.String())}
			if diff := cmp.Diff(want, []string{got.Tenant, got.User}); diff != "" {
				t.Errorf("tenant and user (-want +got):\n%s", diff)
			}
		})
	}
}

// logged is what kong.log.serialize gives of a case's request.
func logged(t *testing.T, c *identitytest.Case) string {
	t.Helper()
	record := map[string]any{"request": map[string]any{"method": "GET", "uri": "/", "headers": map[string]string{"x-tenant-id": "forged"}}}
	if c.Consumer.ID != "" {
		record["consumer"] = map[string]any{"id": c.Consumer.ID, "username": c.Consumer.Username, "custom_id": c.Consumer.CustomID}
	}
	if c.CredentialID != "" {
		record["authenticated_entity"] = map[string]any{"id": c.CredentialID}
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
