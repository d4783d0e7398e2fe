package issuers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/MicahParks/jwkset"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

// rsaOf is a key whose modulus is the first of that size that passes for one.
func rsaOf(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	key := &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
	for bits >= jwtkey.MinRSABits && jwtkey.Check("RS256", key) != nil { // it has small factors
		n.Add(n, big.NewInt(2))
	}
	return key
}

func ecOf(t testing.TB, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

// jwk is a key as an issuer publishes it, with some members set or removed.
func jwk(t testing.TB, key any, kid string, members map[string]any) json.RawMessage {
	t.Helper()
	made, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	return text
}

func jwks(t testing.TB, keys ...json.RawMessage) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func document(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publishers have a document of each kind in testdata.
var publishers = []struct {
	name, iss, algorithm string
	keys, refused        int
}{
	{"keycloak", "https://keycloak.example.com/realms/shop", "RS256", 1, 1},
	{"auth0", "https://shop.eu.auth0.com/", "RS256", 2, 0},
	{"cognito", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI", "RS256", 2, 0},
	{"entra", "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "RS256", 3, 0},
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	for _, p := range publishers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			keys, refused, err := ReadKeys(document(t, p.name+"-jwks.json"))
			if err != nil || len(keys) != p.keys || len(refused) != p.refused {
				t.Fatalf("%d keys, refused %v, error %v", len(keys), refused, err)
			}
			for _, key := range keys {
				if _, err := jwtkey.Parse(key.Algorithm, key.PEM); err != nil || key.Algorithm != p.algorithm || key.KID == "" {
					t.Errorf("key %+v: %v", key, err)
				}
			}
		})
	}
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		key  any
		alg  any
		want string
	}{
		{"RSA says nothing", rsaOf(2048), nil, "RS256"},
		{"RSA", rsaOf(4096), "RS512", "RS512"},
		{"PSS", rsaOf(2048), "PS384", "PS384"},
		{"P-256 says nothing", ecOf(t, elliptic.P256()), nil, "ES256"},
		{"P-384 says nothing", ecOf(t, elliptic.P384()), nil, "ES384"},
		{"P-521 says nothing", ecOf(t, elliptic.P521()), nil, "ES512"},
		{"EC", ecOf(t, elliptic.P256()), "ES256", "ES256"},
		{"Ed25519 says nothing", ed, nil, "EdDSA"},
		{"Ed25519", ed, "EdDSA", "EdDSA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, refused, err := ReadKeys(jwks(t, jwk(t, tt.key, "k", map[string]any{"alg": tt.alg})))
			if err != nil || len(keys) != 1 || keys[0].Algorithm != tt.want {
				t.Errorf("keys %v, refused %v, error %v; want one of %s", keys, refused, err, tt.want)
			}
		})
	}
}

// TestRefusedKeys: a key that is refused says why, in a line that names it, and leaves a
// good one beside it as it is.
func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	ec := ecOf(t, elliptic.P256())
	with := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for _, tt := range []struct {
		name string
		key  json.RawMessage
		want string
	}{
		{"short RSA", jwk(t, rsaOf(1024), "bad", nil), `key "bad" is not taken: an RSA key of 1024 bits`},
		{"long RSA for PSS", jwk(t, rsaOf(4096), "bad", with("alg", "PS256")), "Kong 3.9 verifies PS256 with keys of 2048 bits only"},
		{"another curve", jwk(t, ecOf(t, elliptic.P384()), "bad", with("alg", "ES256")), "an EC key on P-384: ES256 takes one on P-256"},
		{"EC for RSA", jwk(t, ec, "bad", with("alg", "RS256")), "RS256 takes an RSA key"},
		{"none", jwk(t, rsaOf(2048), "bad", with("alg", "none")), `algorithm "none" has no public key`},
		{"a public key as a secret", jwk(t, rsaOf(2048), "bad", with("alg", "HS256")), `algorithm "HS256" has no public key`},
		{"not known to Kong", jwk(t, ec, "bad", with("alg", "ES256K")), `algorithm "ES256K" has no public key`},
		{"symmetric", json.RawMessage(`{"kty":"oct","kid":"bad","k":"c2VjcmV0","alg":"HS256"}`), "it is symmetric"},
		{"private", jwk(t, ec, "bad", with("d", "AQAB")), "it is a private key"},
		{"a prime factor", jwk(t, rsaOf(2048), "bad", with("q", "AQAB")), "it is a private key"},
		{"a private exponent", jwk(t, rsaOf(2048), "bad", with("dp", "AQAB")), "it is a private key"},
		{"another private exponent", jwk(t, rsaOf(2048), "bad", with("dq", "AQAB")), "it is a private key"},
		{"a coefficient", jwk(t, rsaOf(2048), "bad", with("qi", "AQAB")), "it is a private key"},
		{"other primes", jwk(t, rsaOf(2048), "bad", with("oth", []map[string]string{{"r": "AQAB"}})), "it is a private key"},
		{"a secret beside it", jwk(t, ec, "bad", with("k", "AQAB")), "it is symmetric"},
		{"of small order", json.RawMessage(`{"kty":"OKP","crv":"Ed25519","kid":"bad","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), "of small order"},
		{"for encryption", jwk(t, rsaOf(2048), "bad", with("use", "enc")), `its use is "enc"`},
		{"not for verifying", jwk(t, rsaOf(2048), "bad", with("key_ops", []string{"encrypt"})), "its key_ops have no verify"},
		{"on no curve", jwk(t, ec, "bad", with("y", "AQAB")), "it cannot be read"},
		{"a certificate of another key", withCertificate(t, jwk(t, rsaOf(2048), "bad", nil)), "it cannot be read"},
		{"a curve of no tokens", json.RawMessage(`{"kty":"OKP","crv":"X25519","kid":"bad","x":"` + strings.Repeat("A", 42) + `I"}`), "has no public key"},
		{"a kind of nobody's", json.RawMessage(`{"kty":"AKP","kid":"bad"}`), "it cannot be read"},
		{"no key", json.RawMessage(`7`), "key 2 is not taken"},
		{"a number for a kid", json.RawMessage(`{"kty":"RSA","kid":7}`), "key 2 is not taken"},
		{"no kid", jwk(t, rsaOf(2048), "", nil), "key 2 is not taken: it has no kid"},
		{"a vault's reference", jwk(t, rsaOf(2048), "{vault://env/x}", nil), "its kid is a vault reference"},
		{"a kid of two lines", jwk(t, rsaOf(2048), "a\nb", nil), "its kid is not up to 256 printable characters"},
		{"a long kid", jwk(t, rsaOf(2048), strings.Repeat("a", 257), nil), "its kid is not up to 256 printable characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, refused, err := ReadKeys(jwks(t, jwk(t, ec, "good", nil), tt.key))
			if err != nil || len(keys) != 1 || keys[0].KID != "good" {
				t.Errorf("keys %v, error %v; want the good one", keys, err)
			}
			if len(refused) != 1 || !strings.Contains(refused[0].Error(), tt.want) {
				t.Errorf("refused %v, want one with %q", refused, tt.want)
			}
			if keys, _, err := ReadKeys(jwks(t, tt.key)); err == nil || len(keys) > 0 {
				t.Errorf("alone: keys %v, error %v; want an error", keys, err)
			}
		})
	}
}

// withCertificate is a key that shows the certificate of a recorded one.
func withCertificate(t *testing.T, key json.RawMessage) json.RawMessage {
	t.Helper()
	var recorded struct{ Keys []map[string]any }
	var all map[string]any
	if err := json.Unmarshal(document(t, "auth0-jwks.json"), &recorded); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(key, &all); err != nil {
		t.Fatal(err)
	}
	all["x5c"] = recorded.Keys[0]["x5c"]
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRefusedSets(t *testing.T) {
	t.Parallel()
	many := make([]json.RawMessage, 101)
	for i := range many {
		many[i] = json.RawMessage(`{}`)
	}
	for name, tt := range map[string]struct{ document, want string }{
		"nothing":       {"", "malformed"},
		"a page":        {"<html>", "malformed"},
		"cut":           {`{"keys":[{"kty":"RSA"`, "malformed"},
		"another shape": {`{"keys":{}}`, "malformed"},
		"a list":        {`[]`, "malformed"},
		"no keys":       {`{}`, "no key that Kong can verify a token with"},
		"empty":         {`{"keys":[]}`, "no key that Kong can verify a token with"},
		"too many":      {string(jwks(t, many...)), "101 keys"},
	} {
		if keys, _, err := ReadKeys([]byte(tt.document)); err == nil || len(keys) > 0 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: keys %v, error %v, want one with %q", name, keys, err, tt.want)
		}
	}
}

// TestDoubles: one key that is there twice is one; two of one kid are none.
func TestDoubles(t *testing.T) {
	t.Parallel()
	a, b, c := jwk(t, rsaOf(2048), "a", nil), jwk(t, rsaOf(2049), "b", nil), jwk(t, rsaOf(2050), "b", nil)
	keys, refused, err := ReadKeys(jwks(t, a, b, a, c))
	if err != nil || len(keys) != 1 || keys[0].KID != "a" {
		t.Errorf("keys %v, error %v", keys, err)
	}
	if len(refused) != 1 || !strings.Contains(refused[0].Error(), `key "b" is not taken: there are 2 of that kid`) {
		t.Errorf("refused %v", refused)
	}
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	got, err := ParseFile([]byte(`
issuers:
  - { consumer: web-app, iss: https://id.example.com/web }
  - consumer: mobile-app
    iss: https://id.example.com/mobile
    discovery: http://127.0.0.1:9106/mobile
    ca_file: ca.pem
    overlap: 90s
    timeout: 2s
  - { consumer: batch, iss: batch, jwks: keys.json }
`))
	want := []Issuer{
		{Consumer: "web-app", ISS: "https://id.example.com/web", Discovery: "https://id.example.com/web", Overlap: defaultOverlap, Timeout: defaultTimeout},
		{Consumer: "mobile-app", ISS: "https://id.example.com/mobile", Discovery: "http://127.0.0.1:9106/mobile", CAFile: "ca.pem", Overlap: 90e9, Timeout: 2e9},
		{Consumer: "batch", ISS: "batch", JWKS: "keys.json", Overlap: defaultOverlap, Timeout: defaultTimeout},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, issuers (-want +got):\n%s", err, diff)
	}
	if got, err := ParseFile([]byte(`{"issuers":[{"consumer":"a","iss":"https://a.example"}]}`)); err != nil || len(got) != 1 {
		t.Errorf("JSON: %v, %v", got, err)
	}
}

// What is in a second document would be read by nobody.
func TestOneDocument(t *testing.T) {
	t.Parallel()
	const one = "issuers: [{consumer: a, iss: 'https://a.example'}]\n"
	if _, err := ParseFile([]byte("---\n" + one)); err != nil {
		t.Error(err)
	}
	for _, second := range []string{"---\n" + one, "---\n: {", "}"} {
		if _, err := ParseFile([]byte(one + second)); err == nil || !strings.Contains(err.Error(), "more than one YAML document") && second != "}" {
			t.Errorf("%q: error %v", second, err)
		}
	}
}

func TestMistakesInAFile(t *testing.T) {
	t.Parallel()
	const good = "consumer: a, iss: 'https://a.example'"
	for entry, want := range map[string]string{
		"":                                                   "issuers: there is none",
		"iss: 'https://a.example'":                           "issuers[0].consumer: absent",
		"consumer: a":                                        "issuers[0].iss: absent",
		good + ", issuer: x":                                 "issuer",
		good + ", overlap: 24":                               "time.Duration",
		good + ", overlap: 1ms":                              "overlap: 1ms is not from 1s",
		good + ", overlap: 2161h":                            "overlap: 2161h0m0s is not from 1s to 2160h0m0s",
		good + ", timeout: 2m":                               "timeout: 2m0s is not from 1ms to 1m0s",
		good + ", discovery: id.example":                     `discovery: "id.example" is no URL`,
		good + ", discovery: 'http://a.b'":                   `discovery: "http://a.b" is not over TLS`,
		good + ", jwks: 'http://a.b/keys'":                   `jwks: "http://a.b/keys" is not over TLS`,
		good + ", jwks: 'file:///etc/x'":                     `jwks: "file:///etc/x" is no URL`,
		good + ", jwks: x, discovery: 'https://a.b'":         "discovery: it is not read where jwks says where the keys are",
		good + ", ca_file: '{vault://env/ca}'":               `ca_file: "{vault://env/ca}" is a vault reference`,
		"consumer: '{vault://env/a}', iss: 'https://a.b'":    `consumer: "{vault://env/a}" is a vault reference`,
		good + " }, { consumer: a, iss: 'https://b.b'":       `issuers[1].consumer: "a" is that of issuers[0]`,
		good + " }, { consumer: b, iss: 'https://a.example'": `issuers[1].iss: "https://a.example" is that of issuers[0]`,
	} {
		text := fmt.Sprintf("issuers: [{ %s }]", entry)
		if entry == "" {
			text = ""
		}
		if _, err := ParseFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", entry, err, want)
		}
	}
}

func FuzzReadKeys(f *testing.F) {
	for _, p := range publishers {
		f.Add(document(f, p.name+"-jwks.json"))
	}
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ","kid":"k"},{"kty":"oct","k":"a"}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, refused, err := ReadKeys(document)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("keys %v, error %v", keys, err)
		}
		kids := map[string]bool{}
		for _, key := range keys {
			if _, err := jwtkey.Parse(key.Algorithm, key.PEM); err != nil || key.KID == "" || kids[key.KID] || !key.Left.IsZero() {
				t.Errorf("key %+v: %v", key, err)
			}
			kids[key.KID] = true
		}
		for _, err := range refused {
			if text := line(Issuer{ISS: "x"}, err); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > maxLine+3 {
				t.Errorf("no line to print: %q", text)
			}
		}
	})
}
