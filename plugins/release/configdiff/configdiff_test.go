package configdiff_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/release/configdiff"
)

func config(t testing.TB, text string) configdiff.Config {
	t.Helper()
	file := kongyaml.File{Name: "kong.yaml", Text: []byte(text)}
	shown, err := kongsecret.New(nil).Hide(file)
	if err != nil {
		t.Fatal(err)
	}
	return configdiff.Config{File: file, Shown: shown}
}

func print(changes []configdiff.Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %s (%s)\n", c.Verb, c.Kind, c.Name, c.For)
		for _, line := range c.Lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}

const written = `
_format_version: "3.0"
services:
- name: orders
  url: http://orders.local:8080/v1
  routes:
  - name: orders-v1
    paths: [/v1/orders]
    plugins: [{name: key-auth, config: {key_names: [apikey]}}]
upstreams: [{name: orders.local, targets: [{target: 10.0.0.1:80}]}]
plugins: [{name: rate-limiting, config: {minute: 5, redis: {password: hunter2}}}]
consumers: [{username: globex, keyauth_credentials: [{key: secret-key-1}], acls: [{group: partners}]}]
`

// exported is the same as Kong has it: apart from each other, with ids and defaults.
const exported = `
_format_version: '3.0'
_transform: false
services:
- {id: s-1, name: orders, protocol: http, host: orders.local, port: 8080, path: /v1, retries: 5, tags: null, enabled: true, created_at: 1}
routes:
- {id: r-1, name: orders-v1, service: s-1, paths: [/v1/orders], protocols: [http, https], strip_path: true, created_at: 1}
upstreams: [{id: u-1, name: orders.local, slots: 10000}]
targets: [{id: t-1, upstream: u-1, target: '10.0.0.1:80', weight: 100}]
plugins:
- {id: p-1, name: key-auth, route: r-1, service: null, config: {key_names: [apikey], hide_credentials: false}, protocols: [https, http], enabled: true}
- {id: p-2, name: rate-limiting, config: {minute: 5, policy: local, redis: {password: hunter2, port: 6379}}, protocols: [http, https], enabled: true}
consumers: [{id: c-1, username: globex, custom_id: null}]
keyauth_credentials: [{id: k-1, consumer: c-1, key: secret-key-1, ttl: null}]
acls: [{id: a-1, consumer: {id: c-1}, group: partners}]
`

func shapes(t testing.TB) map[string]*configdiff.Shape {
	t.Helper()
	all := map[string]*configdiff.Shape{}
	for kind, text := range map[string]string{
		"services":              `{"fields":[{"retries":{"type":"integer","default":5}},{"enabled":{"default":true}},{"port":{"default":80}}]}`,
		"routes":                `{"fields":[{"protocols":{"default":["http","https"]}},{"strip_path":{"default":true}}]}`,
		"upstreams":             `{"fields":[{"slots":{"default":10000}}]}`,
		"targets":               `{"fields":[{"weight":{"default":100}}]}`,
		"plugins":               `{"fields":[{"enabled":{"default":true}},{"protocols":{"type":"set","default":["https","http"]}}]}`,
		"plugins/key-auth":      `{"fields":[{"protocols":{"type":"set","default":["http","https"]}},{"config":{"type":"record","fields":[{"hide_credentials":{"default":false}},{"key_names":{"default":["apikey"]}}]}}]}`,
		"plugins/rate-limiting": `{"fields":[{"config":{"type":"record","fields":[{"policy":{"default":"local"}},{"redis":{"type":"record","fields":[{"port":{"default":6379}}]}}]}}]}`,
	} {
		shape, err := configdiff.ParseShape([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = shape
	}
	return all
}

// TestSame: a config is the same as what a gateway writes of it.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{written, exported}, {exported, written}, {written, written}} {
		changes, err := configdiff.Compare(config(t, pair[0]), config(t, pair[1]), shapes(t))
		if err != nil || len(changes) > 0 {
			t.Errorf("error %v, changes:\n%s", err, print(changes))
		}
	}
}

// TestHashedPassword: Kong writes the hash of a password where a config has the password. The
// hash is what Kong 3.9.1 wrote.
func TestHashedPassword(t *testing.T) {
	t.Parallel()
	const (
		given = `consumers: [{username: joe, basicauth_credentials: [{username: u, password: PASSWORDjoe12345}]}]`
		kongs = `{_transform: false, consumers: [{username: joe, id: 5e182893-b6fa-532c-a249-142eb8f198bc}],
 basicauth_credentials: [{username: u, consumer: 5e182893-b6fa-532c-a249-142eb8f198bc, password: 22053fc9d404346c6b256fa6589268f19d03e47f}]}`
	)
	for name, tt := range map[string]struct {
		before, after string
		changes       int
	}{
		"the same":               {kongs, given, 0},
		"the same, back":         {given, kongs, 0},
		"another":                {kongs, strings.Replace(given, "12345", "54321", 1), 1},
		"the hash as a password": {kongs, strings.Replace(given, "PASSWORDjoe12345", "22053fc9d404346c6b256fa6589268f19d03e47f", 1), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes, err := configdiff.Compare(config(t, tt.before), config(t, tt.after), nil)
			if err != nil || len(changes) != tt.changes {
				t.Errorf("error %v, changes:\n%s", err, print(changes))
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, old, with, want string
		credentials           bool
	}{
		{"a limit of all", "minute: 5", "minute: 50", "~ plugins rate-limiting (every request)\n  config.minute: 5 → 50\n", false},
		{"a secret", "hunter2", "hunter3", "~ plugins rate-limiting (every request)\n  config.redis.password: \"(hidden)\" → \"(hidden)\", another one\n", false},
		{"a path of a route", "[/v1/orders]", "[/v1/orders, /orders]", "~ routes orders-v1 (requests of this route)\n  paths: [\"/v1/orders\"] → [\"/v1/orders\",\"/orders\"]\n", false},
		{"a target", "10.0.0.1:80", "10.0.0.2:80", "- targets orders.local 10.0.0.1:80 (requests of orders-v1)\n+ targets orders.local 10.0.0.2:80 (requests of orders-v1)\n", false},
		{"a default is taken away", "[apikey]", "[x-key]", "~ plugins key-auth of route orders-v1 (requests of route orders-v1)\n  config: the default → {\"key_names\":[\"x-key\"]}\n", false},
		{"a key", "{key: secret-key-1}", "{key: secret-key-1}, {key: secret-key-2}", "+ keyauth_credentials globex #95c4baa5 (consumer globex)\n", true},
		{"a group of a consumer", "group: partners", "group: friends", "- acls globex partners (consumer globex)\n+ acls globex friends (consumer globex)\n", true},
		{"a service's URL", "8080/v1", "8081/v1", "~ services orders (requests of orders-v1)\n  port: 8080 → 8081\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			after := strings.Replace(written, tt.old, tt.with, 1)
			for _, before := range []string{written, exported} {
				changes, err := configdiff.Compare(config(t, before), config(t, after), shapes(t))
				if got := print(changes); err != nil || got != tt.want {
					t.Errorf("error %v, changes:\n%swant:\n%s", err, got, tt.want)
				}
				if configdiff.CredentialsOnly(changes) != tt.credentials || configdiff.AnyCredential(changes) != tt.credentials {
					t.Errorf("credentials: %t", !tt.credentials)
				}
			}
		})
	}
}

// TestNoSecretIsShown: whatever of a config with secrets is added or removed.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	full, none := config(t, string(text)), config(t, "_format_version: \"3.0\"\n")
	secrets, err := kongsecret.New(nil).Values(full.File)
	if err != nil || len(secrets) < 3 {
		t.Fatalf("%d secrets, error %v", len(secrets), err)
	}
	for _, pair := range [][2]configdiff.Config{{full, none}, {none, full}} {
		changes, err := configdiff.Compare(pair[0], pair[1], nil)
		if err != nil || len(changes) < 20 {
			t.Fatalf("%d changes, error %v", len(changes), err)
		}
		for _, secret := range secrets {
			if strings.Contains(print(changes), secret) {
				t.Errorf("the secret %.4s… is shown", secret)
			}
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(written, exported)
	f.Add(`plugins: [{name: [], config: 1}, 3]`, `services: {a: b}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		hide := func(text string) (configdiff.Config, bool) {
			file := kongyaml.File{Name: "f", Text: []byte(text)}
			shown, err := kongsecret.New(nil).Hide(file)
			return configdiff.Config{File: file, Shown: shown}, err == nil
		}
		before, ok := hide(a)
		after, okToo := hide(b)
		if !ok || !okToo {
			t.Skip()
		}
		if _, err := configdiff.Compare(before, after, nil); err != nil {
			t.Skip(err)
		}
		if changes, _ := configdiff.Compare(before, before, nil); len(changes) > 0 {
			t.Errorf("a config differs from itself:\n%s", print(changes))
		}
	})
}
