package configcheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// TestGatewayRules is about what real configs have: where each rule finds something, and where
// it would be a false alarm. docs/check.md has the plain cases.
func TestGatewayRules(t *testing.T) {
	t.Parallel()
	const (
		key    = "{name: key-auth, config: {key_in_query: false}}"
		anon   = "{name: key-auth, config: {anonymous: guest}}"
		routes = "routes: [{name: r, paths: [/r]}]"
	)
	service := func(plugins string) string {
		return "services: [{name: s, host: h, plugins: [" + plugins + "], " + routes + "}]"
	}
	tests := []struct {
		rule, name, config string
		at                 []string // the paths of what is found
	}{
		{"route-without-auth", "a route, a service, all", "{" + service("") + ", plugins: [" + key + "]}", nil},
		{"route-without-auth", "on the route", "services: [{host: h, routes: [{plugins: [" + key + "]}, {}]}]", []string{"services[0].routes[1]"}},
		{"route-without-auth", "by references", "{services: [{name: s, host: h}], routes: [{name: r, service: s}, {name: q, service: s}], plugins: [{name: jwt, route: r}]}", []string{"routes[1]"}},
		{"route-without-auth", "by an id", "{services: [{id: 1a, host: h}], routes: [{service: {id: 1a}}], plugins: [{name: jwt, service: 1a}]}", nil},
		{"route-without-auth", "a plugin that is not enabled", service("{name: key-auth, enabled: false}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "a consumer's is nobody else's", "{" + service("") + ", consumers: [{username: c, plugins: [{name: session}]}]}", []string{"services[0].routes[0]"}},
		{"route-without-auth", "Enterprise's and one's own", "services: [{host: h, plugins: [{name: openid-connect}], routes: [{}]}, {host: h, plugins: [{name: my-oidc-login}], routes: [{}]}, {host: h, plugins: [{name: forward_auth}], routes: [{}]}]", nil},
		{"route-without-auth", "what only sounds so", service("{name: author-names}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "by address", service("{name: ip-restriction, config: {allow: [10.0.0.0/8]}}"), nil},
		{"route-without-auth", "all but some addresses", service("{name: ip-restriction, config: {deny: [10.0.0.0/8]}}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "preflights and probes", "services: [{host: h, routes: [{methods: [OPTIONS]}, {paths: [/healthz]}, {paths: [/api/health/, /ready]}, {paths: ['~/livez$']}, {paths: [/.well-known/jwks.json]}, {methods: [GET, OPTIONS]}, {paths: [/healthz, /admin]}]}]",
			[]string{"services[0].routes[5]", "services[0].routes[6]"}},
		{"route-without-auth", "not HTTP", "services: [{host: h, protocol: tcp, routes: [{protocols: [tcp], destinations: [{port: 1}]}]}]", nil},
		{"route-without-auth", "answers itself", "services: [{host: h, routes: [{plugins: [{name: request-termination}]}, {plugins: [{name: redirect}]}]}]", nil},
		{"route-without-auth", "answers itself to who sends the trigger only", service("{name: request-termination, config: {trigger: x-maintenance}}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "a session, which is asked of nobody", service("{name: session}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "all addresses", service("{name: ip-restriction, config: {allow: [0.0.0.0/0, '::/0']}}"), []string{"services[0].routes[0]"}},
		{"route-without-auth", "a service that is off", "services: [{host: h, enabled: false, routes: [{}]}]", nil},

		{"auth-anonymous", "with acl behind it", service(anon + ", {name: acl}"), nil},
		{"auth-anonymous", "one of two asks", service(anon + ", {name: jwt}"), nil},
		{"auth-anonymous", "turned away with a trigger only", "{" + service(anon) + ", consumers: [{username: guest, plugins: [{name: request-termination, config: {trigger: x}}]}]}", []string{"services[0].plugins[0].config.anonymous"}},
		{"auth-anonymous", "beside a session", "{" + service(anon+", {name: session}") + "}", []string{"services[0].plugins[0].config.anonymous"}},
		{"auth-anonymous", "on one route only", "services: [{host: h, plugins: [" + anon + "], routes: [{plugins: [{name: acl}]}, {}]}]", []string{"services[0].plugins[0].config.anonymous"}},

		{"route-twice", "in another order, and with other letters", "services: [{host: h, routes: [{paths: [/a, /b], headers: {X-A: [b]}}, {headers: {x-a: [b]}, paths: [/b, /a], protocols: [https, http]}]}]", []string{"services[0].routes[1]"}},
		{"route-twice", "another priority, protocol or header, or nothing", "services: [{host: h, routes: [{paths: [/a]}, {paths: [/a], regex_priority: 1}, {paths: [/a], protocols: [https]}, {paths: [/a], headers: {x: [b]}}, {}, {}]}]", nil},
		{"route-path-pattern", "regular expressions", `services: [{host: h, routes: [{paths: [/shop/.*, '/orders/\d+', '/v[12]/x', '/(a|b)', '/a/(b)?', '/orders$', '/orders/?', '/a/(?<id>b)', '/a{2}', '/x.+', '/^a', ~/ok/.*]}]}]`,
			paths(11)},
		{"route-path-pattern", "templates and stars", "services: [{host: h, routes: [{paths: ['/orders/{id}', '/orders/:id/items', /shop/*, '/*', /a/*/b, /a*]}]}]", paths(6)},
		{"route-path-pattern", "paths", `services: [{host: h, routes: [{paths: [/, /a.b, /v1.0+beta, '/$batch', '/odata/$metadata', "/Orders('x')", '/Orders(1)', /.well-known/x, '/users:batch', '/a@b', '/a%20b', '/a;v=1', '/~user', /a-b_c, '/a!', '/c++', '/x,y', '/search?q=1', '/a[b', /a/.]}]}]`, nil},
		{"route-path-pattern", "of which Kong makes regular expressions", `{_format_version: "2.1", services: [{host: h, routes: [{paths: [/shop/.*]}]}]}`, nil},
		{"route-path-pattern", "no texts", "services: [{host: h, routes: [{paths: [1, {a: b}]}, {paths: /shop/.*}, {expression: 'http.path ~ \"/.*\"'}]}]", nil},

		{"service-url-overwrites", "what says otherwise", "services: [{url: 'http://h', path: /v1}, {url: 'https://h/v1', host: g, port: 8443, protocol: http, path: /v2}, {url: 'http://u:p@h:8080/x', port: 80}]",
			[]string{"services[0].path", "services[1].host", "services[1].path", "services[1].port", "services[1].protocol", "services[2].port"}},
		{"service-url-overwrites", "what says the same, or is there alone", "services: [{url: 'https://h/v1', host: h, port: 443, protocol: https, path: /v1}, {url: 'http://[fd00::1]:81', host: '[fd00::1]', port: 81}, {url: 'http://h', retries: 3, path: null}, {host: h, path: /a}, {url: 'grpc://h', port: 80, protocol: grpc}]", nil},
		{"service-url-overwrites", "a url that Kong refuses", "services: [{url: 'h:80', host: h}, {url: 7, host: h}]", nil},

		{"upstream-unused", "in a url, and in other letters", "{upstreams: [{name: a.b}, {name: c}], services: [{url: 'http://A.B/x'}, {host: c}]}", nil},
		{"upstream-unused", "without services", "upstreams: [{name: a}]", nil},

		{"limit-name-unknown", "ids, custom_ids, and what is no text", "{consumers: [{custom_id: c}], routes: [{id: r, hosts: [h]}], plugins: [{name: tenant-rate-limit, config: {exempt: {routes: [r, 7, 7c0d7a3e-0000-4000-8000-000000000001], consumers: [c]}}}]}", nil},
		{"limit-name-unknown", "in one hop", "plugins: [{name: gatehouse, config: {run: [tenant_rate_limit], tenant_rate_limit: {costs: [{routes: [r], cost: 2}]}}}]", []string{"plugins[0].config.tenant_rate_limit.costs[0].routes[0]"}},

		{"limit-without-user", "by service, without authentication", service("{name: rate-limiting, config: {limit_by: service}}"), nil},
		{"limit-without-user", "by a header of the client's", service(key + ", {name: rate-limiting, config: {limit_by: header}}"), []string{"services[0].plugins[1].config.limit_by"}},
		{"limit-without-user", "by user too", service(key + ", {name: rate-limiting, config: {limit_by: service}}, {name: gatehouse, config: {run: [tenant_rate_limit]}}"), nil},
		{"limit-without-user", "Kong's default", service(key + ", {name: rate-limiting, config: {minute: 5}}"), nil},

		{"plugin-shadowed", "a consumer's goes before a route's", "{services: [{name: s, host: h, routes: [{name: r, plugins: [{name: rate-limiting, config: {second: 1}}]}]}], consumers: [{username: c, plugins: [{name: rate-limiting, config: {hour: 9}}]}]}", []string{"consumers[0].plugins[0]"}},
		{"plugin-shadowed", "a route's and service's before a consumer's", "{services: [{name: s, host: h, routes: [{name: r}]}], consumers: [{username: c}], plugins: [{name: rate-limiting, consumer: c, config: {hour: 9}}, {name: rate-limiting, service: s, route: r, config: {second: 1}}]}", []string{"plugins[1]"}},
		{"plugin-shadowed", "of routes that do not meet", "services: [{host: h, plugins: [{name: cors, config: {max_age: 1}}], routes: [{}]}, {host: h, plugins: [{name: cors, config: {credentials: true}}], routes: [{}]}]", nil},
		{"plugin-shadowed", "on no route", "{services: [{host: h, plugins: [{name: cors, config: {max_age: 1}}]}], plugins: [{name: cors, config: {credentials: true}}]}", nil},
		{"plugin-shadowed", "the same twice", "{services: [{host: h, plugins: [" + key + "], routes: [{}]}], plugins: [" + key + "]}", nil},
		{"plugin-shadowed", "what a transformer adds", "{services: [{host: h, plugins: [{name: request-transformer, config: {add: {headers: ['a:1']}}}], routes: [{}]}], plugins: [{name: request-transformer, config: {add: {headers: ['b:1']}}}]}", []string{"services[0].plugins[0]"}},
		{"plugin-shadowed", "another list is another value", "{services: [{host: h, plugins: [{name: acl, config: {allow: [a]}}], routes: [{}]}], plugins: [{name: acl, config: {allow: [b]}}]}", nil},
		{"plugin-shadowed", "of a group, which Kong runs nothing of", "{services: [{host: h, routes: [{}]}], consumer_groups: [{name: g, plugins: [{name: rate-limiting, config: {second: 1}}]}], plugins: [{name: rate-limiting, config: {hour: 9}}]}", nil},
		{"plugin-overridden", "another list", "{services: [{host: h, plugins: [{name: acl, config: {allow: [a]}}], routes: [{}]}], plugins: [{name: acl, config: {allow: [b]}}]}", []string{"services[0].plugins[0]"}},

		{"plugin-beside-one-hop", "for all, without a route", "plugins: [{name: gatehouse, config: {run: [trace_inject]}}, {name: trace-inject}]", []string{"plugins[1]"}},
		{"plugin-beside-one-hop", "a section that is not run", "plugins: [{name: gatehouse, config: {run: [pii_log_scrub], trace_inject: {}}}, {name: trace-inject}]", nil},
		{"plugin-beside-one-hop", "on other routes", "services: [{host: h, routes: [{plugins: [{name: gatehouse, config: {run: [trace_inject]}}]}, {plugins: [{name: trace-inject}]}]}]", nil},
		{"plugin-beside-one-hop", "a consumer's", "{services: [{host: h, routes: [{}]}], consumers: [{username: c, plugins: [{name: tenant-rate-limit}]}], plugins: [{name: gatehouse, config: {run: [tenant_rate_limit]}}]}", []string{"consumers[0].plugins[0]"}},

		{"plugin-name", "one's own and Enterprise's", "plugins: [{name: rate-limiting-advanced}, {name: exit-transformer}, {name: jwt-keycloak}, {name: openid-connect}, {name: ldap-auth-advanced}, {name: canary}, {name: proxy-cache-advanced}, {name: request-validator}, {name: gelf-log}, {name: my-plugin}]", nil},
		{"plugin-name", "slips", "plugins: [{name: kors}, {name: key_auth}, {name: ratelimiting}, {name: zipkn}, {name: JWT}, {}]", []string{"plugins[0].name", "plugins[1].name", "plugins[2].name", "plugins[3].name", "plugins[4].name", "plugins[5].name"}},
		{"plugin-twice", "nested and by a reference", "{services: [{name: s, host: h, plugins: [{name: cors}]}], plugins: [{name: cors, service: s}, {name: cors}]}", []string{"services[0].plugins[0]"}},
		{"plugin-twice", "one that is not enabled", "{services: [{name: s, host: h, plugins: [{name: cors, enabled: false}]}], plugins: [{name: cors, enabled: false}, {name: cors}, {name: acl, enabled: false}, {name: acl, enabled: false}]}", []string{"plugins[0]", "plugins[3]"}},
		{"reference", "of each kind", "{routes: [{service: x}], targets: [{upstream: x, target: 'a:1'}], acls: [{consumer: x}], plugins: [{name: cors, route: x}, {name: cors, consumer: {id: x}}]}", []string{"plugins[0].route", "plugins[1].consumer", "routes[0].service", "targets[0].upstream", "acls[0].consumer"}},

		{"reference", "by a mapping with a name, as decK writes it", "{services: [{name: s, host: h}], routes: [{name: r, service: {name: s}}], plugins: [{name: cors, consumer: {username: c}}], consumers: [{username: c}]}", []string{"routes[0].service", "plugins[0].consumer"}},
		{"credential-reference", "a variable of decK's", "consumers: [{username: c, keyauth_credentials: [{key: '${{ env \"DECK_KEY\" }}'}], jwt_secrets: [{key: k, secret: '${{ env \"DECK_X\" }}'}]}]", []string{"consumers[0].keyauth_credentials[0].key", "consumers[0].jwt_secrets[0].secret"}},
		{"secret-in-file", "a variable of decK's", "consumers: [{username: c, keyauth_credentials: [{key: '${{ env \"DECK_KEY\" }}'}], jwt_secrets: [{key: k, secret: '${{ env \"DECK_X\" }}'}]}]", nil},
		{"secret-in-file", "yes and no are none", "plugins: [{name: cors, config: {credentials: yes}}, {name: cors, config: {credentials: 'off'}}, {name: session, config: {secret: true}}]", nil},
		{"secret-in-file", "a name is none", "{consumers: [{username: c}], plugins: [{name: cors, consumer: {username: c}}]}", nil},
		{"secret-in-file", "of plugins what is certain", "plugins: [{name: http-log, config: {http_endpoint: 'http://logs', headers: {X-Source: kong}}}, {name: request-transformer, config: {add: {headers: ['X-A:b', 'Authorization:Basic eHg=']}}}, {name: session, config: {secret: hunter2}}, {name: rate-limiting, config: {redis: {host: r, username: u, password: hunter2}}}]",
			[]string{"plugins[1].config.add.headers[1]", "plugins[2].config.secret", "plugins[3].config.redis.password"}},
		{"secret-in-file", "in a vault, for development, left out", "{plugins: [{name: session, config: {secret: '{vault://env/x}'}}], _ignore: [{password: x}], consumers: [{username: c, keyauth_credentials: [{key: dev-only-x}, {key: y, tags: [development-only]}]}]}", nil},
		{"secret-in-file", "a private key", "certificates: [{cert: c, key: '-----BEGIN PRIVATE KEY-----'}]", []string{"certificates[0].key"}},

		{"tls-not-verified", "of a service", "services: [{host: a, protocol: https}, {host: a, protocol: https, tls_verify: false}, {host: a, protocol: https, tls_verify: true}, {host: a}, {url: 'grpcs://a'}]", []string{"services[0].tls_verify", "services[1].tls_verify", "services[4].tls_verify"}},
		{"tls-not-verified", "of plugins", "plugins: [{name: rate-limiting, config: {redis: {ssl: true}}}, {name: rate-limiting, service: x, config: {redis: {ssl: false, ssl_verify: false}}}, {name: openid-connect, config: {ssl_verify: false}}]", []string{"plugins[0].config.redis.ssl_verify", "plugins[2].config.ssl_verify"}},
		{"tls-plain-http", "one's own networks", "services: [{host: localhost}, {host: 127.0.0.1}, {host: 10.1.2.3}, {url: 'http://[fd00::1]:80'}, {host: orders}, {host: orders.shop.svc}, {host: orders.shop.svc.cluster.local}, {host: db.internal}]", nil},
		{"tls-plain-http", "others'", "services: [{host: api.example.com}, {host: 203.0.113.7}, {url: 'http://api.partner.io/v1'}, {url: 'https://api.partner.io/v1'}]", []string{"services[0].protocol", "services[1].protocol", "services[2].url"}},
		{"tls-plain-http", "an upstream's targets", "{upstreams: [{name: near.upstream.io, targets: [{target: 'orders:80'}]}, {name: far, targets: [{target: 'orders:80'}, {target: 'api.partner.io:80'}]}], services: [{host: near.upstream.io}, {host: far}]}", []string{"services[1].protocol"}},

		{"health-off", "targets at the top", "{upstreams: [{name: u}, {name: v}], targets: [{upstream: u, target: 'a:1'}, {upstream: u, target: 'b:1'}, {upstream: v, target: 'a:1'}]}", []string{"upstreams[0].healthchecks"}},
		{"health-off", "one that takes nothing", "upstreams: [{name: u, targets: [{target: 'a:1'}, {target: 'b:1', weight: 0}]}]", nil},
		{"health-off", "active checks that count nothing", "upstreams: [{name: u, healthchecks: {active: {healthy: {interval: 5}}}, targets: [{target: 'a:1'}, {target: 'b:1'}]}]", []string{"upstreams[0].healthchecks"}},
		{"health-off", "active checks that Kong never runs", "{upstreams: [{name: u, healthchecks: {active: {type: tcp, healthy: {interval: 5, successes: 1}, unhealthy: {interval: 5, tcp_failures: 1}}}, targets: [{target: 'a:1'}, {target: 'b:1'}]}], services: [{host: u}]}", []string{"upstreams[0].healthchecks"}},
		{"health-off", "active checks by HTTP of what is called by TCP", "{upstreams: [{name: u, healthchecks: {active: {healthy: {interval: 5, successes: 1}, unhealthy: {interval: 5, tcp_failures: 1}}}, targets: [{target: 'a:1'}, {target: 'b:1'}]}], services: [{host: u, protocol: tcp}]}", []string{"upstreams[0].healthchecks"}},
		{"health-no-return", "active checks that Kong never runs", "upstreams: [{name: u, healthchecks: {active: {type: tcp, healthy: {successes: 1}, unhealthy: {interval: 5}}, passive: {unhealthy: {tcp_failures: 1}}}}]", []string{"upstreams[0].healthchecks.active"}},
		{"health-no-return", "by TCP, for TCP", "{upstreams: [{name: u, healthchecks: {active: {type: tcp, healthy: {successes: 1}, unhealthy: {interval: 5}}, passive: {unhealthy: {tcp_failures: 1}}}}], services: [{host: u, protocol: tls}]}", nil},
		{"health-no-return", "by no success", "upstreams: [{name: u, healthchecks: {active: {healthy: {interval: 5}, unhealthy: {interval: 5, http_failures: 1}}}}]", []string{"upstreams[0].healthchecks.active"}},
		{"health-statuses", "by TCP", "{upstreams: [{name: u, healthchecks: {active: {type: tcp, healthy: {interval: 5, successes: 1}, unhealthy: {interval: 5, tcp_failures: 1}}}}], services: [{host: u, protocol: tcp}]}", nil},
		{"health-statuses", "passive only", "upstreams: [{name: u, healthchecks: {passive: {unhealthy: {http_failures: 1}}}}]", nil},

		{"cors-hides-headers", "when a brownout ends", `services: [{host: h, plugins: [{name: cors, config: {exposed_headers: [Deprecation, Sunset, Link]}}, {name: sunset-headers, config: {sunset_at: "2099-01-01", brownout_shares: [{start_at: "2098-01-01", to_percent: 5}]}}], routes: [{name: r, paths: [/]}]}]`,
			[]string{"services[0].plugins[0].config.exposed_headers"}},
		{"cors-hides-headers", "a version without brownouts", `services: [{host: h, plugins: [{name: cors, config: {exposed_headers: [Deprecation, Sunset, Link]}}, {name: sunset-headers, config: {sunset_at: "2099-01-01"}}], routes: [{name: r, paths: [/]}]}]`, nil},
		{"sunset-passed", "by section, and who may go on", `{plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {sunset_at: "2026-01-01"}}}], services: [{host: h, plugins: [
 {name: sunset-headers, config: {sunset_at: "2026-01-01", exemptions: [{consumer: c, until: "2099-01-01"}]}}]}, {host: h, plugins: [{name: sunset-headers, config: {sunset_at: "2026-01-01", after_sunset: warn}}]}]}`,
			[]string{"plugins[0].config.sunset_headers.sunset_at", "services[1].plugins[0].config.sunset_at"}},
	}
	checker := gatewayChecker(t, configcheck.Options{})
	for _, tt := range tests {
		t.Run(tt.rule+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(check(checker, tt.config), tt.rule), tt.at...)
		})
	}
}

// paths are those of the first n paths of a route.
func paths(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("services[0].routes[0].paths[%d]", i))
	}
	return all
}

// TestFixesOfPaths: what is to be written in a path's place is what was meant.
func TestFixesOfPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		`/shop/.*`:                `as a regular expression; write ~/shop/.* (`,
		`/orders/\d+`:             `as a regular expression; write ~/orders/\d+ (`,
		`/orders/{id}/.*`:         `as a regular expression; write ~/orders/[^/]+/.* (`,
		`/orders/{id}.json`:       `as a template; write ~/orders/[^/]+\.json (`,
		`/{a}{b}/c`:               `as a template; write ~/[^/]+[^/]+/c (`,
		`/orders/:id`:             `as a template; write ~/orders/[^/]+ (`,
		`/orders/:id/items/:item`: `as a template; write ~/orders/[^/]+/items/[^/]+ (`,
		`/shop/*`:                 `as a pattern; write /shop/, which is met by all that begins with it (`,
		`/**`:                     `as a pattern; write /, which is met by all that begins with it (`,
		`/a/*/b.c`:                `as a pattern; write ~/a/[^/]*/b\.c (`,
		`/a/**/b`:                 `as a pattern; write ~/a/.*/b (`,
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), "services: [{name: s, host: h, routes: [{name: r, paths: ['"+path+"']}]}]"), "route-path-pattern")
		if len(report.Findings) != 1 || !strings.Contains(report.Findings[0].String(), want) {
			t.Errorf("%s: found %v, want %s", path, report.Findings, want)
		}
	}
}

func gatewayChecker(t *testing.T, o configcheck.Options) *configcheck.Checker {
	t.Helper()
	checker, err := configcheck.New(options(o), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &config{closed: new(int)} }})
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

// TestOldProtocols: the variables of kong.conf, where they are set.
func TestOldProtocols(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		variable, value string
		found           int
	}{
		"protocols":       {"KONG_SSL_PROTOCOLS", "TLSv1 TLSv1.2", 1},
		"new protocols":   {"KONG_SSL_PROTOCOLS", "TLSv1.2 TLSv1.3", 0},
		"the old suite":   {"KONG_SSL_CIPHER_SUITE", "old", 1},
		"broken ciphers":  {"KONG_SSL_CIPHERS", "ECDHE-RSA-AES128-GCM-SHA256:DES-CBC3-SHA:RC4-MD5", 2},
		"no cipher":       {"KONG_SSL_CIPHERS", "aNULL:eNULL", 2},
		"broken left out": {"KONG_SSL_CIPHERS", "ECDHE-ECDSA-AES256-GCM-SHA384:HIGH:!aNULL:!MD5:-DES", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := gatewayChecker(t, configcheck.Options{Getenv: func(name string) string {
				return map[string]string{tt.variable: tt.value}[name]
			}})
			if got := only(check(checker, "plugins: [{name: cors}]"), "tls-old-protocol").Findings; len(got) != tt.found {
				t.Errorf("%v, want %d", got, tt.found)
			}
		})
	}
}

// wantAt compares the paths of findings, whatever their order.
func wantAt(t *testing.T, report configcheck.Report, want ...string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.Path)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found at (-want +got):\n%s%v", diff, report.Findings)
	}
}

// TestWaivers: a waiver is for the entity and what is in it, needs a reason, and is told of
// where it is no use.
func TestWaivers(t *testing.T) {
	t.Parallel()
	const plugins = "plugins: [{name: cors}]"
	for name, tt := range map[string]struct {
		config string
		found  []string
		waived int
	}{
		"on the route":               {"{services: [{host: h, routes: [{paths: [/a], _ignore: ['route-without-auth: public']}, {paths: [/b]}]}], " + plugins + "}", []string{"route-without-auth services[0].routes[1]"}, 1},
		"on the service":             {"{services: [{host: h, _ignore: ['route-without-auth: public'], routes: [{paths: [/a]}, {paths: [/b]}]}], " + plugins + "}", nil, 2},
		"on all":                     {"{_ignore: ['route-without-auth: public'], services: [{host: h, routes: [{paths: [/a]}, {paths: [/b]}]}], " + plugins + "}", nil, 2},
		"another rule's":             {"{services: [{host: h, routes: [{paths: [/a], _ignore: ['plugin-none: x']}]}], " + plugins + "}", []string{"waiver-unused services[0].routes[0]._ignore[0]", "route-without-auth services[0].routes[0]"}, 0},
		"no reason":                  {"{services: [{host: h, routes: [{paths: [/a], _ignore: ['route-without-auth: ']}]}], " + plugins + "}", []string{"waiver-invalid services[0].routes[0]._ignore[0]", "route-without-auth services[0].routes[0]"}, 0},
		"no such rule":               {"{_ignore: ['route-without-oauth: public', 'see the wiki'], " + plugins + "}", []string{"waiver-invalid _ignore[0]", "waiver-invalid _ignore[1]"}, 0},
		"what Kong refuses":          {"{_ignore: ['reference: later'], plugins: [{name: cors, service: s}]}", []string{"waiver-invalid _ignore[0]", "reference plugins[0].service"}, 0},
		"waivers cannot be":          {"{_ignore: ['waiver-unused: later'], " + plugins + "}", []string{"waiver-invalid _ignore[0]"}, 0},
		"no list":                    {"{services: [{host: h, _ignore: 'route-without-auth: public', routes: [{paths: [/a]}]}], " + plugins + "}", []string{"waiver-invalid services[0]._ignore", "route-without-auth services[0].routes[0]"}, 0},
		"what nothing was judged by": {"{_ignore: ['contract-dates: they differ by agreement', 'sunset-notice: agreed'], " + plugins + "}", nil, 0},
		"anchors are no waivers":     {"{_ignore: [{a: 1}, 7], " + plugins + "}", nil, 0},
		"not of another":             {"{services: [{host: h, _ignore: ['route-without-auth: public']}, {host: h, routes: [{paths: [/a]}]}], " + plugins + "}", []string{"waiver-unused services[0]._ignore[0]", "route-without-auth services[1].routes[0]"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := check(gatewayChecker(t, configcheck.Options{}), `{_format_version: "3.0", `+strings.TrimPrefix(tt.config, "{"))
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Rule+" "+f.Path)
			}
			slices.Sort(got)
			slices.Sort(tt.found)
			if diff := cmp.Diff(tt.found, got); diff != "" || len(report.Waived) != tt.waived {
				t.Errorf("waived %v, found (-want +got):\n%s", report.Waived, diff)
			}
		})
	}
}

// TestContracts: paths are compared as the service is asked for them.
func TestContracts(t *testing.T) {
	t.Parallel()
	const missing, extra = "contract-without-route", "route-without-contract"
	for name, tt := range map[string]struct {
		routes, contract string
		want             []string
	}{
		"whole":                {"strip_path: false, paths: [/v1/orders]", "{paths: {/v1/orders: {get: {}}, '/v1/orders/{id}': {get: {}}}}", nil},
		"by a template":        {"strip_path: false, paths: [/v1/orders/latest]", "{paths: {'/v1/orders/{id}': {get: {}}}}", nil},
		"stripped":             {"paths: [/partner/orders]", "{paths: {/v1/orders: {get: {}}}}", nil},
		"another":              {"strip_path: false, paths: [/v1/bills]", "{paths: {/v1/orders: {get: {}}}}", []string{missing, extra}},
		"another method":       {"strip_path: false, methods: [GET], paths: [/v1/orders]", "{paths: {/v1/orders: {get: {}, post: {}}}}", []string{missing}},
		"below a server":       {"strip_path: false, paths: [/api/v1/orders]", "{servers: [{url: 'https://h/api/'}], paths: {/v1/orders: {get: {}}}}", nil},
		"by an expression":     {`strip_path: false, paths: ['~/v1/orders/\d+$']`, "{paths: {'/v1/orders/{id}': {get: {}}}}", nil},
		"another expression":   {`strip_path: false, paths: ['~/v1/bills/\d+$']`, "{paths: {'/v1/orders/{id}': {get: {}}}}", []string{missing, extra}},
		"an expression of Lua": {`strip_path: false, paths: ['~/v1/(?=x)']`, "{paths: {/v1/orders: {get: {}}}}", nil},
		"no path":              {"strip_path: false, hosts: [a]", "{paths: {/v1/orders: {get: {}}}}", nil},
		"what is below":        {"strip_path: false, paths: [/v1/orders/]", "{paths: {/v1/orders: {get: {}}, '/v1/orders/{id}': {get: {}}}}", []string{missing}},
		"half a segment":       {"strip_path: false, paths: [/v1/ord]", "{paths: {/v1/orders: {get: {}}}}", nil},
		"no operation":         {"strip_path: false, paths: [/v1]", "{paths: {/v1/orders: {summary: x}}}", []string{extra}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := kongyaml.Layer(kongyaml.File{Name: "api.yaml", Text: []byte(tt.contract)})
			if err != nil {
				t.Fatal(err)
			}
			checker := gatewayChecker(t, configcheck.Options{Contracts: []configcheck.Contract{{Services: []string{"s"}, Document: document}}})
			report := only(check(checker, "services: [{name: s, host: h, routes: [{"+tt.routes+"}]}]"), missing, extra)
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Rule)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s%v", diff, report.Findings)
			}
		})
	}
}

// TestContractBehindAPath: a service's own path is put before what is left of the request's.
func TestContractBehindAPath(t *testing.T) {
	t.Parallel()
	document, err := kongyaml.Layer(kongyaml.File{Name: "orders.yaml", Text: []byte("{paths: {/v1/orders: {get: {}}, /v2/orders: {get: {}}}}")})
	if err != nil {
		t.Fatal(err)
	}
	checker := gatewayChecker(t, configcheck.Options{Contracts: []configcheck.Contract{{Services: []string{"v1", "v2"}, Document: document}}})
	report := check(checker, "services: [{name: v1, url: 'http://h/v1/orders', routes: [{paths: [/a]}]}, {name: v2, host: h, path: /v2/orders, routes: [{paths: [/b]}]}]")
	wantAt(t, only(report, "contract-without-route", "route-without-contract", "contract-without-service"))
}

// TestManyEntities: a large config is looked through in a moment.
func TestManyEntities(t *testing.T) {
	t.Parallel()
	many := 500 // services, and as many consumers
	if testing.Short() {
		many = 100
	}
	var text strings.Builder
	text.WriteString("plugins: [{name: rate-limiting, config: {minute: 5}}, {name: key-auth}]\nservices:\n")
	for i := range many {
		fmt.Fprintf(&text, "- {name: s%d, host: h, plugins: [{name: cors, config: {max_age: %d}}, {name: rate-limiting, config: {minute: 1001}}], routes: [{name: r%[1]d, paths: [/%[1]d]}, {name: q%[1]d, paths: [/q%[1]d]}]}\n", i, i)
	}
	text.WriteString("consumers:\n")
	for i := range many {
		fmt.Fprintf(&text, "- {username: c%d, plugins: [{name: rate-limiting, config: {minute: %d}}]}\n", i, i)
	}
	report := check(gatewayChecker(t, configcheck.Options{}), text.String())
	if got := report.Checked["routes"]; got != 2*many {
		t.Errorf("%d routes", got)
	}
	// A consumer goes before what is for all, and before what services have, of which one is
	// told; services go before what is for all.
	if got := len(only(report, "plugin-overridden").Findings); got != 3*many-1 {
		t.Errorf("%d overridden", got)
	}
}

// contracted is a check of a config against a contract of its services, in YAML.
func contracted(t *testing.T, contract, config string, services ...string) configcheck.Report {
	t.Helper()
	document, err := kongyaml.Layer(kongyaml.File{Name: "api.yaml", Text: []byte(contract)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	checker := gatewayChecker(t, configcheck.Options{Now: now, Contracts: []configcheck.Contract{{Services: services, Document: document}}})
	return check(checker, config)
}

// TestContractEndings: what a contract says of the end of an operation, and what the answers of
// its routes say.
func TestContractEndings(t *testing.T) {
	t.Parallel()
	const silent, unsaid, dates = "contract-not-announced", "contract-not-deprecated", "contract-dates"
	const route = "services: [{name: s, host: h, routes: [{name: r, strip_path: false, paths: [/v1]PLUGIN}]}]"
	sunset := func(config string) string {
		return strings.Replace(route, "PLUGIN", ", plugins: [{name: sunset-headers, config: {"+config+"}}]", 1)
	}
	const both = `deprecated_at: "2026-01-01", sunset_at: "2027-06-30"`
	for name, tt := range map[string]struct {
		operation, config string
		want              []string
	}{
		"neither":                               {"{}", strings.Replace(route, "PLUGIN", "", 1), nil},
		"both":                                  {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(both), nil},
		"a date that is none in quotes":         {"{deprecated: true, x-sunset: 2027-06-30}", sunset(both), nil},
		"in another zone":                       {"{deprecated: true, x-sunset: '2027-06-30T02:00:00+02:00'}", sunset(both), nil},
		"in the day":                            {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(`sunset_at: "2027-06-30T18:00:00Z"`), nil},
		"another time of the day":               {"{deprecated: true, x-sunset: '2027-06-30T12:00:00Z'}", sunset(both), []string{dates}},
		"not announced":                         {"{deprecated: true}", strings.Replace(route, "PLUGIN", "", 1), []string{silent}},
		"an end that is not announced":          {"{x-sunset: '2027-06-30'}", strings.Replace(route, "PLUGIN", "", 1), []string{silent}},
		"announced by a plugin off":             {"{deprecated: true}", strings.Replace(route, "PLUGIN", ", plugins: [{name: sunset-headers, enabled: false, config: {"+both+"}}]", 1), []string{silent}},
		"announced only":                        {"{}", sunset(both), []string{unsaid}},
		"an end announced only":                 {"{}", sunset(`sunset_at: "2027-06-30"`), []string{unsaid}},
		"deprecated later":                      {"{}", sunset(`deprecated_at: "2027-01-01", sunset_at: "2027-06-30"`), nil},
		"deprecated later, said now":            {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(`deprecated_at: "2027-01-01", sunset_at: "2027-06-30"`), nil},
		"another day":                           {"{deprecated: true, x-sunset: '2027-12-31'}", sunset(both), []string{dates}},
		"no day in the contract":                {"{deprecated: true}", sunset(both), []string{dates}},
		"no day in the config":                  {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(`deprecated_at: "2026-01-01"`), []string{dates}},
		"no day in either":                      {"{deprecated: true}", sunset(`deprecated_at: "2026-01-01"`), nil},
		"no date":                               {"{deprecated: true, x-sunset: 30.06.2027}", sunset(both), []string{dates}},
		"no text":                               {"{deprecated: true, x-sunset: 20270630}", sunset(both), []string{dates}},
		"no date in the config":                 {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(`deprecated_at: "2026-01-01", sunset_at: soon`), nil}, // plugin-config tells
		"in one hop":                            {"{deprecated: true, x-sunset: '2027-06-30'}", strings.Replace(route, "PLUGIN", ", plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {"+both+"}}}]", 1), nil},
		"in one hop, a section that is not run": {"{deprecated: true}", strings.Replace(route, "PLUGIN", ", plugins: [{name: gatehouse, config: {run: [trace_inject], sunset_headers: {"+both+"}}}]", 1), []string{silent}},
		"by another route of two":               {"{deprecated: true, x-sunset: '2027-06-30'}", sunset(both) + "\nroutes: [{name: q, service: s, strip_path: false, hosts: [q], paths: [/v1]}]", []string{silent}},
		"by the route of the operation":         {"{deprecated: true, x-sunset: '2027-06-30'}", strings.Replace(sunset(both), "paths: [/v1]", "paths: [/v1/orders]", 1) + "\nroutes: [{name: all, service: s, strip_path: false, paths: [/]}]", nil},
		"by an expression":                      {"{deprecated: true, x-sunset: '2027-06-30'}", strings.Replace(sunset(both), "paths: [/v1]", "paths: ['~/v1/o']", 1) + "\nroutes: [{name: all, service: s, strip_path: false, paths: [/v1/orders]}]", nil},
		"waived":                                {"{deprecated: true}", strings.Replace(route, "PLUGIN", ", _ignore: ['"+silent+": they are told by mail']", 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := contracted(t, "{paths: {/v1/orders: {get: "+tt.operation+"}}}", tt.config, "s")
			var got []string
			for _, f := range only(report, silent, unsaid, dates).Findings {
				got = append(got, f.Rule)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s%v", diff, report.Findings)
			}
			if name == "no text" && !strings.Contains(fmt.Sprint(report.Findings), "20270630 is not") {
				t.Errorf("the number is told as another: %v", report.Findings)
			}
			if name == "waived" && len(report.Waived) != 1 {
				t.Errorf("waived: %v", report.Waived)
			}
		})
	}
}

// TestContractEndingsOfAll: a path, or a whole document, may be deprecated.
func TestContractEndingsOfAll(t *testing.T) {
	t.Parallel()
	const config = `services: [{name: s, host: h, routes: [{strip_path: false, paths: [/v1]}], plugins: [{name: sunset-headers, config: {deprecated_at: "2026-01-01", sunset_at: "2027-06-30"}}]}]`
	for contract, want := range map[string][]string{
		"{info: {x-deprecated: true, x-sunset: '2027-06-30'}, paths: {/v1/a: {get: {}, post: {}}}}":                                             nil,
		"{paths: {/v1/a: {x-deprecated: true, x-sunset: '2027-06-30', get: {}}}}":                                                               nil,
		"{info: {x-deprecated: true, x-sunset: '2027-07-01'}, paths: {/v1/a: {x-sunset: '2027-06-30', get: {}}}}":                               nil,
		"{info: {x-deprecated: true, x-sunset: '2027-06-30'}, paths: {/v1/a: {get: {deprecated: false}, post: {}}}}":                            {"paths./v1/a.get"},
		"{info: {x-deprecated: true, x-sunset: '2027-07-01'}, paths: {/v1/a: {get: {}}}}":                                                       {"info.x-sunset"},
		"{paths: {/v1/a: {get: {deprecated: true, x-sunset: '2027-06-30'}, post: {}}, /v1/b: {delete: {}}}}":                                    {"paths./v1/a.post", "paths./v1/b.delete"},
		"{paths: {/v1/a: {$ref: '#/components/pathItems/a~1b'}}, components: {pathItems: {a/b: {get: {}}}}}":                                    {"components.pathItems.a/b.get"},
		"{paths: {/v1/a: {$ref: '#/paths/~1v1~1b'}, /v1/b: {$ref: '#/paths/~1v1~1a'}, /v1/c: {$ref: other.yaml}, /v1/d: {$ref: '#/no/where'}}}": nil,
		"{servers: [{url: /v2}], paths: {/a: {servers: [{url: /v1}], get: {}}, /b: {get: {servers: [{url: /v1}]}}, /c: {get: {}}}}":             {"paths./a.get", "paths./b.get"},
	} {
		t.Run(contract, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(contracted(t, contract, config, "s"), "contract-not-announced", "contract-not-deprecated", "contract-dates"), want...)
		})
	}
}

// TestContractVersions: versions that a contract names are those of routes, by whatever the
// routes know them.
func TestContractVersions(t *testing.T) {
	t.Parallel()
	const v1 = "{strip_path: false, paths: [/v1/a]}"
	for name, tt := range map[string]struct {
		contract, routes string
		want             []string
	}{
		"the only one":         {"{info: {version: 1.4.2}, paths: {/v1/a: {get: {}}}}", v1, nil},
		"another":              {"{info: {version: 3.0.0}, paths: {/v1/a: {get: {}}}}", v1, []string{"info.version"}},
		"with a v":             {"{info: {version: v2}, paths: {/v1/a: {get: {}}}}", v1, []string{"info.version"}},
		"before the first":     {"{info: {version: 0.9.0}, paths: {/v1/a: {get: {}}}}", v1, nil},
		"no version":           {"{info: {version: latest}, paths: {/v1/a: {get: {}}}}", v1, nil},
		"one of two":           {"{info: {version: 2.0.0}, paths: {/v1/a: {get: {}}}}", v1 + ", {strip_path: false, paths: [/v2/a]}", nil},
		"by media type":        {"{info: {version: 2.0.0}, paths: {/v1/a: {get: {}}}}", v1 + ", {paths: [/a], headers: {accept: [application/vnd.x.v2+json]}}", nil},
		"by a header's number": {"{info: {version: 2.0.0}, paths: {/v1/a: {get: {}}}}", v1 + ", {paths: [/a], headers: {x-api-version: ['2']}}", nil},
		"by none":              {"{info: {version: 2.0.0}, paths: {/v1/a: {get: {}}}}", v1 + ", {strip_path: false, paths: [/]}", nil},
		"a day":                {"{info: {version: '2026-09-01'}, paths: {/a: {get: {}}}}", "{paths: [/a], headers: {x-api-version: ['2026-09-01']}}", nil},
		"another day":          {"{info: {version: '2026-10-01'}, paths: {/a: {get: {}}}}", "{paths: [/a], headers: {x-api-version: ['2026-09-01']}}", []string{"info.version"}},
		"a day against paths":  {"{info: {version: '2026-10-01'}, paths: {/v1/a: {get: {}}}}", v1, nil},
		"a server":             {"{servers: [{url: 'https://api.test/v1'}], paths: {/a: {get: {}}}}", v1, nil},
		"a second server":      {"{servers: [{url: 'https://api.test/v1'}, {url: 'https://api.test/v3/'}], paths: {/a: {get: {}}}}", v1, []string{"servers[1].url"}},
		"a server's variable":  {"{servers: [{url: 'https://{host}/{v}', variables: {v: {default: v3}}}], paths: {/a: {get: {}}}}", v1, []string{"servers[0].url"}},
		"a path of its own":    {"{servers: [{url: /v1}, {url: /v3}], paths: {/a: {get: {}}, /b: {servers: [{url: /v3}], get: {}}}}", v1 + ", {strip_path: false, paths: [/v3/b]}", []string{"servers[1].url"}},
		"a server of none":     {"{servers: [{url: 'https://api.test/v1'}, {url: /staging}], paths: {/a: {get: {}}}}", v1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(contracted(t, tt.contract, "services: [{name: s, host: h, routes: ["+tt.routes+"]}]", "s"), "contract-version"), tt.want...)
		})
	}
}

// TestContractOfClients: a contract may be of what clients ask for, where that is stripped.
func TestContractOfClients(t *testing.T) {
	t.Parallel()
	const config = "services: [{name: s, host: h, path: /orders, routes: [{name: r, paths: [/partner/v1/orders]}]}]"
	rules := []string{"contract-without-route", "route-without-contract"}
	wantAt(t, only(contracted(t, "{paths: {/partner/v1/orders: {get: {}}, '/partner/v1/orders/{id}': {get: {}}}}", config, "s"), rules...))
	wantAt(t, only(contracted(t, "{paths: {/partner/v1/orders: {get: {}}, /partner/v1/bills: {get: {}}}}", config, "s"), rules...), "paths./partner/v1/bills.get")
	// What is of the service is not looked for among what clients ask for.
	wantAt(t, only(contracted(t, "{paths: {/orders: {get: {}}, /partner/v1/orders: {get: {}}}}", config, "s"), rules...), "paths./partner/v1/orders.get")
}
