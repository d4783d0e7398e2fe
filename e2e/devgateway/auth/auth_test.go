package auth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// load reads consumers and one plugin.
func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	l := config.NewLoader(config.Options{Now: time.Now})
	cfg, err := l.Load([]byte("_format_version: \"3.0\"\n" + yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// run sends a request through the first plugin. Headers are "Name: value".
func run(t *testing.T, cfg *config.Config, target string, headers ...string) *exchange.Exchange {
	t.Helper()
	access, err := New(cfg.Plugins[0])
	if err != nil {
		t.Fatal(err)
	}
	x := exchange.New(cfg)
	x.ID, x.Method, x.Header = "ID", http.MethodGet, http.Header{}
	_, x.Args, _ = strings.Cut(target, "?")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		x.Header.Add(name, value)
	}
	if err := access(x); err != nil {
		x.Unexpected = true
	}
	return x
}

const partners = `
consumers:
- username: initech-erp
  custom_id: initech
  acls: [{group: partners}, {group: eu}]
  keyauth_credentials: [{key: k1}, {key: k2}]
- username: nobody
  keyauth_credentials: [{key: k3}]
`

func TestKeyAuth(t *testing.T) {
	t.Parallel()
	const noKey = "{\n  \"message\":\"No API key found in request\",\n  \"request_id\":\"ID\"\n}"
	tests := []struct {
		name, options, target string
		headers               []string
		status                int
		body                  string
		args                  string // what is left of the query
		gone                  string // a header that is gone
	}{
		{name: "no key", status: 401, body: noKey},
		{name: "empty key", headers: []string{"apikey: "}, status: 401, body: noKey},
		{name: "unknown key", headers: []string{"apikey: nope"}, status: 401, body: "{\n  \"message\":\"Unauthorized\",\n  \"request_id\":\"ID\"\n}"},
		{name: "two keys", headers: []string{"apikey: k1", "apikey: k2"}, status: 401, body: "{\n  \"message\":\"Duplicate API key found\",\n  \"request_id\":\"ID\"\n}"},
		{name: "header", headers: []string{"apikey: k1"}},
		{name: "second key", headers: []string{"apikey: k2"}},
		{name: "query", target: "/?apikey=k1&b=2", args: "apikey=k1&b=2"},
		{name: "query off", options: "key_in_query: false", target: "/?apikey=k1", status: 401, body: noKey, args: "apikey=k1"},
		{name: "other name", options: "key_names: [x-key]", headers: []string{"X-Key: k1"}},
		{name: "hidden header", options: "hide_credentials: true", headers: []string{"apikey: k1"}, gone: "apikey"},
		{name: "a stand-in is not needed", options: "anonymous: initech-erp", headers: []string{"apikey: k1"}},
		{name: "hidden query", options: "hide_credentials: true", target: "/?a=%7E&apikey=k1&c", args: "a=%7E&c="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, partners+"plugins: [{name: key-auth, config: {"+tt.options+"}}]")
			x := run(t, cfg, tt.target, append(tt.headers, "X-Consumer-ID: forged", "X-Anonymous-Consumer: true")...)
			if tt.status > 0 {
				if x.Answer == nil || x.Answer.Status != tt.status || string(x.Answer.Body) != tt.body || x.Answer.Header.Get("WWW-Authenticate") != "Key" {
					t.Fatalf("answer %+v", x.Answer)
				}
				return
			}
			if x.Answer != nil {
				t.Fatalf("answer %d %s", x.Answer.Status, x.Answer.Body)
			}
			want := map[string]string{
				"X-Consumer-ID": x.Consumer.ID, "X-Consumer-Custom-ID": "initech", "X-Consumer-Username": "initech-erp",
				"X-Credential-Identifier": x.Credential.ID, "X-Anonymous-Consumer": "", tt.gone: "",
			}
			for name, value := range want {
				if got := x.Header.Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if x.Args != tt.args {
				t.Errorf("query %q, want %q", x.Args, tt.args)
			}
		})
	}
}

func TestACL(t *testing.T) {
	t.Parallel()
	const (
		forbidden    = "{\n  \"message\":\"You cannot consume this service\",\n  \"request_id\":\"ID\"\n}"
		unauthorized = "{\n  \"message\":\"Unauthorized\",\n  \"request_id\":\"ID\"\n}"
	)
	tests := []struct {
		name, options, key string // of the consumer, if there is one
		status             int
		body, groups       string
	}{
		{"allowed", "allow: [partners]", "k1", 0, "", "partners, eu"},
		{"allowed, hidden", "allow: [eu], hide_groups_header: true", "k1", 0, "", ""},
		{"not allowed", "allow: [web]", "k1", 403, forbidden, ""},
		{"no groups", "allow: [web]", "k3", 403, forbidden, ""},
		{"no consumer", "allow: [web]", "", 401, unauthorized, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, partners+"plugins: [{name: acl, config: {"+tt.options+"}}]")
			access, err := New(cfg.Plugins[0])
			if err != nil {
				t.Fatal(err)
			}
			x := exchange.New(cfg)
			x.ID, x.Header = "ID", http.Header{}
			if tt.key != "" {
				x.Consumer, x.Credential = cfg.APIKey(tt.key).Consumer, &exchange.Credential{}
			}
			if err := access(x); err != nil {
				t.Fatal(err)
			}
			got := []any{0, "", x.Header.Get("X-Consumer-Groups")}
			if x.Answer != nil {
				got = []any{x.Answer.Status, string(x.Answer.Body), x.Header.Get("X-Consumer-Groups")}
			}
			if diff := cmp.Diff([]any{tt.status, tt.body, tt.groups}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
