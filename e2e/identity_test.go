package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// The key of the pseudonyms in the audit records of these tests.
const pseudonymKey, pseudonymKeyID = "0123456789abcdef0123456789abcdef", "k1"

// asking is who a request was by, in the words of the service and of the audit record.
type asking struct{ tenantHeader, userHeader, auditTenant, auditUser string }

// TestWhoIsAsking: the service and the audit record are told of the same tenant and
// the same user, whatever the verified token looks like.
func TestWhoIsAsking(t *testing.T) {
	byNames := map[identity.Names][]identitytest.Case{}
	for _, c := range identitytest.Tokens() {
		byNames[c.Names] = append(byNames[c.Names], c)
	}
	for names, cases := range byNames {
		restore := useConfig(t, func(config map[string]any) { askBy(t, config, names) })
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) { checkAsking(t, &c, "/asking", signed(t, &c)) })
		}
		if names == (identity.Names{}) {
			key := identitytest.Case{Tenant: identity.ID{Value: "globex"}, User: identity.ID{Value: "globex-crm"}}
			t.Run("key", func(t *testing.T) { checkAsking(t, &key, "/partner/v2/orders", partnerKey) })
		}
		restore()
	}
}

func checkAsking(t *testing.T, c *identitytest.Case, path, header string) {
	t.Helper()
	a := get(t, path, header) // whatever the service makes of somebody without a tenant
	h := receivedOnce(t, "orders", a.traceID(t)).Header
	got := asking{tenantHeader: h.Get("X-Tenant-Id"), userHeader: h.Get("X-User-Id")}
	id := a.header.Get("X-Kong-Request-Id")
	eventually(t, "an audit record of request "+id, func() bool {
		records := auditRecords(t, id)
		if len(records) > 0 {
			got.auditTenant, got.auditUser = records[0].Tenant, records[0].User
		}
		return len(records) > 0
	})
	want := asking{identitytest.Issued(c.Tenant), identitytest.Issued(c.User), c.Tenant.String(), pseudonym(t, c.User)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(asking{})); diff != "" {
		t.Errorf("who is asking (-want +got):\n%s", diff)
	}
}

func pseudonym(t *testing.T, user identity.ID) string {
	t.Helper()
	engine, err := scrub.New(scrub.Policy{PseudonymKey: []byte(pseudonymKey), PseudonymKeyID: pseudonymKeyID})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Pseudonym("user", user.String())
}

// signed is the case's token with its issuer's name in the payload, and white space
// at the end where the encoding needs no padding and the case wants some.
func signed(t *testing.T, c *identitytest.Case) string {
	t.Helper()
	issuer, err := devtoken.Issuer(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	payload := strings.Replace(c.Payload, `{`, `{"iss":"`+issuer+`",`, 1)
	payload = strings.Replace(payload, `,}`, `}`, 1) // of one that was empty
	for c.Padded && len(payload)%3 == 0 {
		payload += " "
	}
	key, err := devtoken.DevelopmentKey(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.Sign(c.Segment(payload))
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// askBy adds a route to the orders service for tokens of the web's issuer, who gets a
// tenant, and has the plugins look for the names: in one hop only the limiter's section
// says so.
func askBy(t *testing.T, config map[string]any, names identity.Names) {
	t.Helper()
	claims := map[string]any{}
	if names != (identity.Names{}) {
		claims = map[string]any{"tenant_claim": names.TenantClaim, "user_claim": names.UserClaim}
	}
	limit, scrubber := globalSection(t, config, "tenant-rate-limit"), globalSection(t, config, "pii-log-scrub")
	limit["identity"] = claims
	scrubber["pseudonym_key"], scrubber["pseudonym_key_id"] = pseudonymKey, pseudonymKeyID
	if !oneHop() {
		scrubber["identity"] = maps.Clone(claims)
	}
	for _, entry := range config["consumers"].([]any) {
		if consumer := entry.(map[string]any); consumer["username"] == identitytest.Issuer.Username {
			consumer["custom_id"] = identitytest.Issuer.CustomID
		}
	}
	addOrdersService(t, config, map[string]any{
		"name": "asking", "path": "/v2/orders",
		"routes":  []any{map[string]any{"name": "asking", "paths": []string{"/asking"}, "strip_path": true}},
		"plugins": []any{map[string]any{"name": "jwt", "config": map[string]any{"key_claim_name": "kid"}}},
	})
}

// globalSection is the config of a global plugin, apart or in one hop, to be changed.
func globalSection(t *testing.T, config map[string]any, plugin string) map[string]any {
	t.Helper()
	plugins := config["plugins"].([]any)
	var owner map[string]any
	name := "config"
	if oneHop() {
		owner, name = globalPlugin(t, plugins, "gatehouse")["config"].(map[string]any), strings.ReplaceAll(plugin, "-", "_")
	} else {
		owner = globalPlugin(t, plugins, plugin)
	}
	section, ok := owner[name].(map[string]any)
	if !ok {
		section = map[string]any{}
		owner[name] = section
	}
	return section
}

func globalPlugin(t *testing.T, plugins []any, name string) map[string]any {
	t.Helper()
	at := slices.IndexFunc(plugins, func(p any) bool { return p.(map[string]any)["name"] == name })
	if at < 0 {
		t.Fatalf("no global plugin %s in %v", name, plugins)
	}
	return plugins[at].(map[string]any)
}
