package capacity

import (
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehousehq/gatehouse/bench/httpload"
)

const (
	plenty = 1_000_000_000 // a limit that no load reaches
	lease  = 1000          // what a node takes from Redis at once, where limits are leased
	key    = "bench-only"  // the partner's that sends most requests
	secret = "bench-only-bench-only-bench-only"
)

// config has a route for each row: /NAME. Plugins are on routes, so that a row has its own
// and no other's.
func config(upstream, bff, redis string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `_format_version: "3.0"
consumers:
  - { username: partner, custom_id: acme, keyauth_credentials: [{ key: %s }] }
  - { username: web-app, jwt_secrets: [{ key: bench, algorithm: HS256, secret: %s }] }
services:
`, key, secret)
	service := func(name, url string, plugins ...string) {
		fmt.Fprintf(&b, "  - name: %[1]s\n    url: %[2]s\n    routes: [{ name: %[1]s, paths: [/%[1]s] }]\n    plugins:\n", name, url)
		for _, plugin := range plugins {
			fmt.Fprintf(&b, "      - %s\n", plugin)
		}
	}
	small := upstream + "/v1/summary"
	four := []string{keyAuth, "{ name: trace-inject }", "{ name: pii-log-scrub }", limitPlugin(2), sunset}
	service("bare", small, keyAuth)
	for n := 1; n < len(four); n++ {
		service(fmt.Sprintf("plugins%d", n), small, four[:n+1]...)
	}
	service("onehop", small, keyAuth, oneHop(0))
	service("leased", small, keyAuth, oneHop(lease))
	for _, n := range limitCounts {
		service(fmt.Sprintf("limits%d", n), small, keyAuth, limitPlugin(n))
	}
	host, port, _ := strings.Cut(redis, ":")
	service("lua", small, keyAuth, fmt.Sprintf(
		"{ name: rate-limiting, config: { minute: %d, limit_by: consumer, policy: redis, redis: { host: %s, port: %s } } }", plenty, host, port))
	service("orders", upstream+"/v2/orders", "{ name: jwt }", oneHop(0))
	service("page", bff+"/web/v1/dashboard", "{ name: jwt }", oneHop(0))
	return b.String()
}

const (
	keyAuth = "{ name: key-auth, config: { hide_credentials: true, key_in_query: false } }"
	sunset  = `{ name: sunset-headers, config: { deprecated_at: "2026-01-15T00:00:00Z", sunset_at: "2036-06-30T00:00:00Z", successor: /v2 } }`
)

var limitCounts = []int{1, 4, 8}

// limits are so many that all apply to each request. The user's is the first: without it
// there is one by default.
func limits(n, lease int) string {
	var list []string
	for _, window := range []int{60, 3600} {
		for _, scope := range []string{"user", "tenant", "tenant, route", "global"} {
			list = append(list, fmt.Sprintf("{ name: \"%s %d\", scope: [%s], limit: %d, window_seconds: %d, lease: %d }", scope, window, scope, plenty, window, lease))
		}
	}
	return "{ limits: [" + strings.Join(list[:n], ", ") + "] }"
}

func limitPlugin(n int) string {
	return "{ name: tenant-rate-limit, config: " + limits(n, 0) + " }"
}

// oneHop is the four policies in one plugin, with two limits.
func oneHop(lease int) string {
	return "{ name: gatehouse, config: { run: [pii_log_scrub, trace_inject, tenant_rate_limit, sunset_headers], pii_log_scrub: {}, trace_inject: {}, tenant_rate_limit: " +
		limits(2, lease) + `, sunset_headers: { deprecated_at: "2026-01-15T00:00:00Z", sunset_at: "2036-06-30T00:00:00Z", successor: /v2 } } }`
}

// by is a load of the partner's.
func by(g *gate, path string) httpload.Load {
	return httpload.New(g.Proxy, path, "apikey: "+key)
}

// byTenants is a load of so many tenants in turn, each with one user: the one whom the stub
// knows.
func byTenants(g *gate, path string, tenants int) (httpload.Load, error) {
	load := httpload.New(g.Proxy, path)
	for n := range tenants {
		claims := jwt.MapClaims{"iss": "bench", "sub": "u1", "tenant": fmt.Sprintf("tenant-%05d", n)}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			return load, err
		}
		load.Requests = append(load.Requests, httpload.New(g.Proxy, path, "Authorization: Bearer "+token).Request)
	}
	return load, nil
}
