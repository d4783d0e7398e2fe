package configcheck_test

import (
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
		service("url: '127.0.0.1:8080'"):                                `services[0].url: "127.0.0.1:8080": a URL begins with its protocol; write http://127.0.0.1:8080`,
		service("url: 'htps://h/x?y=1'"):                                `services[0].url: "htps://h/x?y=1": no protocol of Kong's; https?`,
		service("url: 'http://h:99999'"):                                `services[0].url: "http://h:99999": port 99999: expected one from 0 to 65535`,
		service("url: 'http://h/a//b'"):                                 `services[0].url: "http://h/a//b": a path has no empty segment`,
		service("host: h, retries: -1"):                                 `services[0].retries: -1: value should be between 0 and 32767`,
		service("host: h, read_timeout: 0"):                             `services[0].read_timeout: 0: value should be between 1 and 2147483646`,
		service("host: 'a b'"):                                          `services[0].host: "a b": no host name or address`,
		service("host: 'h:80'"):                                         `services[0].host: "h:80": a host has no port here; write h, and port: 80`,
		service("host: 10.0.0.256"):                                     `services[0].host: "10.0.0.256": no host name or address`,
		service("host: h, path: x"):                                     `services[0].path: "x": a path begins with a slash; write /x`,
		service("host: h, tags: ['a,b']"):                               `services[0].tags[0]: "a,b": a tag has no comma`,
		service("host: h, protocol: htp"):                               `services[0].protocol: "htp": expected one of: http, https, grpc, grpcs, tcp, tls, tls_passthrough, udp; http?`,
		service("name: 'a b', host: h"):                                 `services[0].name: "a b": a name has letters`,
		service("name: a"):                                              `services[0]: there is no host or url`,
		route("paths: [orders]"):                                        `services[0].routes[0].paths[0]: "orders": a path begins with a slash, and a regular expression with ~/; write /orders`,
		route(`paths: ['~/orders/(\d+']`):                               `services[0].routes[0].paths[0]: "~/orders/(\\d+": no regular expression: missing closing )`,
		route("paths: ['~orders']"):                                     `services[0].routes[0].paths[0]: "~orders": a regular expression of a path begins with ~/`,
		route("paths: [/a/../b]"):                                       `services[0].routes[0].paths[0]: "/a/../b": a path has no segment . or ..`,
		route("paths: ['/a%zz']"):                                       `services[0].routes[0].paths[0]: "/a%zz": a % without two hexadecimal digits`,
		route("methods: [get, FETCH]"):                                  `services[0].routes[0].methods[0]: "get": a method is in capital letters; write GET`,
		route("hosts: ['a b']"):                                         `services[0].routes[0].hosts[0]: "a b": no host name or address`,
		route("hosts: [a.*.b]"):                                         `services[0].routes[0].hosts[0]: "a.*.b": one * may stand for the first label or the last`,
		route("hosts: [a], protocols: [ftp]"):                           `services[0].routes[0].protocols[0]: "ftp": expected one of: http`,
		route("name: r"):                                                `services[0].routes[0]: no request meets it: there is none of methods, hosts, headers, paths, snis`,
		route("snis: [a], protocols: [http]"):                           `services[0].routes[0]: no request meets it: there is none of methods, hosts, headers, paths;`,
		route("paths: [/], https_redirect_status_code: 303"):            `services[0].routes[0].https_redirect_status_code: 303: expected one of: 426, 301, 302, 307, 308`,
		"upstreams: [{name: u, targets: [{target: a, weight: 70000}]}]": `upstreams[0].targets[0].weight: 70000: value should be between 0 and 65535`,
		"upstreams: [{name: u, targets: [{target: 'http://a'}]}]":       `upstreams[0].targets[0].target: "http://a": no host name or address`,
		"upstreams: [{name: 10.0.0.1}]":                                 `upstreams[0].name: "10.0.0.1": an upstream is called by a host name`,
		"upstreams: [{name: u, healthchecks: {active: {healthy: {interval: -1}}}}]": `upstreams[0].healthchecks.active.healthy.interval: -1: value should be between 0 and 65535`,
		"targets: [{target: a}]":                 `targets[0].upstream: required field missing`,
		"consumers: [{tags: [a]}]":               `consumers[0]: there is no username or custom_id; write one of them`,
		"acls: [{group: x}]":                     `acls[0].consumer: required field missing`,
		"consumers: [{username: a, acls: [{}]}]": `consumers[0].acls[0].group: required field missing`,
	} {
		report := only(check(gatewayChecker(t, configcheck.Options{}), config), "field-value")
		if len(report.Findings) != 1 || !strings.HasPrefix(report.Findings[0].String(), want) || report.Findings[0].Fix == "" {
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
