package configcheck_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// found are the findings of a config about credentials, by a checker of the plugin p.
func found(t *testing.T, development bool, text string) (lines []string, worst string) {
	t.Helper()
	checker, err := configcheck.New(options(configcheck.Options{Development: development}), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &config{closed: new(int)} }})
	if err != nil {
		t.Fatal(err)
	}
	report := only(check(checker, text), "credential-reference", "credential-twice", "credential-key", "credential-in-url", "development-only", "near-names", "token-issuers", "token-issuer-twice")
	for _, f := range report.Findings {
		lines = append(lines, f.String())
	}
	return lines, grade(report)
}

// wantFound compares findings by how each begins.
func wantFound(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, line := range got {
		if i < len(want) && strings.HasPrefix(line, want[i]) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// publicKey is one in PEM, as a YAML string has it.
func publicKey(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n", `\n`)
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := publicKey(t, private.Public())
	weak := publicKey(t, &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 1023), 0, 1), E: 65537})
	const stored = "a vault reference, which Kong does not follow here: it stores it as it is written"
	for _, tt := range []struct {
		name, config string
		worst        string
		want         []string
	}{
		{"good", `consumers: [{username: a, keyauth_credentials: [{key: k1}, {key: k2}], jwt_secrets: [{key: i, algorithm: ES256, rsa_public_key: "` + good + `"}, {}]}]`, warning, nil},
		{"a reference as a key", `consumers: [{username: erp, keyauth_credentials: [{key: k}, {key: "{vault://env/key}"}]}]`, mistake,
			[]string{"consumers[0].keyauth_credentials[1].key: " + stored}},
		{"at the top, by a custom id, and by none", `{keyauth_credentials: [{key: "{vault://env/a}"}], consumers: [{custom_id: c, keyauth_credentials: [{key: "{vault://env/b}"}]}, {keyauth_credentials: [{key: "{vault://env/c}"}]}]}`, mistake,
			[]string{"keyauth_credentials[0].key: " + stored, "consumers[0].keyauth_credentials[0].key: ", "consumers[1].keyauth_credentials[0].key: "}},
		{"of every kind", `consumers: [{username: a,
 jwt_secrets: [{key: "{vault://env/1}", secret: "{vault://env/2}"}, {key: k, algorithm: ES256, rsa_public_key: "{vault://env/3}"}],
 basicauth_credentials: [{username: u, password: "{vault://env/4}"}], hmacauth_credentials: [{username: u, secret: "{vault://env/5}"}],
 oauth2_credentials: [{client_id: i, client_secret: "{vault://env/6}"}]}]`, mistake, []string{
			"consumers[0].jwt_secrets[0].key: ", "consumers[0].jwt_secrets[0].secret: ", "consumers[0].jwt_secrets[1].rsa_public_key: " + stored,
			"consumers[0].basicauth_credentials[0].password: ", "consumers[0].hmacauth_credentials[0].secret: ", "consumers[0].oauth2_credentials[0].client_secret: ",
		}},
		{"of OAuth 2, at the top and nested", `{_ignore: [{oauth2_tokens: [{access_token: "{vault://env/0}"}]}], oauth2_tokens: [{access_token: "{vault://env/1}"}, {access_token: k, refresh_token: "{vault://env/2}"}], oauth2_authorization_codes: [{code: "{vault://env/3}"}],
 consumers: [{username: a, oauth2_credentials: [{client_id: i, oauth2_tokens: [{refresh_token: "{vault://env/4}"}], oauth2_authorization_codes: [{code: "{vault://env/5}"}]}]}],
 services: [{oauth2_tokens: [{access_token: "{vault://env/6}"}]}], sessions: [{session_id: "{vault://env/7}"}]}`, mistake, []string{
			"oauth2_authorization_codes[0].code: " + stored, "oauth2_tokens[0].access_token: " + stored, "oauth2_tokens[1].refresh_token: " + stored,
			"consumers[0].oauth2_credentials[0].oauth2_authorization_codes[0].code: " + stored,
			"consumers[0].oauth2_credentials[0].oauth2_tokens[0].refresh_token: " + stored, "services[0].oauth2_tokens[0].access_token: " + stored,
			"sessions[0].session_id: " + stored,
		}},
		{"one key for two consumers", `consumers: [{username: a, keyauth_credentials: [{key: hunter2}]}, {username: b, keyauth_credentials: [{key: hunter3}, {key: hunter2}]}]`, refused,
			[]string{"consumers[1].keyauth_credentials[1].key: it is that of consumers[0].keyauth_credentials[0] (of a) too; "}},
		{"of two kinds", `consumers: [{keyauth_credentials: [{key: k}], jwt_secrets: [{key: k}], basicauth_credentials: [{username: k, password: p}]}]`, warning, nil},
		{"a key of two issuers", `{jwt_secrets: [{key: kid}], consumers: [{username: b, jwt_secrets: [{key: kid}]}]}`, refused,
			[]string{"consumers[0].jwt_secrets[0].key: it is that of jwt_secrets[0] too"}},
		{"garbage", `jwt_secrets: [{key: a, algorithm: ES256, rsa_public_key: garbage}, {key: b, algorithm: ES384}]`, mistake,
			[]string{"jwt_secrets[0].rsa_public_key: no key in PEM", "jwt_secrets[1].rsa_public_key: no key in PEM"}},
		{"a weak key", `jwt_secrets: [{key: a, algorithm: RS256, rsa_public_key: "` + weak + `"}]`, mistake,
			[]string{"jwt_secrets[0].rsa_public_key: an RSA key of 1024 bits"}},
		{"another curve", `jwt_secrets: [{key: a, algorithm: ES512, rsa_public_key: "` + good + `"}]`, mistake,
			[]string{"jwt_secrets[0].rsa_public_key: an EC key on P-256: ES512 takes one on P-521"}},
		{"a short secret", `jwt_secrets: [{key: a, secret: hunter2}]`, mistake, []string{"jwt_secrets[0].secret: a secret of 7 bytes"}},
		{"names of two cases", `{consumers: [{username: acme}, {username: ACME}, {username: acme2}], services: [{name: s, routes: [{name: r}]}, {name: S}], routes: [{name: R}]}`, warning, []string{
			`consumers[1].username: "ACME" and "acme" of consumers[0] differ in case only`, `services[0].routes[0].name: "r" and "R" of routes[0] differ in case only`, `services[1].name: "S" and "s" of services[0] differ in case only`}},
		{"nonsense", `{keyauth_credentials: [7, {key: 7}, {key: 7}], jwt_secrets: {}, consumers: [7, {jwt_secrets: [{secret: 7}]}]}`, warning, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, worst := found(t, false, tt.config)
			if all := strings.Join(got, "\n"); strings.Contains(all, "hunter") || strings.Contains(all, "{vault:") {
				t.Errorf("a secret is shown: %s", all)
			}
			if worst != tt.worst {
				t.Errorf("severity %s, want %s", worst, tt.worst)
			}
			wantFound(t, got, tt.want...)
		})
	}
}

func TestDevelopment(t *testing.T) {
	t.Parallel()
	const tagged, known = "it is tagged development-only; take it out; where this is development, say so", "a key for development, which anybody has; take it out"
	text := `
certificates: [{id: c, tags: [x, development-only]}, {id: d, tags: [x]}]
consumers:
- username: a
  keyauth_credentials: [{key: k, tags: [development-only]}, {key: dev-only-a-2026-10}, {key: dev-only-b, tags: [development-only]}]
services: [{name: s, routes: [{name: r, tags: [development-only]}]}]
`
	got, worst := found(t, false, text)
	if worst != mistake {
		t.Errorf("severity %s", worst)
	}
	wantFound(t, got,
		"certificates[0]: "+tagged, "consumers[0].keyauth_credentials[0]: "+tagged, "consumers[0].keyauth_credentials[1].key: "+known,
		"consumers[0].keyauth_credentials[2]: "+tagged, "services[0].routes[0]: "+tagged)
	got, _ = found(t, true, text)
	wantFound(t, got)
}

// TestSampleIssuersKeys: the keys whose private halves are in the repository are known,
// however they are written.
func TestSampleIssuersKeys(t *testing.T) {
	t.Parallel()
	for name, algorithm := range map[string]string{"web": "RS256", "mobile": "ES256"} {
		text, err := os.ReadFile(filepath.Join("../../e2e/devtoken/keys", name+".dev-only.pem"))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		public := publicKey(t, private.(crypto.Signer).Public())
		got, _ := found(t, false, `jwt_secrets: [{key: anything, algorithm: `+algorithm+`, rsa_public_key: "# of ours\n`+public+`"}]`)
		wantFound(t, got, "jwt_secrets[0].rsa_public_key: a key for development")
	}
}
