package onehop_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// scrubbed is a section that names users by pseudonyms.
const scrubbed = `{"pseudonym_key":"0123456789abcdef0123456789abcdef","pseudonym_key_id":"k1"}`

// TestWhoIsAsking: the service and the audit record are told the same, be it by a log
// event or at the access line. Only the limiter's section says which claims count.
func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	for _, c := range identitytest.Cases() {
		for _, accessLines := range []bool{false, true} {
			t.Run(c.Name+map[bool]string{false: ", log event", true: ", access line"}[accessLines], func(t *testing.T) {
				t.Parallel()
				names := string(must(json.Marshal(c.Names))(t))
				p := newProcess(t, sections{scrub: scrubbed, limit: strings.Replace(all.limit, `{`, `{"identity":`+names+`,`, 1)})
				p.options.AccessLines = accessLines
				config := p.oneHop(t)
				o, after, _ := run(t, kongrequesttest.Asking(alice(), &c), true, config.Access)
				if accessLines {
					p.runtime.Ended(line(t, after.Vars["kong_request_id"]))
				} else {
					after.Log = recordOf(t, &c)
					_, _, _ = run(t, after, true, config.Log)
				}
				want := []string{identitytest.Issued(c.Tenant), identitytest.Issued(c.User)}
				if diff := cmp.Diff(want, []string{o.Upstream.Get("X-Tenant-Id"), o.Upstream.Get("X-User-Id")}); diff != "" {
					t.Errorf("tenant and user towards the service (-want +got):\n%s", diff)
				}
				checkAudit(t, p.audit.Bytes(), &c)
			})
		}
	}
}

// checkAudit wants the tenant of the case, and one pseudonym if there is a user:
// piilogscrub's tests say whose.
func checkAudit(t *testing.T, audit []byte, c *identitytest.Case) {
	t.Helper()
	var got struct{ Tenant, User string }
	if err := json.Unmarshal(audit, &got); err != nil {
		t.Fatalf("audit record %q: %v", audit, err)
	}
	if got.Tenant != c.Tenant.String() || strings.HasPrefix(got.User, "user:k1:") != c.User.Known() {
		t.Errorf("the audit record has tenant %q and user %q, want %q and, if any, the pseudonym of %q", got.Tenant, got.User, c.Tenant, c.User)
	}
}

// recordOf is testdata/record.json of a case's request.
func recordOf(t *testing.T, c *identitytest.Case) string {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(record(t)), &r); err != nil {
		t.Fatal(err)
	}
	delete(r, "consumer")
	delete(r, "authenticated_entity")
	if c.Consumer.ID != "" {
		r["consumer"] = map[string]any{"id": c.Consumer.ID, "username": c.Consumer.Username, "custom_id": c.Consumer.CustomID}
	}
	if c.CredentialID != "" {
		r["authenticated_entity"] = map[string]any{"id": c.CredentialID}
	}
	return string(must(json.Marshal(r))(t))
}

// TestSectionsCannotDisagree: the limiter's claims count, and what the scrubber's
// section says besides is named. Without a limiter it counts.
func TestSectionsCannotDisagree(t *testing.T) {
	t.Parallel()
	payload := kongtest.Request{Shared: token(`{"tenant":"by default","org":"by the limiter","team":"by the scrubber","sub":"u1"}`), Log: record(t)}
	withClaim := func(section, claim string) string {
		return strings.Replace(section, `{`, `{"identity":{"tenant_claim":"`+claim+`"},`, 1)
	}
	for _, tt := range []struct {
		name         string
		sections     sections
		tenant, says string // of the audit record, and of the warning
	}{
		{"neither says so", sections{scrub: scrubbed, limit: all.limit}, "by default", ""},
		{"the limiter says so", sections{scrub: scrubbed, limit: withClaim(all.limit, "org")}, "by the limiter", ""},
		{"both say the same", sections{scrub: withClaim(scrubbed, "org"), limit: withClaim(all.limit, "org")}, "by the limiter", ""},
		{"the scrubber has the default", sections{scrub: withClaim(scrubbed, "tenant"), limit: withClaim(all.limit, "org")}, "by the limiter", ""},
		{"the scrubber says otherwise", sections{scrub: withClaim(scrubbed, "team"), limit: withClaim(all.limit, "org")}, "by the limiter",
			`pii_log_scrub.identity.tenant_claim: "team" does not count beside tenant_rate_limit.identity.tenant_claim, which is "org"; remove it`},
		{"no limiter", sections{scrub: withClaim(scrubbed, "team")}, "by the scrubber", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, tt.sections)
			config := p.oneHop(t)
			kongtest.Run(t, config.Log, payload)
			var audit struct{ Tenant string }
			if err := json.Unmarshal(p.audit.Bytes(), &audit); err != nil || audit.Tenant != tt.tenant {
				t.Errorf("tenant %q, %v; want %q", audit.Tenant, err, tt.tenant)
			}
			checkOverruled(t, config, &p.log, tt.says)
		})
	}
}

func checkOverruled(t *testing.T, config *onehop.Config, log *bytes.Buffer, says string) {
	t.Helper()
	named := slices.ContainsFunc(config.Warnings(), func(err error) bool { return strings.Contains(err.Error(), ".identity.") })
	logged := strings.Contains(log.String(), "does not count")
	if named != (says != "") || logged != named {
		t.Errorf("warnings: %v, log: %s; want %q", config.Warnings(), log, says)
	}
	if says != "" && !strings.Contains(errors.Join(config.Warnings()...).Error(), says) {
		t.Errorf("warnings: %v, want %s", config.Warnings(), says)
	}
}
