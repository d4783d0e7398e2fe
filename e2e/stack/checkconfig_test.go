package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// TestCheckConfig wants what is wrong with a config in lines that have its place and the
// fix, before anything is started.
func TestCheckConfig(t *testing.T) {
	const shop = `_format_version: "3.0"
upstreams: [{ name: orders.upstream, targets: [{ target: "orders:9101" }] }]
services:
  - name: shop
    host: orders.upstream
    routes:
      - { name: cart, paths: [/cart] }
`
	with := func(old, replacement string) string { return strings.Replace(shop, old, replacement, 1) }
	for _, tt := range []struct {
		name, config string
		want         []string // in one line
		lines        int
	}{
		{"right", shop, nil, 0},
		{"with Kong's own plugins", shop + "    plugins: [{ name: cors }, { name: correlation-id }, { name: tenant-rate-limit }]\n", nil, 0},
		{"empty", "", []string{"is empty: begin it with _format_version"}, 1},
		{"comments only", "# soon\n---\n", []string{"is empty: begin it with _format_version"}, 1},
		{"a list", "- a\n", []string{"expected an object", "correct it"}, 1},
		{"no YAML", "services: [\n", []string{":1: the [ in this line is not closed; write ] where its list ends"}, 1},
		{"a tab", "_format_version: \"3.0\"\nservices:\n\t- name: shop\n", []string{":3: a tab in the indentation, which YAML does not allow; indent with spaces"}, 1},
		{"a slip in a plugin's field", with("paths: [/cart]", "paths: [/cart], plugins: [{ name: tenant-rate-limit, config: { noodes: 1 } }]"), []string{".config.noodes ", "unknown field; nodes?"}, 1},
		{"a field that is none", with("host:", "x: 1\n    host:"), []string{":5: services[0].x (service \"shop\"): unknown field; take it out, or write one of name, host, url,"}, 1},
		{"no version", "services: []\n", []string{":1: _format_version: required field missing; write _format_version: \"3.0\""}, 1},
		{"version of another Kong", "_format_version: \"1.1\"\n", []string{":1: _format_version: ", `write _format_version: "3.0"`}, 1},
		{"a slip in a plugin's name", with("paths: [/cart]", "paths: [/cart], plugins: [{ name: tenant-rate-limits }]"), []string{
			`:7: services[0].routes[0].plugins[0].name (plugin "tenant-rate-limits"): plugin 'tenant-rate-limits' not enabled: the plugin server says: no plugin "tenant-rate-limits"; tenant-rate-limit?`,
		}, 1},
		{"a slip in the name of Kong's", with("paths: [/cart]", "paths: [/cart], plugins: [{ name: bot-detektion }]"), []string{`plugin 'bot-detektion' not enabled; bot-detection?`}, 1},
		{"a plugin that only Kong has", with("paths: [/cart]", "paths: [/cart], plugins: [{ name: rate-limiting, config: { minute: 5 } }]"), []string{
			`:7: services[0].routes[0].plugins[0].name (plugin "rate-limiting"): of Kong's own plugins the dev gateway supports acl,`, "`make up` runs it on Kong",
		}, 1},
		{"a route twice", shop + "      - { name: cart, paths: [/other] }\n", []string{`:8: services[0].routes[1] (route "cart"): uniqueness violation`, "; give it another"}, 1},
		{"a service that there is not", shop + "plugins:\n  - { name: cors, service: shoop }\n", []string{`:9: plugins[0].service (plugin "cors"): there is no "shoop" among the services (shop), and the dev gateway does not support this field: leave it out, or `}, 1},
		{"a number that is none", with("host:", "retries: many\n    host:"), []string{`:5: services[0].retries (service "shop"): expected an integer, and it is "many"; write a whole number, without quotes`}, 1},
		{"a field with a slip", with("host:", "hosst:"), []string{":4: services[0].host (service \"shop\"): required field missing; add it"}, 2},
		{"a host of its own", with("host: orders.upstream", "host: example.com"), nil, 0},
		{"a url", with("host: orders.upstream", "url: http://127.0.0.1:9999/base"), nil, 0},
		{"a url of another protocol", with("host: orders.upstream", "url: grpc://127.0.0.1:9999"), []string{`:5: services[0].url (service "shop"): "grpc://127.0.0.1:9999": the dev gateway supports http and https only`}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "own.yaml")
			if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			s := &Stack{Config: Config{Bin: fakeBinaries(t), Dir: dir, KongConfig: file}, runDir: dir}
			var err error
			if s.Ports, err = DefaultPorts(lookupIn(map[string]string{"ORDERS_PORT": "19101"})); err != nil {
				t.Fatal(err)
			}
			if err := s.certs().Write(time.Now(), false, s.note); err != nil {
				t.Fatal(err)
			}
			err = s.checkConfig(t.Context())
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it is taken")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if lines := strings.Count(err.Error(), "\n") + 1; lines != tt.lines || !strings.HasPrefix(first, file) {
				t.Errorf("%d lines, want %d that begin with the file:\n%v", lines, tt.lines, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(first, want) {
					t.Errorf("%q, want %q in it", first, want)
				}
			}
		})
	}
}

// fakeBinaries is a folder with a gatehouse that knows one plugin.
func fakeBinaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const script = `#!/bin/sh
if [ "$2" = tenant-rate-limit ]; then
  echo '{"Protocol": "ProtoBuf:1", "Plugins": [{"Name": "tenant-rate-limit", "Phases": ["access"], "Version": "0.1.0", "Priority": 905,
    "Schema": {"name": "tenant-rate-limit", "fields": [{"config": {"type": "record", "fields": [{"nodes": {"type": "integer"}}]}}]}}]}'
else
  echo "gatehouse info: no plugin \"$2\"; tenant-rate-limit?; see gatehouse info --help" >&2
  exit 2
fi
`
	if err := os.WriteFile(filepath.Join(dir, "gatehouse"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRefusalOrder: mistakes are told in the order in which they are written.
func TestRefusalOrder(t *testing.T) {
	t.Parallel()
	document, err := kongyaml.Layer(kongyaml.File{Name: "kong.yaml", Text: []byte("services:\n  - name: a\n    port: x\nplugins:\n  - name: cors\n    service: b\n")})
	if err != nil {
		t.Fatal(err)
	}
	err = refusal(document, &config.Invalid{Errors: schema.Errors{
		{Path: schema.Path{"plugins", 0, "service"}, Message: "there is no b"}, {Path: schema.Path{"services", 0, "port"}, Message: "expected an integer"},
	}})
	if want := "kong.yaml:3: services[0].port: expected an integer; write a whole number, without quotes\nkong.yaml:6: plugins[0].service: there is no b"; err.Error() != want {
		t.Errorf("said\n%s\nwant\n%s", err, want)
	}
}
