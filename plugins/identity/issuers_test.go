package identity_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func TestFaults(t *testing.T) {
	t.Parallel()
	issuers, mistakes := identity.NewIssuers(identitytest.Issuers())
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	found := map[identity.Fault]bool{}
	for _, f := range identitytest.Faults(now) {
		e := f.Evidence()
		found[f.Want] = true
		if got := issuers.Check(&e, now); got != f.Want {
			t.Errorf("%s: fault %q of %s, want %q", f.Name, got, f.Payload, f.Want)
		}
		e.TokenRefused = f.Want != ""
		checkRefused(t, &f, identity.Resolve(e, identity.Claims{Names: filled(f.Names), Plan: "plan"}))
	}
	for _, fault := range identity.Faults() {
		if !found[fault] {
			t.Errorf("no token in the table has the fault %q", fault)
		}
	}
}

func filled(names identity.Names) identity.Names {
	defaults.Fill(&names)
	return names
}

// checkRefused: of a token that is refused, only whose key signed it is known.
func checkRefused(t *testing.T, f *identitytest.Fault, p identity.Principal) {
	t.Helper()
	want := identity.Principal{Consumer: identity.Clean(f.Consumer.ID), Credential: identity.Clean(f.CredentialID), Authenticated: true}
	if f.Want == "" {
		want.Tenant, want.User, want.Issuer = f.Tenant, f.User, p.Issuer
	}
	if diff := cmp.Diff(want, p, cmp.Comparer(func(a, b identity.ID) bool { return a == b }), cmp.FilterPath(func(path cmp.Path) bool { return path.Last().String() == ".Address" }, cmp.Ignore())); diff != "" {
		t.Errorf("%s: who is asking (-want +got):\n%s", f.Name, diff)
	}
}

// TestWithoutAnIssuer: where no issuers are configured every verified token is believed,
// and where some are, what is no token is not looked at.
func TestWithoutAnIssuer(t *testing.T) {
	t.Parallel()
	none, mistakes := identity.NewIssuers(nil)
	some, _ := identity.NewIssuers(identitytest.Issuers())
	if mistakes != nil || none.Configured() || !some.Configured() {
		t.Fatalf("mistakes %v, configured %v and %v", mistakes, none.Configured(), some.Configured())
	}
	for _, c := range identitytest.Cases() {
		e := c.Evidence()
		if got := none.Check(&e, now); got != "" {
			t.Errorf("%s: fault %q without issuers", c.Name, got)
		}
		if got := some.Check(&e, now); (got == "") != (e.Token == nil) {
			t.Errorf("%s: fault %q with issuers, of which none issued it", c.Name, got)
		}
	}
	standIn := identity.Evidence{Token: identity.ReadToken("a.e30.c"), Consumer: identitytest.Issuer}
	if got := some.Check(&standIn, now); got != identity.NoIssuer {
		t.Errorf("fault %q of a token beside a consumer whose credential nobody verified", got)
	}
}

func TestTwoEntriesOfAConsumer(t *testing.T) {
	t.Parallel()
	list := append(identitytest.Issuers(), identity.Issuer{Consumer: identitytest.Issuer.Username, ISS: "https://evil.example", Audiences: []string{"gatehouse"}})
	issuers, mistakes := identity.NewIssuers(list)
	want := `[2].consumer: "web-app" is that of [0], and one issuer's key would vouch for the other's tokens`
	if err := errors.Join(mistakes...); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("mistakes %v, want %q", mistakes, want)
	}
	for _, f := range identitytest.Faults(now) {
		e := f.Evidence()
		if got := issuers.Check(&e, now); f.Consumer.ID == identitytest.Issuer.ID && got != identity.NoIssuer {
			t.Errorf("%s: fault %q, and nobody knows whose token it is", f.Name, got)
		}
	}
}

// TestTwoNamesOfAConsumer: its id and its username are two entries of one consumer.
func TestTwoNamesOfAConsumer(t *testing.T) {
	t.Parallel()
	entry := func(consumer string) identity.Issuer {
		return identity.Issuer{Consumer: consumer, ISS: "https://id.example.com/web", Audiences: []string{"gatehouse"}}
	}
	holder := identity.Consumer{ID: "0f5a", Username: "web"}
	for name, tt := range map[string]struct {
		holder identity.Consumer
		list   []identity.Issuer
		want   identity.Fault
	}{
		"by its id":          {holder, []identity.Issuer{entry("0f5a")}, ""},
		"by its username":    {holder, []identity.Issuer{entry("web")}, ""},
		"by both":            {holder, []identity.Issuer{entry("0f5a"), entry("web")}, identity.NoIssuer},
		"by another's":       {holder, []identity.Issuer{entry("other")}, identity.NoIssuer},
		"twice":              {holder, []identity.Issuer{entry("0f5a"), entry("0f5a")}, identity.NoIssuer},
		"thrice":             {holder, []identity.Issuer{entry("0f5a"), entry("0f5a"), entry("web")}, identity.NoIssuer},
		"its id is its name": {identity.Consumer{ID: "0f5a", Username: "0f5a"}, []identity.Issuer{entry("0f5a")}, ""},
	} {
		issuers, _ := identity.NewIssuers(tt.list)
		payload := `{"iss":"https://id.example.com/web","aud":"gatehouse","exp":99999999999}`
		e := identity.Evidence{Token: identity.ReadToken("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"), Consumer: tt.holder, CredentialID: "k1"}
		if got := issuers.Check(&e, now); got != tt.want {
			t.Errorf("%s: fault %q, want %q", name, got, tt.want)
		}
	}
}

// FuzzCheck: whatever a token says, it is believed only if it says what its entry says.
func FuzzCheck(f *testing.F) {
	for _, c := range identitytest.Faults(now) {
		f.Add(c.Payload)
	}
	issuers, _ := identity.NewIssuers(identitytest.Issuers())
	f.Fuzz(func(t *testing.T, payload string) {
		token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
		e := identity.Evidence{Token: identity.ReadToken(token), Consumer: identitytest.Issuer, CredentialID: "k1"}
		if issuers.Check(&e, now) != "" {
			return
		}
		if iss := reference(payload, "iss"); iss.Value != "https://id.example.com/web" {
			t.Errorf("a token of %q is believed: %s", iss.Value, payload)
		}
		if !strings.Contains(payload, "aud") || !strings.Contains(payload, "exp") {
			t.Errorf("a token without aud or exp is believed: %s", payload)
		}
	})
}
