package gateway

import (
	"fmt"
	"net"
	"strings"
)

// plenty is a limit that no load reaches.
const plenty = 1_000_000_000

// key is the partner's that sends every request: limits count by who is asking.
const key = "bench-only"

// service is a service of the upstream with one route, for whoever has a key, and
// plugins in YAML.
func service(name, upstream, plugins string) string {
	return fmt.Sprintf("  - name: %[1]s\n    url: http://%[2]s\n    routes:\n      - { name: %[1]s, paths: [/%[1]s] }\n", name, upstream) +
		"    plugins:\n" + indent("- name: key-auth\n  config: { hide_credentials: true }\n"+plugins, "      ")
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by) + "\n"
}

func config(services ...string) string {
	return "_format_version: \"3.0\"\nconsumers:\n  - username: partner\n    custom_id: acme\n    keyauth_credentials: [{ key: " + key + " }]\n" +
		"services:\n" + strings.Join(services, "")
}

// What the four policies are told, for one plugin or as sections of one.
var (
	limits = fmt.Sprintf(`default_user_limit: { expected_peak: 1000000 }
limits:
  - { name: tenant, scope: [tenant], limit: %[1]d, window_seconds: 60 }
  - { name: tenant-route, scope: [tenant, route], limit: %[1]d, window_seconds: 60 }
`, plenty)
	sunset = `deprecated_at: "2026-01-15T00:00:00Z"
sunset_at: "2036-06-30T00:00:00Z"
successor: /v2
`
)

// oneHop is the four policies in one plugin, and apart the four plugins.
var (
	oneHop = "- name: gatehouse\n  config:\n    run: [pii_log_scrub, trace_inject, tenant_rate_limit, sunset_headers]\n" +
		"    pii_log_scrub: {}\n    trace_inject: {}\n    tenant_rate_limit:\n" + indent(limits, "      ") +
		"    sunset_headers:\n" + indent(sunset, "      ")
	apart = "- name: pii-log-scrub\n- name: trace-inject\n- name: tenant-rate-limit\n  config:\n" + indent(limits, "    ") +
		"- name: sunset-headers\n  config:\n" + indent(sunset, "    ")
)

// lua is what Kong has for the same: its own four plugins.
func lua(redis, collector, logFile string) string {
	host, port, _ := net.SplitHostPort(redis)
	return fmt.Sprintf(`- name: rate-limiting
  config: { minute: %d, limit_by: consumer, policy: redis, redis: { host: %s, port: %s } }
- name: response-transformer
  config:
    add:
      headers: ["Deprecation:@1768435200", "Sunset:Mon, 30 Jun 2036 00:00:00 GMT", "Link:</v2>; rel=successor-version"]
- name: opentelemetry
  config: { traces_endpoint: "%s/v1/traces" }
- name: file-log
  config: { path: %s }
`, plenty, host, port, collector, logFile)
}
