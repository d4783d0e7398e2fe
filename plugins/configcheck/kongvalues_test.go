package configcheck_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// TestFieldValues: what Kong 3.9.1 refuses of its own fields, each as `kong config parse` does,
// is found with its field and value.
func TestFieldValues(t *testing.T) {
	t.Parallel()
	service := func(fields string) string { return "services: [{" + fields + "}]" }
	route := func(fields string) string { return "services: [{name: s, host: h, routes: [{" + fields + "}]}]" }
	for config, want := range map[string]string{
		service("url: '127.0.0.1:8080'"):      `services[0].url: "127.0.0.1:8080": a URL begins with its protocol; write http://127.0.0.1:8080`,
		service("url: 'htps://h/x?y=1'"):      `services[0].url: "htps://h/x?y=1": no protocol of Kong's; https?`,
		service("url: 'http://h:99999'"):      `services[0].url: "http://h:99999": port 99999: expected one from 0 to 65535`,
		service("url: 'http://h/a//b'"):       `services[0].url: "http://h/a//b": a path has no empty segment`,
		service("host: h, retries: -1"):       `services[0].retries: -1: value should be between 0 and 32767`,
		service("host: h, read_timeout: 0"):   `services[0].read_timeout: 0: value should be between 1 and 2147483646`,
		service("host: 'a b'"):                `services[0].host: "a b": no host name or address`,
		service("host: 'h:80'"):               `services[0].host: "h:80": a host has no port here; write h, and port: 80`,
		service("host: 10.0.0.256"):           `services[0].host: "10.0.0.256": no host name or address`,
		service("host: h, path: x"):           `services[0].path: "x": a path begins with a slash; write /x`,
		service("host: h, tags: ['a,b']"):     `services[0].tags[0]: "a,b": a tag has no comma`,
		service("host: h, protocol: htp"):     `services[0].protocol: "htp": expected one of: http, https, grpc, grpcs, tcp, tls, tls_passthrough, udp; http?`,
		service("name: 'a b', host: h"):       `services[0].name: "a b": a name has letters`,
		service("name: a"):                    `services[0]: there is no host or url`,
		route("paths: [orders]"):              `services[0].routes[0].paths[0]: "orders": a path begins with a slash, and a regular expression with ~/; write /orders`,
		route(`paths: ['~/orders/(\d+']`):     `services[0].routes[0].paths[0]: "~/orders/(\\d+": no regular expression: missing closing )`,
		route("paths: ['~orders']"):           `services[0].routes[0].paths[0]: "~orders": a regular expression of a path begins with ~/`,
		route("paths: [/a/../b]"):             `services[0].routes[0].paths[0]: "/a/../b": a path has no segment . or ..`,
		route("paths: ['/a%zz']"):             `services[0].routes[0].paths[0]: "/a%zz": a % without two hexadecimal digits`,
		route("methods: [get, FETCH]"):        `services[0].routes[0].methods[0]: "get": a method is in capital letters; write GET`,
		route("hosts: ['a b']"):               `services[0].routes[0].hosts[0]: "a b": no host name or address`,
		route("hosts: [a.*.b]"):               `services[0].routes[0].hosts[0]: "a.*.b": one * may stand for the first label or the last`,
		route("hosts: [a], protocols: [ftp]"): `services[0].routes[0].protocols[0]: "ftp": expected one of: http`,
		route("headers: {Host: [a]}"):         `services[0].routes[0].headers.Host: "Host": a route is met by this header through hosts; write hosts: [NAME], and remove it here`,
		route("headers: {'X V': [a]}"):        `services[0].routes[0].headers.X V: "X V": a header's name has letters, digits, _ and - alone`,
		route("headers: {X-V: []}"):           `services[0].routes[0].headers.X-V: there is no value in it`,
		"upstreams: [{name: u, healthchecks: {active: {headers: {X.V: [a]}}}}]": `upstreams[0].healthchecks.active.headers.X.V: "X.V": a header's name has`,
		route("protocols: [tcp]"): `services[0].routes[0]: no request meets it: there is none of sources, destinations, snis; write one of them, such as destinations: [{ port: 9000 }]`,
		route("protocols: [tls_passthrough], destinations: [{port: 1}]"):            `services[0].routes[0]: no request meets it: there is none of snis; write one of them, such as snis:`,
		route("protocols: [tcp], paths: [/]"):                                       `services[0].routes[0].paths: cannot be set where protocols are tcp; remove it, or write protocols: [http, https]`,
		route("name: r"):                                                            `services[0].routes[0]: no request meets it: there is none of methods, hosts, headers, paths, snis`,
		route("protocols: [http]"):                                                  `services[0].routes[0]: no request meets it: there is none of methods, hosts, headers, paths;`,
		route("paths: [/], https_redirect_status_code: 303"):                        `services[0].routes[0].https_redirect_status_code: 303: expected one of: 426, 301, 302, 307, 308`,
		"upstreams: [{name: u, targets: [{target: a, weight: 70000}]}]":             `upstreams[0].targets[0].weight: 70000: value should be between 0 and 65535`,
		"upstreams: [{name: u, targets: [{target: 'http://a'}]}]":                   `upstreams[0].targets[0].target: "http://a": no host name or address`,
		"upstreams: [{name: 10.0.0.1}]":                                             `upstreams[0].name: "10.0.0.1": an upstream is called by a host name`,
		"upstreams: [{name: u, healthchecks: {active: {healthy: {interval: -1}}}}]": `upstreams[0].healthchecks.active.healthy.interval: -1: value should be between 0 and 65535`,
		"targets: [{target: a}]":                                                    `targets[0].upstream: required field missing`,
		"consumers: [{tags: [a]}]":                                                  `consumers[0]: there is no username or custom_id; write one of them`,
		"acls: [{group: x}]":                                                        `acls[0].consumer: required field missing`,
		"consumers: [{username: a, acls: [{}]}]":                                    `consumers[0].acls[0].group: required field missing`,
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), config), "field-value")
		if len(report.Findings) != 1 || !strings.HasPrefix(report.Findings[0].String(), want) || report.Findings[0].Fix == "" {
			t.Errorf("%s: found %v, want %s", config, report.Findings, want)
		}
	}
}

// TestFieldsTogether: what Kong 3.9.1 refuses of several fields, each as `kong config parse`
// does.
func TestFieldsTogether(t *testing.T) {
	t.Parallel()
	service := func(fields string) string { return "services: [{" + fields + "}]" }
	route := func(fields string) string { return "services: [{name: s, host: h, routes: [{" + fields + "}]}]" }
	upstream := func(fields string) string { return "upstreams: [{name: u, " + fields + "}]" }
	for config, want := range map[string]string{
		service("host: h, protocol: tcp, path: /a"):                                                    `services[0].path: a path cannot be set where protocol is tcp`,
		service("url: 'grpc://h/a'"):                                                                   `services[0].url: a path cannot be set where protocol is grpc`,
		service("url: 'grpc://h/a', protocol: http"):                                                   `services[0].url: a path cannot be set where protocol is grpc`,
		service("url: 'http://h', protocol: https, tls_verify: true"):                                  `services[0].tls_verify: cannot be set where protocol is http`,
		service("host: h, tls_verify: false"):                                                          `services[0].tls_verify: cannot be set where protocol is http; remove it, or write protocol: https`,
		service("url: 'http://h', ca_certificates: [4e3ad2e4-0bc4-4638-8e34-c84a417ba39b]"):            `services[0].ca_certificates: cannot be set where protocol is http`,
		route("paths: [/], protocols: [http, grpc]"):                                                   `services[0].routes[0].protocols: http, grpc: they are of several kinds`,
		route("snis: [a], protocols: [tls_passthrough, tls]"):                                          `services[0].routes[0].protocols: tls_passthrough, tls: they are of several kinds`,
		route("snis: [a], protocols: [tls_passthrough], paths: [/]"):                                   `services[0].routes[0].paths: cannot be set where protocols are tls_passthrough; remove it`,
		route("sources: [{port: 1}], protocols: [tcp], hosts: [a]"):                                    `services[0].routes[0].hosts: cannot be set where protocols are tcp`,
		route("paths: [/], sources: [{port: 1}]"):                                                      `services[0].routes[0].sources: cannot be set where protocols are http, https`,
		route("paths: [/], protocols: [grpc], methods: [GET]"):                                         `services[0].routes[0].methods: cannot be set where protocols are grpc`,
		route("paths: [/], protocols: [grpc], strip_path: true"):                                       `services[0].routes[0].strip_path: cannot be true where protocols are grpc; write false`,
		route("paths: [/], snis: [a], protocols: [http]"):                                              `services[0].routes[0].snis: cannot be set where protocols are http; add one over TLS`,
		route("paths: [/], expression: 'http.path == \"/\"'"):                                          `services[0].routes[0].expression: cannot be set beside paths`,
		route("expression: 'http.path == \"/\"', regex_priority: 2"):                                   `services[0].routes[0].regex_priority: cannot be set beside expression; write priority`,
		route("paths: [/], priority: 2"):                                                               `services[0].routes[0].priority: cannot be set beside paths`,
		upstream("hash_on: header"):                                                                    `upstreams[0]: hash_on is header, and there is no hash_on_header; write it`,
		upstream("hash_on: ip, hash_fallback: query_arg"):                                              `upstreams[0]: hash_fallback is query_arg, and there is no hash_fallback_query_arg`,
		upstream("hash_fallback: ip"):                                                                  `upstreams[0].hash_fallback: "ip": it is not read where hash_on is none`,
		upstream("hash_on: cookie, hash_on_cookie: a, hash_fallback: ip"):                              `upstreams[0].hash_fallback: "ip": it is not read where hash_on is cookie`,
		upstream("hash_on: ip, hash_fallback: ip"):                                                     `upstreams[0].hash_fallback: "ip": hash_on is the same`,
		upstream("hash_on: header, hash_on_header: a, hash_fallback: header, hash_fallback_header: a"): `upstreams[0].hash_fallback_header: "a": hash_on_header is the same`,
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), config), "field-value")
		if len(report.Findings) != 1 || !strings.HasPrefix(report.Findings[0].String(), want) || report.Findings[0].Fix == "" {
			t.Errorf("%s: found %v, want %s", config, report.Findings, want)
		}
	}
}

// TestNumbersAreShownAsWritten: with all digits that a value has no room for.
func TestNumbersAreShownAsWritten(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"services: [{host: h, retries: 12345678901234567891}]":                                           "services[0].retries: 12345678901234567891: value",
		"upstreams: [{name: u, healthchecks: {active: {healthy: {http_statuses: [9007199254740993]}}}}]": "upstreams[0].healthchecks.active.healthy.http_statuses[0]: 9007199254740993: value",
		"services: [{host: h, name: 9007199254740993}]":                                                  "services[0].name: 9007199254740993: expected a string",
	} {
		report := check(gatewayChecker(t, configcheck.Options{}), config)
		if !slices.ContainsFunc(report.Findings, func(f configcheck.Finding) bool { return strings.HasPrefix(f.String(), want) }) {
			t.Errorf("%s: found %v, want %s", config, report.Findings, want)
		}
	}
}

// TestFieldValuesThatKongTakes are each taken by `kong config parse`, however odd.
func TestFieldValuesThatKongTakes(t *testing.T) {
	t.Parallel()
	for _, config := range []string{
		"services: [{url: //h:80}, {url: 'https://[::1]:8080/a?x=y'}, {url: 'http://u:p@h:80/a/b%20c'}, {url: grpc://h}, {host: a_b.c.d.}, {host: 010.0.0.1}, {host: '::1'}, {name: bücher~1, host: h, tags: [a b, ü]}]",
		`services: [{host: h, routes: [{paths: [/a, '~/o/(?<x>\d+)$', /ü, /a b, /a.b]}, {methods: [FETCH]}, {hosts: ['*.a.b', 'a.*', 'a:80', 10.0.0.1]}, {snis: [a.b]}, {headers: {x-a: [b]}}, {protocols: [grpc], paths: [/a], strip_path: false}, {protocols: [tcp], sources: [{port: 1}]}]}]`,
		"upstreams: [{name: u, algorithm: latency, slots: 10, host_header: 'a:80', healthchecks: {threshold: 50.5, active: {type: tcp, healthy: {interval: 0.5}}}, targets: [{target: '[::1]:80', weight: 0}, {target: a}]}]",
		"services: [{host: h, protocol: https, path: /, tls_verify: true}, {host: h, protocol: tls, tls_verify_depth: 1}, {url: grpc://h}, {url: 'https://h/a', tls_verify: false}]",
		"services: [{url: 'http://h/a', protocol: tcp}, {url: 'http://h', protocol: tcp, path: /a}, {url: 'https://h', protocol: http, tls_verify: true}, {url: 'grpc://h', path: /a}]",
		"services: [{host: h, routes: [{protocols: [tls_passthrough], snis: [a]}, {protocols: [grpc, grpcs], paths: [/], snis: [a]}, {paths: [/], snis: [], regex_priority: 5}, {protocols: [http], paths: [/], snis: []}]}]",
		"upstreams: [{name: a, hash_on: ip, hash_fallback: consumer}, {name: b, hash_on: header, hash_on_header: a, hash_fallback: cookie, hash_on_cookie: c}, {name: c, hash_on: none, hash_fallback: none}]",
		"{consumers: [{custom_id: a, jwt_secrets: [{}], keyauth_credentials: [{}]}, {username: b}], acls: [{group: x, consumer: b}]}",
	} {
		if report := only(check(gatewayChecker(t, configcheck.Options{}), config), "field-value"); len(report.Findings) > 0 {
			t.Errorf("%s: found %v", config, report.Findings)
		}
	}
}

// TestPluginNameThatIsNearest: of ours and Kong's, the one that is nearest is meant.
func TestPluginNameThatIsNearest(t *testing.T) {
	t.Parallel()
	ours := pluginserver.Plugin{Name: "tenant-rate-limit", Version: "1.0.0", New: func() any { return &config{closed: new(int)} }}
	checker, err := configcheck.New(options(configcheck.Options{}), ours)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"rate-limit": "rate-limiting?", "tenant-ratelimit": "tenant-rate-limit?", "tenant-limit": "tenant-rate-limit?", "kors": "cors?"} {
		report := only(check(checker, "plugins: [{name: "+name+"}]"), "plugin-name")
		if len(report.Findings) != 1 || report.Findings[0].Fix != want {
			t.Errorf("%s: found %v, want %s", name, report.Findings, want)
		}
	}
}

// TestSecretsOfAnotherTypeAreNotShown: by the list that says what is hidden elsewhere.
func TestSecretsOfAnotherTypeAreNotShown(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]string{
		"keyauth_credentials[0].key": "keyauth_credentials: [{consumer: a, key: 4711471147}]",
		"certificates[0].key_alt":    "certificates: [{cert: x, key: y, key_alt: 4711471147}]",
		"keys[0].pem.private_key":    "keys: [{kid: a, pem: {private_key: 4711471147}}]",
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), config), "field-type")
		if len(report.Findings) != 1 || report.Findings[0].Path != field || strings.Contains(report.Findings[0].String(), "4711471147") {
			t.Errorf("%s: found %v", field, report.Findings)
		}
	}
	if report := only(check(gatewayChecker(t, configcheck.Options{}), "consumers: [{username: 4711471147}]"), "field-type"); len(report.Findings) != 1 || !strings.Contains(report.Findings[0].String(), "4711471147") {
		t.Errorf("what is no secret is not shown: %v", report.Findings)
	}
}
