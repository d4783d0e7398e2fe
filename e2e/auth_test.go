package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

func TestRefusals(t *testing.T) {
	now := time.Now()
	valid := bearer(t, devtoken.Web, "acme", "u1")
	expired := bearerOf(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", Expires: now.Add(-time.Minute)})
	early := bearerOf(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", NotBefore: now.Add(time.Hour), Expires: now.Add(2 * time.Hour)})

	tests := []struct {
		name, path string
		headers    []string
		status     int
		body       string // a part of it
	}{
		{"no token", "/web/v1/dashboard", nil, 401, "Unauthorized"},
		{"forged: another tenant in a signed token", "/web/v1/dashboard", []string{retold(t, valid, "tenant", "globex")}, 401, "Invalid signature"},
		{"forged: no signature", "/web/v1/dashboard", []string{unsigned(t, valid)}, 401, ""},
		{"unknown key", "/web/v1/dashboard", []string{byKey(t, "of-nobody")}, 401, "No credentials found for given 'kid'"},
		{"no name of a key", "/web/v1/dashboard", []string{byKey(t, "")}, 401, "Invalid 'kid' in claims"},
		{"expired", "/web/v1/dashboard", []string{expired}, 401, "token expired"},
		{"not yet valid", "/web/v1/dashboard", []string{early}, 401, "token not valid yet"},
		{"not a token", "/web/v1/dashboard", []string{"Authorization: Bearer nonsense"}, 401, "Bad token"},
		{"mobile token on the web API", "/web/v1/dashboard", []string{bearer(t, devtoken.Mobile, "acme", "u1")}, 403, "You cannot consume this service"},
		{"token in the query", "/web/v1/dashboard?jwt=" + strings.TrimPrefix(valid, "Authorization: Bearer "), nil, 401, "Unauthorized"},
		{"no key", "/partner/v2/orders", nil, 401, "No API key found in request"},
		{"unknown key", "/partner/v2/orders", []string{"apikey: guessed"}, 401, "Unauthorized"},
		{"key in the query", "/partner/v2/orders?apikey=dev-only-globex-2026-09", nil, 401, "No API key found in request"},
		{"no such route", "/nowhere", nil, 404, "no Route matched with those values"},
		{"method without a route", "/partner", nil, 404, "no Route matched with those values"},
		{"no version accepted", "/partner/orders", []string{"apikey: dev-only-globex-2026-09", "Accept: text/html"}, 406, "No acceptable version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := get(t, tt.path, tt.headers...).wantStatus(t, tt.status)
			if !strings.Contains(string(a.body), tt.body) {
				t.Errorf("body = %s, want %q in it", a.body, tt.body)
			}
			for _, name := range []string{"X-Kong-Request-Id", "X-Kong-Response-Latency"} {
				if a.header.Get(name) == "" {
					t.Errorf("the answer has no %s", name)
				}
			}
		})
	}
}

// byKey is a token that says it is signed by the key of that name.
func byKey(t *testing.T, kid string) string {
	t.Helper()
	key, err := devtoken.NewKey(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	key.ID = kid
	token, err := devtoken.SignBy(key, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// retold returns the header's token with one claim changed and the signature kept.
func retold(t *testing.T, header, claim, value string) string {
	t.Helper()
	parts := strings.Split(header, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	claims[claim] = value
	if payload, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(payload)
	return strings.Join(parts, ".")
}

// unsigned returns the header's token with the algorithm none and no signature.
func unsigned(t *testing.T, header string) string {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(header, "Authorization: Bearer "), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	return "Authorization: Bearer " + none + "." + parts[1] + "."
}

// TestSpoofedIdentity sends the headers that only the gateway may set.
func TestSpoofedIdentity(t *testing.T) {
	spoofed := []string{"X-Tenant-Id: initech", "X-User-Id: root", "X-Plan: unlimited", "X-Consumer-Username: admin", "X-Consumer-Groups: admins"}

	t.Run("bearer token", func(t *testing.T) {
		a := get(t, "/web/v1/dashboard", append(spoofed, bearer(t, devtoken.Web, "acme", "u1"))...).wantStatus(t, http.StatusOK)
		r := receivedOnce(t, "orders", a.traceID(t))
		wantHeader(t, r.Header, "X-Tenant-Id", "acme")
		wantHeader(t, r.Header, "X-User-Id", "u1")
	})
	t.Run("api key", func(t *testing.T) {
		a := get(t, "/partner/v2/orders", append(spoofed, "apikey: dev-only-globex-2026-09")...).wantStatus(t, http.StatusOK)
		r := receivedOnce(t, "orders", a.traceID(t))
		wantHeader(t, r.Header, "X-Tenant-Id", "globex")
		wantHeader(t, r.Header, "X-User-Id", "globex-crm")
		wantHeader(t, r.Header, "X-Consumer-Username", "globex-crm")
		wantHeader(t, r.Header, "Apikey") // hidden from the upstream
		if plan := r.Header.Get("X-Plan"); plan == "unlimited" {
			t.Error("the spoofed plan was believed")
		}
	})
	t.Run("nobody", func(t *testing.T) {
		get(t, "/web/v1/dashboard", spoofed...).wantStatus(t, http.StatusUnauthorized)
	})
}

// wantHeader fails unless the header has exactly these values.
func wantHeader(t *testing.T, h http.Header, name string, want ...string) {
	t.Helper()
	if got := h.Values(name); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s = %q, want %q", name, got, want)
	}
}

func TestKeyRotation(t *testing.T) {
	for _, key := range []string{"dev-only-initech-2026-04", "dev-only-initech-2026-10"} {
		a := get(t, "/partner/v2/orders", "apikey: "+key).wantStatus(t, http.StatusOK)
		wantHeader(t, receivedOnce(t, "orders", a.traceID(t)).Header, "X-Tenant-Id", "initech")
	}
}
