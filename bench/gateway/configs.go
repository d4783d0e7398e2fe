package gateway

import (
	"fmt"
	"net"
	"strings"
)

// plenty is a limit that no load reaches.
const plenty = 1_000_000_000

// lease is what a node takes from Redis at once, where limits are leased.
const lease = 1000

// key is the partner's that sends every request: limits count by who is asking.
const key = "bench-only"

// service is a service of the upstream with one route, for whoever has a key, and
// plugins of the route's in YAML.
func service(name, upstream, plugins string) string {
	return fmt.Sprintf("  - name: %[1]s\n    url: http://%[2]s\n    routes:\n      - name: %[1]s\n        paths: [/%[1]s]\n", name, upstream) +
		"        plugins:\n" + indent("- name: key-auth\n  config: { hide_credentials: true }\n"+plugins, "          ")
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by) + "\n"
}

func config(services ...string) string {
	return "_format_version: \"3.0\"\nconsumers:\n  - username: partner\n    custom_id: acme\n    keyauth_credentials: [{ key: " + key + " }]\n" +
		"services:\n" + strings.Join(services, "")
}

// limits are three that every request is counted by. Where they are leased, most
// requests ask Redis for nothing.
func limits(lease int) string {
	yaml := "limits:\n"
	for _, scope := range []string{"tenant", "tenant, route", "user"} {
		yaml += fmt.Sprintf("  - { name: \"%[1]s\", scope: [%[1]s], limit: %[2]d, window_seconds: 60, lease: %[3]d }\n", scope, plenty, lease)
	}
	return yaml
}

const sunset = `deprecated_at: "2026-01-15T00:00:00Z"
sunset_at: "2036-06-30T00:00:00Z"
successor: /v2
`

// oneHop is the four policies in one plugin.
func oneHop(lease int) string {
	return "- name: gatehouse\n  config:\n    run: [pii_log_scrub, trace_inject, tenant_rate_limit, sunset_headers]\n" +
		"    pii_log_scrub: {}\n    trace_inject: {}\n    tenant_rate_limit:\n" + indent(limits(lease), "      ") +
		"    sunset_headers:\n" + indent(sunset, "      ")
}

// apart is the four plugins.
func apart() string {
	return "- name: pii-log-scrub\n- name: trace-inject\n- name: tenant-rate-limit\n  config:\n" + indent(limits(0), "    ") +
		sunsetAlone()
}

func sunsetAlone() string { return "- name: sunset-headers\n  config:\n" + indent(sunset, "    ") }

// lua is what Kong has for the same: its own four plugins.
func lua(redis, collector, logFile string) string {
	host, port, _ := net.SplitHostPort(redis)
	return fmt.Sprintf(`- name: rate-limiting
  config: { minute: %d, limit_by: consumer, policy: redis, redis: { host: %s, port: %s } }
%s- name: opentelemetry
  config: { traces_endpoint: "%s/v1/traces" }
- name: file-log
  config: { path: %s }
`, plenty, host, port, luaSunset, collector, logFile)
}

// luaSunset is Kong's own plugin that adds what sunset-headers does.
const luaSunset = `- name: response-transformer
  config:
    add:
      headers: ["Deprecation:@1768435200", "Sunset:Mon, 30 Jun 2036 00:00:00 GMT", "Link:</v2>; rel=successor-version"]
`
