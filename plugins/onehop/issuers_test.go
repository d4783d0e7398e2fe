package onehop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// issuers are those of the table, as a configuration has them.
func issuers(t *testing.T) string {
	t.Helper()
	return string(must(json.Marshal(identitytest.Issuers()))(t))
}

// issued is a request with a token that the key of the table's first issuer verified.
func issued(payload string) kongtest.Request {
	req := alice()
	req.Shared, req.CredentialID = token(payload), "k1"
	req.Consumer = &entities.Consumer{Id: identitytest.Issuer.ID, Username: identitytest.Issuer.Username}
	return req
}

// TestIssuers: whatever a token says of its issuer, one hop answers as the plugins do
// apart; and of one that is refused the audit record tells the consumer and the
// credential, and not whom the token names, however the request's end is told.
func TestIssuers(t *testing.T) {
	t.Parallel()
	s := sections{scrub: scrubbed, limit: strings.Replace(all.limit, `{`, `{"identity":{"issuers":`+issuers(t)+`},`, 1)}
	for _, f := range identitytest.Faults(now) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			var first outcome
			for i, way := range []string{"apart", "log event", "log event without log plugins", "access line"} {
				p := newProcessWith(t, s, way == "log event without log plugins")
				o := p.issuedTo(t, way, kongrequesttest.Asking(alice(), &f.Case), &f.Case)
				if (o.Status == 401) != (f.Want != "") {
					t.Errorf("%s: status %d of a token with the fault %q", way, o.Status, f.Want)
				}
				o.Logged, o.Trace = nil, nil // as they are told differs
				if i == 0 {
					first = o
				}
				if diff := cmp.Diff(first, o); diff != "" {
					t.Errorf("%s is not as apart (-apart +%[1]s):\n%s", way, diff)
				}
				checkRefused(t, way, p.audit.Bytes(), &f)
			}
		})
	}
}

// issuedTo takes a request through all phases.
func (p *process) issuedTo(t *testing.T, way string, req kongtest.Request, c *identitytest.Case) outcome {
	t.Helper()
	p.options.AccessLines = way == "access line"
	access, log := []handler(nil), []handler(nil)
	if way == "apart" {
		_, access, log = p.apart(t)
	} else {
		config := p.oneHop(t)
		access, log = []handler{config.Access}, []handler{config.Log}
	}
	o, after, _ := run(t, req, true, access...)
	if way == "access line" {
		p.runtime.Ended(line(t, after.Vars["kong_request_id"]))
		return o
	}
	after.Log = withNotes(t, recordOf(t, c), o.Logged)
	_, _, _ = run(t, after, true, log...)
	return o
}

// withNotes is a log record with the fields that plugins have set.
func withNotes(t *testing.T, record string, fields map[string]any) string {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		t.Fatal(err)
	}
	notes := map[string]any{}
	for key, value := range fields {
		if name, ours := strings.CutPrefix(key, "gatehouse."); ours {
			notes[name] = value
		}
	}
	r["gatehouse"] = notes
	return string(must(json.Marshal(r))(t))
}

func checkRefused(t *testing.T, way string, audit []byte, f *identitytest.Fault) {
	t.Helper()
	var got struct {
		Consumer, Tenant, User string
		CredentialID           string `json:"credential_id"`
		Policies               map[string]string
	}
	if err := json.Unmarshal(audit, &got); err != nil {
		t.Fatalf("%s: audit record %q: %v", way, audit, err)
	}
	if got.Consumer != f.Consumer.Username || got.CredentialID != f.CredentialID {
		t.Errorf("%s: the audit record has consumer %q and credential %q, want %q and %q", way, got.Consumer, got.CredentialID, f.Consumer.Username, f.CredentialID)
	}
	tenant, user, word := f.Tenant.String(), true, "allowed"
	if f.Want != "" {
		tenant, user, word = "", false, "refused"
	}
	if got.Tenant != tenant || strings.HasPrefix(got.User, "user:k1:") != user || got.Policies["tenant-rate-limit"] != word {
		t.Errorf("%s: the audit record has tenant %q, user %q and policies %v, want %q, one: %v, and %s", way, got.Tenant, got.User, got.Policies, tenant, user, word)
	}
}
