package kongsecret_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// ours is the schema of a plugin's config.
func ours(t *testing.T) *schema.Field {
	t.Helper()
	var f schema.Field
	if err := json.Unmarshal([]byte(`{"type":"record","fields":[
		{"key":{"type":"string"}},
		{"dsn":{"type":"string","referenceable":true}},
		{"redis":{"type":"record","fields":[{"url":{"type":"string","encrypted":true}},{"key_prefix":{"type":"string"}}]}},
		{"list":{"type":"array","elements":{"type":"string","referenceable":true}}},
		{"map":{"type":"map","keys":{"type":"string"},"values":{"type":"string","referenceable":true}}}
	]}`), &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

func finder(t *testing.T) *kongsecret.Finder {
	return kongsecret.New(map[string]*schema.Field{"ours": ours(t)})
}

// TestHide: what is SECRET is hidden, and what is shown stays as it is.
func TestHide(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, config string }{
		{"key-auth", `consumers: [{username: shown, keyauth_credentials: [{key: SECRET, tags: [shown]}]}]`},
		{"at the top", `keyauth_credentials: [{consumer: shown, key: SECRET}]`},
		{"basic-auth", `basicauth_credentials: [{username: shown, password: SECRET}]`},
		{"hmac-auth", `hmacauth_credentials: [{username: shown, secret: SECRET}]`},
		{"a shared secret", `jwt_secrets: [{key: shown, secret: SECRET, algorithm: HS256}]`},
		{"a public key", `jwt_secrets: [{key: shown, algorithm: RS256, rsa_public_key: "-----BEGIN PUBLIC KEY-----\nshown\n-----END PUBLIC KEY-----\n"}]`},
		{"OAuth 2", `{oauth2_credentials: [{client_id: shown, client_secret: SECRET, redirect_uris: [shown]}], oauth2_tokens: [{access_token: SECRET, refresh_token: SECRET, scope: shown}], oauth2_authorization_codes: [{code: SECRET}]}`},
		{"certificates", `certificates: [{id: shown, cert: shown, key: SECRET, cert_alt: shown, key_alt: SECRET, snis: [{name: shown}]}]`},
		{"keys", `keys: [{kid: shown, jwk: SECRET, pem: {public_key: shown, private_key: "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"}}]`},
		{"in a vault", `{certificates: [{cert: shown, key: "{vault://shown/key}"}], vaults: [{name: env, prefix: shown, config: {prefix: shown_}}, {name: hcv, config: {host: shown, token: SECRET}}]}`},
		{"by schema", `plugins: [{name: ours, config: {key: shown, dsn: SECRET, redis: {url: SECRET, key_prefix: shown}, list: [SECRET, "{vault://shown/a}"], map: {shown: SECRET}}}]`},
		{"not in the schema", `services: [{name: shown, plugins: [{name: ours, config: {unknown: {shown: SECRET}}}]}]`},
		{"bundled plugins", `plugins: [
 {name: http-log, config: {http_endpoint: SECRET, headers: {shown: SECRET}, method: shown}},
 {name: aws-lambda, config: {aws_key: SECRET, aws_secret: SECRET, function_name: shown}},
 {name: azure-functions, config: {apikey: SECRET, clientid: SECRET, appname: shown}},
 {name: session, config: {secret: SECRET, cookie_name: shown}},
 {name: loggly, config: {key: SECRET, host: shown}},
 {name: oauth2, config: {provision_key: SECRET, scopes: [shown]}},
 {name: opentelemetry, config: {traces_endpoint: SECRET, headers: {shown: SECRET}}},
 {name: standard-webhooks, config: {secret_v1: SECRET}},
 {name: rate-limiting, config: {redis: {host: shown, username: SECRET, password: SECRET}}},
 {name: acme, config: {eab_hmac_key: SECRET, storage_config: {consul: {token: SECRET, host: shown}}}},
 {name: ai-proxy, config: {auth: {allow_override: false, param_location: shown, header_value: SECRET, gcp_service_account_json: SECRET, aws_access_key_id: SECRET, aws_secret_access_key: SECRET}}},
 {name: ldap-auth, config: {ldap_password: SECRET, ldap_host: shown}},
 {name: jwt, config: {key_claim_name: shown, secret_is_base64: false, cookie_names: [shown]}},
 {name: key-auth, config: {key_names: [shown], hide_credentials: true}}]`},
		{"anchors", `{_ignore: [&r {password: SECRET}, {host: SECRET}, SECRET], _comment: SECRET, plugins: [{name: rate-limiting, config: {redis: *r}, _comment: SECRET}]}`},
		{"as Kong 3.9.1 has it", `plugins: [
 {name: acme, config: {account_email: SECRET, storage_config: {redis: {auth: SECRET, host: shown, ssl_server_name: shown}, vault: {token: SECRET, jwt_path: shown, auth_method: shown}}}},
 {name: aws-lambda, config: {aws_assume_role_arn: SECRET, aws_role_session_name: shown}},
 {name: rate-limiting, config: {redis_password: SECRET, redis_username: SECRET, redis_host: shown}},
 {name: opentelemetry, config: {endpoint: SECRET}},
 {name: ai-request-transformer, config: {llm: {auth: {header_name: SECRET, param_name: SECRET, param_value: SECRET}, model: {name: shown, options: {max_tokens: 7}}}}},
 {name: datadog, config: {host: SECRET, prefix: shown}}]`},
		{"what transformers add", `plugins: [
 {name: request-transformer, config: {add: {querystring: ["apikey:SECRET"], body: ["a:SECRET"], headers: ["b:SECRET"]}, append: {querystring: ["c:SECRET"]}, replace: {uri: /shown, body: ["d:SECRET"]}, remove: {querystring: [shown]}}},
 {name: response-transformer, config: {add: {json: ["a:SECRET"], json_types: [shown], headers: ["b:SECRET"]}, remove: {json: [shown]}}}]`},
		{"a key of no PEM", `keys: [{kid: shown, pem: {public_key: shown, private_key: SECRET}}]`},
		{"another's plugin", `plugins: [{name: custom, config: {upstreamToken: SECRET, auth: SECRET, db_auth: SECRET, API-KEY: SECRET, args: ["token=SECRET", "Bearer SECRET", "x-api-key: SECRET", "level: shown", shown], token_path: shown, public_key: shown, keys: [SECRET], deep: [{list: [{secrets: {a: SECRET}}]}]}}]`},
		{"another's entity", `{custom_credentials: [{consumer: shown, pin: shown, secret_text: SECRET}], filter_chains: [{filters: [{name: shown, config: {token: SECRET}}]}]}`},
		{"a route's header", `routes: [{name: shown, headers: {x-api-key: [SECRET]}}]`},
		{"a URL with a password", `services: [{name: shown, url: "https://user:SECRET@shown/"}]`},
		{"a private key anywhere", `custom: [{text: "-----BEGIN EC PRIVATE KEY-----\nSECRET\n-----END EC PRIVATE KEY-----"}]`},
		{"a number", `keyauth_credentials: [{key: 1234567}]`},
		{"a comment", "# was SECRET\nservices: # and SECRET\n- name: shown\n  # SECRET\n"},
		{"by an alias", `keyauth_credentials: [{key: &k SECRET, tags: [shown]}, {key: *k}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := finder(t).Hide(kongyaml.File{Name: "kong.yaml", Text: []byte(tt.config)})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(got), "SECRET") || strings.Contains(string(got), "1234567") {
				t.Errorf("not all is hidden:\n%s", got)
			}
			document, err := kongyaml.Decode([]byte(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if shown, want := strings.Count(string(got), "shown"), strings.Count(fmt.Sprint(document), "shown"); shown != want && !strings.Contains(tt.config, "@shown") {
				t.Errorf("%d of %d are shown:\n%s", shown, want, got)
			}
			if again, err := finder(t).Values(kongyaml.File{Text: got}); err != nil || slices.ContainsFunc(again, func(v string) bool { return v != kongsecret.Hidden }) {
				t.Errorf("in what is shown are secrets %q, error %v", again, err)
			}
		})
	}
}

func TestReplacer(t *testing.T) {
	t.Parallel()
	hide, err := finder(t).Replacer(kongyaml.File{Text: []byte(`keyauth_credentials: [{key: abc}, {key: abcdef}, {key: ""}, {key: "{vault://env/x}"}]
_ignore: [http, vault]`)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hide("'abcdef' and 'abc', {vault://env/x}"), "'(hidden)' and '(hidden)', {vault://env/x}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := finder(t).Replacer(kongyaml.File{Name: "kong.yaml", Text: []byte("a: [")}); err == nil || !strings.Contains(err.Error(), "kong.yaml") {
		t.Errorf("error %v", err)
	}
}

// FuzzHide: of what is hidden nothing is left, and the rest can be read.
func FuzzHide(f *testing.F) {
	f.Add("consumers: [{keyauth_credentials: [{key: a}]}]")
	f.Add("plugins: [{name: ours, config: {redis: [{url: b}], list: {c: d}}}]")
	f.Add("a: &x {plugins: [{name: other, config: {token: [e]}}]}\nb: {<<: *x}")
	f.Fuzz(func(t *testing.T, text string) {
		config := kongyaml.File{Text: []byte(text)}
		got, err := finder(t).Hide(config)
		if err != nil {
			return
		}
		left, err := finder(t).Values(kongyaml.File{Text: got})
		if err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		for _, value := range left {
			if value != kongsecret.Hidden {
				t.Errorf("%q is left in %q", value, got)
			}
		}
	})
}
