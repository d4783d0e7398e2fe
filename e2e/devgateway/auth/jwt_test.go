package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type keys struct {
	rsa   *rsa.PrivateKey
	p256  *ecdsa.PrivateKey
	yaml  string // consumers with credentials for them
	other *rsa.PrivateKey
}

func newKeys(t *testing.T) keys {
	t.Helper()
	var k keys
	var err error
	for _, generate := range []func(){
		func() { k.rsa, err = rsa.GenerateKey(rand.Reader, 2048) },
		func() { k.other, err = rsa.GenerateKey(rand.Reader, 2048) },
		func() { k.p256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	} {
		if generate(); err != nil {
			t.Fatal(err)
		}
	}
	k.yaml = "consumers:\n- username: u\n  custom_id: c\n  jwt_secrets:\n" +
		credential(t, "RS256", &k.rsa.PublicKey) +
		credential(t, "ES256", &k.p256.PublicKey)
	return k
}

// credential is one whose key is the name of its algorithm.
func credential(t *testing.T, alg string, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return fmt.Sprintf("  - key: %s\n    algorithm: %s\n    rsa_public_key: |\n      %s\n", alg, alg, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n      "))
}

func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	return signedBy(t, jwt.NewWithClaims(method, claims), key)
}

func signedBy(t *testing.T, token *jwt.Token, key any) string {
	t.Helper()
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestJWT(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	now := time.Now().Unix()
	const verify = "claims_to_verify: [exp, nbf]"
	valid := sign(t, jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "RS256", "exp": now + 60, "nbf": now - 60})
	bearer := func(token string) []string { return []string{"Authorization: Bearer " + token} }
	of := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) []string {
		return bearer(sign(t, method, key, claims))
	}
	named := func(kid string, claims jwt.MapClaims) string {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = kid
		return signedBy(t, token, k.rsa)
	}
	const invalid = `Bearer error="invalid_token"`
	tests := []struct {
		name, options, target string
		headers               []string
		body, challenge       string // "" is success
	}{
		{"no token", "", "/", nil, `{"message":"Unauthorized"}`, "Bearer"},
		{"other scheme", "", "/", []string{"Authorization: Basic eDp5"}, `{"message":"Unauthorized"}`, "Bearer"},
		{"RS256", verify, "/", bearer(valid), "", ""},
		{"lower case scheme", verify, "/", []string{"Authorization: bearer " + valid}, "", ""},
		{"ES256", "", "/", of(jwt.SigningMethodES256, k.p256, jwt.MapClaims{"iss": "ES256"}), "", ""},
		{"query", "", "/?jwt=" + valid, nil, "", ""},
		{"query of another name", "uri_param_names: [token]", "/?token=" + valid, nil, "", ""},
		{"no query", "uri_param_names: []", "/?jwt=" + valid, nil, `{"message":"Unauthorized"}`, "Bearer"},
		{"no query beside a header", "uri_param_names: []", "/?jwt=x.y.z", bearer(valid), "", ""},
		{"the same token twice", "", "/?jwt=" + valid, bearer(valid), "", ""},
		{"two tokens", "", "/?jwt=x.y.z", bearer(valid), `{"message":"Multiple tokens provided"}`, invalid},
		{"rubbish", "", "/", bearer("abc"), `{"message":"Bad token; invalid JSON"}`, invalid},
		{"alg none", "", "/", bearer("eyJhbGciOiJub25lIn0.eyJpc3MiOiJSUzI1NiJ9."), `{"message":"Bad token; invalid alg"}`, invalid},
		{"no issuer", "", "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"sub": "u"}), `{"message":"No mandatory 'iss' in claims"}`, invalid},
		{"empty issuer", "", "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": ""}), `{"message":"Invalid 'iss' in claims"}`, invalid},
		{"unknown issuer", "", "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "x"}), `{"message":"No credentials found for given 'iss'"}`, invalid},
		{"key by kid", "key_claim_name: kid, " + verify, "/", bearer(named("RS256", jwt.MapClaims{"iss": "x", "exp": now + 60, "nbf": now - 60})), "", ""},
		{"the claim before the header", "key_claim_name: kid", "/", bearer(named("x", jwt.MapClaims{"kid": "RS256"})), "", ""},
		{"the header where the claim is false", "key_claim_name: kid", "/", bearer(named("RS256", jwt.MapClaims{"kid": false})), "", ""},
		{"no kid", "key_claim_name: kid", "/", bearer(valid), `{"message":"No mandatory 'kid' in claims"}`, invalid},
		{"empty kid", "key_claim_name: kid", "/", bearer(named("", nil)), `{"message":"Invalid 'kid' in claims"}`, invalid},
		{"unknown kid", "key_claim_name: kid", "/", bearer(named("RS512", jwt.MapClaims{"iss": "RS256"})), `{"message":"No credentials found for given 'kid'"}`, invalid},
		{"other algorithm", "", "/", of(jwt.SigningMethodHS256, []byte("shh"), jwt.MapClaims{"iss": "RS256"}), `{"message":"Invalid algorithm"}`, invalid},
		{"other key", "", "/", of(jwt.SigningMethodRS256, k.other, jwt.MapClaims{"iss": "RS256"}), `{"message":"Invalid signature"}`, invalid},
		{"expired", verify, "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "RS256", "exp": now - 1, "nbf": now - 9}), `{"exp":"token expired"}`, invalid},
		{"too early", verify, "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "RS256", "exp": now + 60, "nbf": now + 30}), `{"nbf":"token not valid yet"}`, invalid},
		{"no times", verify, "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "RS256"}), `{"exp":"must be a number","nbf":"must be a number"}`, invalid},
		{"expired, not verified", "", "/", of(jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": "RS256", "exp": now - 1}), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, k.yaml+"plugins: [{name: jwt, config: {"+tt.options+"}}]")
			x := run(t, cfg, tt.target, append(tt.headers, "X-Consumer-Username: forged")...)
			if tt.body == "" {
				if x.Answer != nil {
					t.Fatalf("answer %d %s", x.Answer.Status, x.Answer.Body)
				}
				id := x.Credential.Key
				if x.Header.Get("X-Consumer-Username") != "u" || x.Header.Get("X-Credential-Identifier") != id || x.Shared.Get("authenticated_jwt_token") == nil {
					t.Errorf("header %v", x.Header)
				}
				return
			}
			if x.Answer == nil || x.Answer.Status != 401 || string(x.Answer.Body) != tt.body || x.Answer.Header.Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("answer %+v", x.Answer)
			}
		})
	}
}

// A signature of the wrong length makes Kong throw, which ends in a 500.
func TestShortSignature(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	cfg := load(t, k.yaml+"plugins: [{name: jwt}]")
	token := sign(t, jwt.SigningMethodES256, k.p256, jwt.MapClaims{"iss": "ES256"})
	x := run(t, cfg, "/", "Authorization: Bearer "+token[:len(token)-8])
	if !x.Unexpected {
		t.Errorf("no error, answer %+v", x.Answer)
	}
}

// What names the credential makes Kong throw where it is no text.
func TestKeyIsNoText(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	cfg := load(t, k.yaml+"plugins: [{name: jwt}]")
	for _, iss := range []any{nil, true, 1, []string{}, []string{"RS256"}, map[string]any{}} {
		x := run(t, cfg, "/", "Authorization: Bearer "+sign(t, jwt.SigningMethodRS256, k.rsa, jwt.MapClaims{"iss": iss}))
		if !x.Unexpected {
			t.Errorf("iss %v: no error, answer %+v", iss, x.Answer)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJIUzI1NiJ9.c2ln")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parseToken(text)
		if err == nil && (!strings.HasPrefix(text, token.signed+".") || !knownAlgorithm(token.algorithm)) {
			t.Errorf("%q: signed %q, algorithm %q", text, token.signed, token.algorithm)
		}
	})
}
