package identity_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
)

func TestWhoIsAsking(t *testing.T) {
	t.Parallel()
	for _, c := range identitytest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			defaults.Fill(&c.Names)
			p := identity.Resolve(c.Evidence(), identity.Claims{Names: c.Names})
			if diff := cmp.Diff([]identity.ID{c.Tenant, c.User}, []identity.ID{p.Tenant, p.User}); diff != "" {
				t.Errorf("tenant and user (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzReadToken: a claim is what package json makes of the payload, as written where
// it is a number, and clean.
func FuzzReadToken(f *testing.F) {
	for _, c := range identitytest.Cases() {
		f.Add(c.Payload, "tenant", c.Padded)
		f.Add(c.Payload, c.Names.UserClaim, c.Padded)
	}
	f.Fuzz(func(t *testing.T, payload, name string, padded bool) {
		c := identitytest.Case{Payload: payload, Padded: padded}
		got := identity.ReadToken(c.Token()).Claim(name)
		if want := reference(payload, name); got != want {
			t.Errorf("claim %q of %q is %+v, want %+v", name, payload, got, want)
		}
		if got.Hashed == (got.Value == got.String()) || !got.Hashed && len(got.Value) > identity.MaxIDLength || strings.ContainsAny(got.Value, "\r\n\x00") {
			t.Errorf("claim %q of %q is not clean: %+v", name, payload, got)
		}
		identity.ReadToken(payload).Claim(name) // does not panic, whatever it is
	})
}

// reference reads a claim the slow way.
func reference(payload, name string) identity.ID {
	decoder := json.NewDecoder(bytes.NewReader([]byte(payload)))
	decoder.UseNumber()
	var claims map[string]any
	if !json.Valid([]byte(payload)) || decoder.Decode(&claims) != nil || name == "" {
		return identity.ID{}
	}
	switch v := claims[name].(type) {
	case string:
		return identity.Clean(v)
	case json.Number:
		return identity.Clean(v.String())
	}
	return identity.ID{}
}
