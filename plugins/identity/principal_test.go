package identity

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var defaults = Claims{Names: Names{TenantClaim: "tenant", UserClaim: "sub"}, Plan: "plan", PlanTag: "plan:", PlanGroup: "on-"}

// token is a JWT of that payload. Nobody checks its signature here.
func token(payload string) *Token {
	return ReadToken("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln")
}

func TestResolve(t *testing.T) {
	t.Parallel()
	partner := Consumer{ID: "c1", Username: "partner-bot", CustomID: "initech"}
	issuer := Consumer{ID: "c2", Username: "web-issuer"}
	v4 := netip.MustParsePrefix("203.0.113.7/32")
	tests := []struct {
		name string
		in   Evidence
		want Principal
	}{
		{"token", Evidence{Token: token(`{"tenant":"acme","sub":"alice","plan":"gold","iss":"idp"}`)},
			Principal{Tenant: ID{Value: "acme"}, User: ID{Value: "alice"}, Plans: []string{"gold"}, Issuer: ID{Value: "idp"}, Authenticated: true}},
		{"token goes before consumer", Evidence{Token: token(`{"tenant":"acme","sub":"alice"}`), Consumer: partner, CredentialID: "k"},
			Principal{Tenant: ID{Value: "acme"}, User: ID{Value: "alice"}, Consumer: ID{Value: "c1"}, Credential: ID{Value: "k"}, Authenticated: true}},
		{"token without tenant is of its issuer's", Evidence{Token: token(`{"sub":"alice"}`), Consumer: partner, CredentialID: "k"},
			Principal{Tenant: ID{Value: "initech"}, User: ID{Value: "alice"}, Consumer: ID{Value: "c1"}, Credential: ID{Value: "k"}, Authenticated: true}},
		{"token without sub is nobody's user", Evidence{Token: token(`{"tenant":"acme"}`), Consumer: issuer, CredentialID: "k"},
			Principal{Tenant: ID{Value: "acme"}, Consumer: ID{Value: "c2"}, Credential: ID{Value: "k"}, Authenticated: true}},
		{"numbers are identifiers, other JSON is not", Evidence{Token: token(`{"tenant":42,"sub":{"a":1},"plan":["gold"]}`)},
			Principal{Tenant: ID{Value: "42"}, Authenticated: true}},
		{"claims match by exact name", Evidence{Token: token(`{"Tenant":"evil","TENANT":"evil","Sub":"evil"}`)},
			Principal{Authenticated: true}},
		{"key-auth", Evidence{Consumer: partner, CredentialID: "k", ClientIP: "203.0.113.7"},
			Principal{Tenant: ID{Value: "initech"}, User: ID{Value: "partner-bot"}, Consumer: ID{Value: "c1"}, Credential: ID{Value: "k"}, Address: v4, Authenticated: true}},
		{"a stand-in consumer is nobody", Evidence{Consumer: partner, ClientIP: "203.0.113.7"}, Principal{Address: v4}},
		{"nobody", Evidence{ClientIP: "203.0.113.7"}, Principal{Address: v4}},
		{"a token that is none", Evidence{Token: ReadToken("a.%%%.c")}, Principal{Authenticated: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Resolve(tt.in, defaults), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.7":                  "203.0.113.7/32",
		"::ffff:203.0.113.7":           "203.0.113.7/32",
		"2001:db8:1:2:3:4:5:6":         "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:ffff::":     "2001:db8:1:2::/64",
		"fe80::1%eth0":                 "fe80::/64",
		"":                             "invalid Prefix",
		"unix:":                        "invalid Prefix",
		"203.0.113.7, 198.51.100.1":    "invalid Prefix",
		"2001:db8:1:2:3:4:5:6\r\nX: y": "invalid Prefix",
	} {
		if got := Network(in).String(); got != want {
			t.Errorf("Network(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestHostileIdentifiersAreHashed(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"line breaks":       "acme\r\nX-Admin: true",
		"control character": "acme\x00",
		"delete":            "acme\x7f",
		"too long":          strings.Repeat("a", MaxIDLength+1),
		"leading space":     " acme",
		"zero width":        "ac\u200bme",
		"right to left":     "acme\u202egnp",
		"lone surrogate":    "acme\ufffd",
		"line separator":    "acme\u2028",
	} {
		payload, err := json.Marshal(map[string]string{"tenant": id, "sub": id, "plan": id})
		if err != nil {
			t.Fatal(err)
		}
		p := Resolve(Evidence{Token: token(string(payload))}, defaults)
		if !p.Tenant.Hashed || len(p.Tenant.Value) != 32 || p.Tenant != p.User || p.Plans != nil {
			t.Errorf("%s: %+v", name, p)
		}
		for header, values := range Upstream(p, strings.Join(p.Plans, ""), true, nil) {
			if len(values) > 0 {
				t.Errorf("%s: %s is passed on as %q", name, header, values)
			}
		}
	}
	for _, id := range []string{"acme", "Ärzte e.V.", "alice@example.com", "urn:uuid:1", strings.Repeat("a", MaxIDLength)} {
		if got := Clean(id); got.Hashed || got.Value != id {
			t.Errorf("%q became %+v", id, got)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add(`{"tenant":"acme","sub":"alice","plan":"gold"}`, "e30", "203.0.113.7")
	f.Add(`{"tenant":"a\r\nb","sub":"\u0000"}`, "", "::1")
	f.Add(`{"tenant":1e9,"sub":-1}`, "====", "x")
	f.Add(`[]`, "..", "")
	f.Fuzz(func(t *testing.T, payload, raw, ip string) {
		for _, e := range []Evidence{
			{Token: token(payload), ClientIP: ip},
			{Token: ReadToken(raw), ClientIP: ip},
			{Consumer: Consumer{ID: "c", Username: raw, CustomID: payload}, CredentialID: "k", ClientIP: ip},
		} {
			p := Resolve(e, defaults)
			for name, values := range Upstream(p, strings.Join(p.Plans, ""), true, nil) {
				for _, v := range values {
					if v == "" || len(v) > MaxIDLength || !utf8.ValidString(v) || strings.ContainsAny(v, "\r\n\x00") {
						t.Errorf("%s: %q", name, v)
					}
				}
			}
		}
	})
}
