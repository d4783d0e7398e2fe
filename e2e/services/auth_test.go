package services_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

func newAuth(t *testing.T) *services.Service {
	t.Helper()
	s, err := services.New(services.Auth, services.Options{Telemetry: telemetry.With(noop.NewTracerProvider()), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call asks h and decodes its JSON into v, which may be nil.
func call(t *testing.T, h http.Handler, r *http.Request, status int, v any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s %s: %d %s, want %d", r.Method, r.URL, w.Code, w.Body, status)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%s %s: %v in %s", r.Method, r.URL, err, w.Body)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := newAuth(t)
	for target, want := range map[string]map[string]any{
		"https://auth:9106/web": {
			"issuer": "https://id.gatehouse.test/web", "jwks_uri": "https://auth:9106/web/jwks", "token_endpoint": "https://auth:9106/web/token",
			"id_token_signing_alg_values_supported": []any{"RS256"},
		},
		"http://127.0.0.1:1/mobile": {
			"issuer": "https://id.gatehouse.test/mobile", "jwks_uri": "http://127.0.0.1:1/mobile/jwks", "token_endpoint": "http://127.0.0.1:1/mobile/token",
			"id_token_signing_alg_values_supported": []any{"ES256"},
		},
	} {
		var got map[string]any
		call(t, s.API, httptest.NewRequest(http.MethodGet, target+"/.well-known/openid-configuration", nil), http.StatusOK, &got)
		for name, value := range want {
			if diff := cmp.Diff(value, got[name]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", target, name, diff)
			}
		}
	}
	call(t, s.API, httptest.NewRequest(http.MethodGet, "/tv/.well-known/openid-configuration", nil), http.StatusNotFound, nil)
}

// tokenRequest is one of the web's client, with changes to its form.
func tokenRequest(client string, changes url.Values) *http.Request {
	form := url.Values{"grant_type": {"client_credentials"}, "tenant": {"acme"}, "user": {"u1"}}
	for name, values := range changes {
		form[name] = values
	}
	r := httptest.NewRequest(http.MethodPost, "/"+client+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, "dev-only-"+client)
	return r
}

// issued is a token of the client's, as the service issues it now.
func issued(t *testing.T, s *services.Service, client string, changes url.Values) string {
	t.Helper()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	call(t, s.API, tokenRequest(client, changes), http.StatusOK, &answer)
	return answer.AccessToken
}

// published are the public keys in the client's JWKS, by kid.
func published(t *testing.T, s *services.Service, client string) map[string]jwkset.JWK {
	t.Helper()
	var set jwkset.JWKSMarshal
	call(t, s.API, httptest.NewRequest(http.MethodGet, "/"+client+"/jwks", nil), http.StatusOK, &set)
	keys, err := set.JWKSlice()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]jwkset.JWK{}
	for _, key := range keys {
		if m := key.Marshal(); m.USE != jwkset.UseSig || m.D != "" {
			t.Errorf("key %+v: want a public one, to sign", m)
		}
		byID[key.Marshal().KID] = key
	}
	return byID
}

// verified are the claims of a token that the client's JWKS vouches for.
func verified(t *testing.T, s *services.Service, client, token string) (kid string, claims jwt.MapClaims, err error) {
	t.Helper()
	keys := published(t, s, client)
	parsed, err := jwt.Parse(token, func(unverified *jwt.Token) (any, error) {
		kid, _ = unverified.Header["kid"].(string)
		key, ok := keys[kid]
		if !ok {
			return nil, jwt.ErrTokenUnverifiable
		}
		return key.Key(), nil
	})
	if err != nil {
		return kid, nil, err
	}
	return kid, parsed.Claims.(jwt.MapClaims), nil
}

func TestToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newAuth(t)
		now := float64(time.Now().Unix())
		for client, alg := range map[string]string{"web": "RS256", "mobile": "ES256"} {
			kid, got, err := verified(t, s, client, issued(t, s, client, url.Values{"plan": {"pro"}, "expires_in": {"60"}}))
			want := jwt.MapClaims{
				"iss": "https://id.gatehouse.test/" + client, "aud": "gatehouse", "sub": "u1", "tenant": "acme", "plan": "pro",
				"iat": now - 60, "nbf": now - 60, "exp": now + 60,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil || kid != "dev-only-"+client {
				t.Errorf("%s: kid %q, error %v, claims (-want +got):\n%s", alg, kid, err, diff)
			}
		}
		if _, got, err := verified(t, s, "web", issued(t, s, "web", nil)); err != nil || got["exp"] != now+12*3600 || got["plan"] != nil {
			t.Errorf("claims %v, error %v; want twelve hours and no plan", got, err)
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	s := newAuth(t)
	forged := tokenRequest("web", nil)
	forged.SetBasicAuth("web", "guessed")
	other := tokenRequest("web", nil)
	other.SetBasicAuth("mobile", "dev-only-mobile")
	for name, tc := range map[string]struct {
		request *http.Request
		status  int
		code    string
	}{
		"wrong secret":     {forged, 401, "invalid_client"},
		"another's client": {other, 401, "invalid_client"},
		"another grant":    {tokenRequest("web", url.Values{"grant_type": {"password"}}), 400, "unsupported_grant_type"},
		"no tenant":        {tokenRequest("web", url.Values{"tenant": nil}), 400, "invalid_request"},
		"no time":          {tokenRequest("web", url.Values{"expires_in": {"0"}}), 400, "invalid_request"},
		"eight days":       {tokenRequest("web", url.Values{"expires_in": {"691200"}}), 400, "invalid_request"},
	} {
		var answer struct{ Error string }
		if call(t, s.API, tc.request, tc.status, &answer); answer.Error != tc.code {
			t.Errorf("%s: error %q, want %q", name, answer.Error, tc.code)
		}
	}
}

// rotation is the answer to a request for one.
type rotation struct {
	KID    string    `json:"kid"`
	Signs  time.Time `json:"signs_from"`
	Others time.Time `json:"others_gone_at"`
}

type signed struct {
	at    time.Time
	token string
}

// TestRotation: a key is published before it signs, and after; at each moment the JWKS
// vouches for what is signed now, and for what was signed less than the overlap ago.
func TestRotation(t *testing.T) {
	t.Parallel()
	const overlap = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		s := newAuth(t)
		begin := time.Now()
		var last rotation
		var all []signed
		signers := map[string]bool{}
		for second := range 60 {
			if second == 5 || second == 25 {
				call(t, s.Control, httptest.NewRequest(http.MethodPost, "/web/keys?lead_seconds=3&overlap_seconds=10", nil), http.StatusCreated, &last)
			}
			all = append(all, signed{time.Now(), issued(t, s, "web", nil)})
			for _, old := range all {
				kid, _, err := verified(t, s, "web", old.token)
				if err != nil && time.Since(old.at) < overlap {
					t.Fatalf("second %d: the token of second %v is refused: %v", second, old.at.Sub(begin), err)
				}
				signers[kid] = true
			}
			time.Sleep(time.Second)
		}
		if want := begin.Add(28 * time.Second); !last.Signs.Equal(want) || !last.Others.Equal(want.Add(overlap)) {
			t.Errorf("rotation %+v, want it to sign from %v on", last, want)
		}
		if keys := published(t, s, "web"); len(signers) != 3 || len(keys) != 1 || keys[last.KID].Key() == nil {
			t.Errorf("signers %v, and %v in the end; want three, and the last alone", signers, keys)
		}
		if keys := published(t, s, "mobile"); len(keys) != 1 || keys["dev-only-mobile"].Key() == nil {
			t.Errorf("the other issuer's keys: %v", keys)
		}
		call(t, s.Control, httptest.NewRequest(http.MethodDelete, "/web/keys", nil), http.StatusNoContent, nil)
		if kid, _, err := verified(t, s, "web", issued(t, s, "web", nil)); err != nil || kid != "dev-only-web" {
			t.Errorf("after DELETE: kid %q, error %v", kid, err)
		}
	})
}

func TestRotationWithoutItsTimes(t *testing.T) {
	t.Parallel()
	s := newAuth(t)
	for query, parameter := range map[string]string{
		"lead_seconds=3": "overlap_seconds", "overlap_seconds=1&lead_seconds=-1": "lead_seconds", "lead_seconds=0&overlap_seconds=86401": "overlap_seconds",
	} {
		var answer struct{ Parameter string }
		call(t, s.Control, httptest.NewRequest(http.MethodPost, "/web/keys?"+query, nil), http.StatusBadRequest, &answer)
		if answer.Parameter != parameter {
			t.Errorf("%s: %s is refused, want %s", query, answer.Parameter, parameter)
		}
	}
}

// TestJWKSFaults are what a JWKS endpoint may do to whoever reads it.
func TestJWKSFaults(t *testing.T) {
	t.Parallel()
	s := newAuth(t)
	jwks := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/web/jwks", nil))
		return w
	}
	for name, tc := range map[string]struct {
		fault, body, location string
		status, size          int
	}{
		"gone":        {fault: `{"status":410}`, status: 410},
		"no key":      {fault: `{"body":"{\"keys\":[]}"}`, status: 200, body: `{"keys":[]}`},
		"nothing":     {fault: `{"body":""}`, status: 200, body: ``},
		"malformed":   {fault: `{"body":"<html>"}`, status: 200, body: `<html>`},
		"huge":        {fault: `{"body":"{}","pad_bytes":1000000}`, status: 200, body: `{}`, size: 1_000_002},
		"redirects":   {fault: `{"redirect":"https://elsewhere.test/jwks"}`, status: 307, location: "https://elsewhere.test/jwks"},
		"wrong, told": {fault: `{"status":503,"body":"{}"}`, status: 503, body: `{}`},
	} {
		fault := httptest.NewRequest(http.MethodPut, "/__faults", strings.NewReader(strings.Replace(tc.fault, "{", `{"paths":["/web/jwks"],`, 1)))
		call(t, s.Control, fault, http.StatusNoContent, nil)
		w := jwks()
		if w.Code != tc.status || !strings.HasSuffix(w.Body.String(), tc.body) || w.Header().Get("Location") != tc.location || tc.size > 0 && w.Body.Len() != tc.size {
			t.Errorf("%s: %d, %d bytes, Location %q", name, w.Code, w.Body.Len(), w.Header().Get("Location"))
		}
		issued(t, s, "web", nil) // which the fault is not for
	}
	call(t, s.Control, httptest.NewRequest(http.MethodDelete, "/__faults", nil), http.StatusNoContent, nil)
	if w := jwks(); w.Code != http.StatusOK {
		t.Errorf("after the faults: %d", w.Code)
	}
}
