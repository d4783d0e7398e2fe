package configcheck

import (
	"strings"
	"testing"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

type other struct {
	Text string `json:"text" desc:"It is for a test alone."`
}

func (*other) Access(*pdk.PDK) {}

// fieldFindings are what the rules about fields of entities say of a config.
func fieldFindings(t *testing.T, config string) string {
	t.Helper()
	c, err := New(Options{}, pluginserver.Plugin{Name: "other", Version: "1.0.0", New: func() any { return new(other) }})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range c.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(config)}).Findings {
		if f.Rule == "field-unknown" || f.Rule == "field-type" || f.Rule == unreadable {
			lines = append(lines, f.String())
		}
	}
	return strings.Join(lines, "\n")
}

func TestFields(t *testing.T) {
	for _, tt := range []struct{ name, config, want string }{
		{"a service", "services: [{name: a, urll: 'http://a'}]", `services[0].urll: no such field; url? (a)`},
		{"a route", "services: [{name: a, routes: [{name: r, path: [/a]}]}]", `services[0].routes[0].path: no such field; paths? (r)`},
		{"a route at the top", "routes: [{name: r, host: [a]}]", `routes[0].host: no such field; hosts? (r)`},
		{"an upstream", "upstreams: [{name: u, helthchecks: {}, targets: [{target: a, wieght: 1}]}]", "upstreams[0].targets[0].wieght: no such field; weight? (a)\nupstreams[0].helthchecks: no such field; healthchecks? (u)"},
		{"deep in an upstream", "upstreams: [{name: u, healthchecks: {active: {helthy: {interval: 1}}}}]", `upstreams[0].healthchecks.active.helthy: no such field; healthy? (u)`},
		{"a consumer", "consumers: [{usrname: a}]", `consumers[0].usrname: no such field; username?`},
		{"its credentials", "consumers: [{username: a, keyauth_credential: [{key: k}]}]", `consumers[0].keyauth_credential: no such field; keyauth_credentials? (a)`},
		{"a credential", "consumers: [{username: a, jwt_secrets: [{ky: k}], acls: [{groups: x}]}]", "consumers[0].acls[0].groups: no such field; group? (of a)\nconsumers[0].jwt_secrets[0].ky: no such field; key? (of a)"},
		{"of Enterprise", "consumers: [{username: a, groups: [{name: g}]}]", `consumers[0].groups: no such field; remove it, unless a plugin that you added to Kong has such entities (a)`},
		{"a plugin", "plugins: [{name: cors, confg: {}}]", `plugins[0].confg: no such field; config? (cors)`},
		{"a number in quotes", "services: [{name: a, port: '80'}]", `services[0].port: "80": expected an integer; write a number, without quotes (a)`},
		{"a text without quotes", "consumers: [{username: a, custom_id: 12}]", `consumers[0].custom_id: 12: expected a string; put it in quotes (a)`},
		{"a secret without quotes", "consumers: [{username: a, keyauth_credentials: [{key: 12345678}]}]", `consumers[0].keyauth_credentials[0].key: expected a string; put it in quotes (of a)`},
		{"what Kong reads as true", "services: [{name: on}]", `services[0].name: true: expected a string; put it in quotes: Kong reads on, off, yes and no as true and false`},
		{"no list", "routes: [{name: r, paths: /a, methods: GET}]", "routes[0].methods: expected a set; write a list, as [A, B] (r)\nroutes[0].paths: expected an array; write a list, as [A, B] (r)"},
		{"a header without a list", "routes: [{name: r, headers: {X-V: v1, x-w: [1], x-y: , x-z: [z]}}]", "routes[0].headers.X-V: expected an array; write a list, as [A, B] (r)\nroutes[0].headers.x-w[0]: 1: expected a string; put it in quotes (r)\nroutes[0].headers.x-y: required field missing; write it (r)"},
		{"headers of a health check", "upstreams: [{name: u, healthchecks: {active: {headers: {X-V: v1}}}}]", `upstreams[0].healthchecks.active.headers.X-V: expected an array; write a list, as [A, B] (u)`},
		{"true in quotes", "routes: [{name: r, strip_path: 'false'}]", `routes[0].strip_path: "false": expected a boolean; write true or false, without quotes (r)`},
		{"deep, of another type", "upstreams: [{name: u, healthchecks: {passive: {unhealthy: {http_statuses: [five]}}}}]", `upstreams[0].healthchecks.passive.unhealthy.http_statuses[0]: "five": expected an integer; write a number, without quotes (u)`},
		{"a text for a record", "upstreams: [{name: u, healthchecks: 'on'}]", `upstreams[0].healthchecks: expected a record; write fields, as NAME: VALUE (u)`},
		{"a mapping of services", "services: {orders: {host: h}}", `services: expected a list of services; begin each with a dash: - NAME: VALUE`},
		{"a list of names", "plugins: [cors]", `plugins[0]: expected fields of one of plugins; write - name: cors`},
		{"a nested mapping", "services: [{name: a, routes: {r: {}}}]", `services[0].routes: expected a list of routes; begin each with a dash: - NAME: VALUE (a)`},
		{"two keys twice", "services: [{name: a, name: b}]\nroutes: []\nroutes: []", "services[0].name: key given twice: Kong takes the last, and says nothing; keep one (b)\nroutes: key given twice: Kong takes the last, and says nothing; keep one"},
		{"a tab", "services:\n\t- name: a", `a tab in the indentation, which YAML does not allow; indent with spaces`},
		{"no UTF-8", "services: [{name: \"\xff\"}]", `a byte that is no UTF-8; save the file as UTF-8`},
		{"empty", "", `it is empty; write _format_version: "3.0", and services, routes and plugins`},
		{"comments alone", "# nothing\n", `there is nothing in it but comments; write _format_version: "3.0", and services, routes and plugins`},
		{"an alias of itself", "services: &a [{name: a, routes: *a}]", `services[0].routes: the alias *a is within what it stands for, without an end; correct it: Kong reads one mapping in YAML or JSON`},
		{"no number", "services: [{port: !!int abc}]", `services[0].port: "abc" is no number; write a number, or take out the tag before it`},
		{"all at once", "_transform: maybe\nservices: [{name: a, port: .inf, urll: x}, {name: b, name: c, [x]: 1}]\nplugins: [{name: zipkin, config: {a: .inf}}]",
			"_transform: maybe: expected a boolean; write true or false, without quotes\n" +
				"services[0].urll: no such field; url? (a)\n" +
				"services[0].port: .inf: no finite number; write a number in digits, or take the field out where nothing is to be limited (a)\n" +
				"services[1].name: key given twice: Kong takes the last, and says nothing; keep one (c)\n" +
				"services[1]: a key must be a string; write NAME: VALUE (c)\n" +
				"plugins[0].config.a: .inf: no finite number; write a number in digits, or take the field out where nothing is to be limited (zipkin)"},
	} {
		if got := fieldFindings(t, tt.config); got != tt.want {
			t.Errorf("%s: said\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// TestFieldsThatThereAre: each field that Kong has is no mistake, nor is what exports write,
// an empty table of Lua's, a vault's reference, or what is null.
func TestFieldsThatThereAre(t *testing.T) {
	for kind, known := range kongEntities() {
		for _, name := range known.names() {
			if got := fieldFindings(t, kind+": [{"+name+": }]"); got != "" {
				t.Errorf("%s.%s: %s", kind, name, got)
			}
		}
	}
	for _, config := range []string{
		"services: [{name: a, id: x, ws_id: y, created_at: 1, updated_at: 2, _comment: c, _ignore: [], tags: {}, routes: {}, plugins: [{name: p, config: [1]}]}]",
		"services: [{name: a, client_certificate: {id: x}, ca_certificates: [y]}]",
		"services: [{name: a, url: '{vault://env/url}'}]",
		"routes: [{name: r, service: a, expression: 'http.path == \"/\"', priority: 1, headers: {x-a: [b]}, sources: [{ip: 10.0.0.0/8, port: 80}]}]",
		"certificates: [{cert: c, key: k, snis: [{name: a}]}, {cert: c, key: k, snis: [a]}]",
		"consumers: [{username: a, keyauth_credentials: [{key: k, ttl: 5}], oauth2_credentials: [{name: n, redirect_uris: ['http://a']}]}]",
		"vaults: [{name: env, prefix: e, config: {prefix: P}}]",
	} {
		if got := fieldFindings(t, config); got != "" {
			t.Errorf("%s: %s", config, got)
		}
	}
}
