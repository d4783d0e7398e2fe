package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
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
			config := newConfig(t, piilogscrub.Options{Audit: auditlog.NewHandler(&audit)}, func(config *piilogscrub.Config) {
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

// TestTenantsNamedByAddresses: their names are personal data, so they are one in the
// record, unless pseudonyms keep them apart.
func TestTenantsNamedByAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		edit  func(*piilogscrub.Config)
		apart bool
	}{
		{"redacted", nil, false},
		{"pseudonyms", func(c *piilogscrub.Config) {
			c.Actions, c.PseudonymKey, c.PseudonymKeyID = map[string]string{"email": "pseudonym"}, key, "k1"
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ada, again, bob := auditedTenant(t, tt.edit, "ada@acme.example"), auditedTenant(t, tt.edit, "ada@acme.example"), auditedTenant(t, tt.edit, "bob@acme.example")
			if ada != again || (ada != bob) != tt.apart || !strings.HasPrefix(ada, "[email") {
				t.Errorf("the tenants are %q, %q and %q, want them apart: %v", ada, again, bob, tt.apart)
			}
		})
	}
}

// auditedTenant is what the audit record calls the tenant that a token names.
func auditedTenant(t *testing.T, edit func(*piilogscrub.Config), tenant string) string {
	t.Helper()
	c := identitytest.Case{Payload: `{"tenant":"` + tenant + `","sub":"u1"}`}
	var audit bytes.Buffer
	config := newConfig(t, piilogscrub.Options{Audit: auditlog.NewHandler(&audit)}, edit)
	kongtest.Run(t, config.Log, kongrequesttest.Asking(kongtest.Request{Log: logged(t, &c)}, &c))
	var got struct{ Tenant string }
	if err := json.Unmarshal(audit.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got.Tenant
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
