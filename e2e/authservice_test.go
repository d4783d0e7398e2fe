package e2e

import (
	"crypto/tls"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// TestAuthService: whoever has no certificate reads over TLS how the issuers are called,
// and the keys that the gateway takes tokens by.
func TestAuthService(t *testing.T) {
	client := secureClient(t, &tls.Config{}, "")
	read := func(url string, v any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		sendBy(t, client, req).wantStatus(t, http.StatusOK).into(t, v)
	}
	for _, name := range devtoken.Clients() {
		iss, err := devtoken.Issuer(devtoken.Client(name))
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		read(gate.ports.Auth.TLS()+"/"+name+"/.well-known/openid-configuration", &document)
		var set jwkset.JWKSMarshal
		read(document.JWKSURI, &set)
		key, err := devtoken.DevelopmentKey(devtoken.Client(name))
		if err != nil {
			t.Fatal(err)
		}
		published := slices.ContainsFunc(set.Keys, func(k jwkset.JWKMarshal) bool { return k.KID == key.ID })
		if document.Issuer != iss || !published {
			t.Errorf("issuer %q with keys %+v, want %s with %s", document.Issuer, set.Keys, iss, key.ID)
		}
	}
}

// TestKeyByIssuer: a config that has the auth service's first key by iss goes on taking
// its tokens.
func TestKeyByIssuer(t *testing.T) {
	iss, err := devtoken.Issuer(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	key, err := devtoken.DevelopmentKey(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	defer useConfig(t, func(config map[string]any) {
		key.ID = iss
		find(t, config["consumers"], "web-app")["jwt_secrets"] = []any{secretOf(t, key)}
		addOrdersService(t, config, map[string]any{
			"name": "by-issuer", "path": "/v2/orders",
			"routes":  []any{map[string]any{"name": "by-issuer", "paths": []string{"/by-issuer"}, "strip_path": true}},
			"plugins": []any{map[string]any{"name": "jwt", "config": map[string]any{"claims_to_verify": []any{"exp", "nbf"}}}},
		})
	})()
	token := issued(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", Expires: time.Now().Add(time.Minute)})
	a := get(t, "/by-issuer", token).wantStatus(t, http.StatusOK)
	wantHeader(t, receivedOnce(t, "orders", a.traceID(t)).Header, "X-Tenant-Id", "acme")
}
