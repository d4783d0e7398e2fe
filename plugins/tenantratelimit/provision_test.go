package tenantratelimit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// quiet is a runtime whose Redis nobody runs. Provision asks nothing of it.
func quiet(t testing.TB) *Runtime {
	t.Helper()
	r, err := NewRuntime(Options{RedisURL: "redis://127.0.0.1:1/0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	return r
}

// decode makes a config of the JSON that Kong would send.
func decode(t testing.TB, r *Runtime, config string) *Config {
	t.Helper()
	c := r.New().(*Config)
	if err := json.Unmarshal([]byte(config), c); err != nil {
		t.Fatalf("%v in %s", err, config)
	}
	return c
}

func provision(t testing.TB, r *Runtime, config string) (*Config, error) {
	t.Helper()
	c := decode(t, r, config)
	return c, c.Provision()
}

func mustProvision(t testing.TB, r *Runtime, config string) *Config {
	t.Helper()
	c, err := provision(t, r, config)
	if err != nil {
		t.Fatalf("%v in %s", err, config)
	}
	return c
}

// mistakesIn is what is said of a config by Kong's schema, or where that takes it, by
// Provision.
func mistakesIn(t *testing.T, config string) string {
	t.Helper()
	checker, err := configcheck.New(configcheck.Options{}, pluginserver.Plugin{Name: Name, Version: Version, Priority: Priority, New: quiet(t).New})
	if err != nil {
		t.Fatal(err)
	}
	report := checker.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(`{"_format_version":"3.0","plugins":[{"name":"` + Name + `","config":` + config + `}]}`)})
	var lines []string
	for _, f := range report.Findings {
		if f.Severity < configcheck.Error {
			continue
		}
		lines = append(lines, strings.TrimPrefix(f.Path, "plugins[0].config.")+": "+f.What)
	}
	return strings.Join(lines, "\n")
}

const tenantLimit = `{"name":"tenant","scope":["tenant"],"limit":100,"window_seconds":60}`

// What the schema cannot say, such as that two limits have one name, Provision says.
func TestBadConfigIsRefusedByName(t *testing.T) {
	t.Parallel()
	limit := func(fields string) string { return `{"limits":[` + tenantLimit + `,{"name":"l",` + fields + `}]}` }
	plans := func(more string) string {
		return `{"plans":[{"name":"gold","limits":[` + tenantLimit + `]}],` + more + `}`
	}
	with := func(more string) string { return `{"limits":[` + tenantLimit + `],` + more + `}` }
	tests := []struct{ name, config, want string }{
		{"nothing", `{}`, `at least one of these fields must be non-empty: 'limits', 'plans'`},
		{"zero window", limit(`"scope":["user"],"limit":1`), `limits[1].window_seconds: required field missing`},
		{"window too long", limit(`"scope":["user"],"limit":1,"window_seconds":31536001`), `limits[1].window_seconds: 31536001: value should be between 1 and 31536000`},
		{"zero limit", limit(`"scope":["user"],"window_seconds":1`), `limits[1].limit: required field missing`},
		{"burst below cost", limit(`"scope":["user"],"limit":9,"window_seconds":1,"burst":2,"cost":3`), `limits[1].burst: 2 is less than a request can cost; write at least 3, or lower the cost`},
		{"limit below cost", limit(`"scope":["user"],"limit":2,"window_seconds":1,"algorithm":"fixed_window","cost":3`), `limits[1].limit: 2 is less than a request can cost; write at least 3`},
		{"burst below a route's cost", `{"limits":[{"name":"l","scope":["user"],"limit":9,"window_seconds":1}],"costs":[{"methods":["POST"],"cost":10}]}`, `limits[0].limit: 9 is less than a request can cost; write burst: 10 or more, or lower the cost`},
		{"burst of a window", limit(`"scope":["user"],"limit":9,"window_seconds":1,"burst":2,"algorithm":"fixed_window"`), `limits[1].burst: 2: burst is for algorithm: token_bucket`},
		{"window of a calendar", limit(`"scope":["user"],"limit":9,"window_seconds":1,"algorithm":"calendar","period":"day"`), `limits[1].window_seconds: 1: it has no place where algorithm is calendar`},
		{"calendar without period", limit(`"scope":["user"],"limit":9,"algorithm":"calendar"`), `limits[1].period: required field missing`},
		{"period of a bucket", limit(`"scope":["user"],"limit":9,"window_seconds":1,"period":"day"`), `limits[1].period: "day": period is for algorithm: calendar`},
		{"time zone", limit(`"scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Mars/Base"`), `limits[1].time_zone: "Mars/Base" is not known here`},
		{"time zone of the node", limit(`"scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Local"`), `limits[1].time_zone: "Local": write a name from the IANA database`},
		{"unknown algorithm", limit(`"scope":["user"],"limit":9,"window_seconds":1,"algorithm":"leaky"`), `limits[1].algorithm: "leaky": expected one of: token_bucket, sliding_window, fixed_window, calendar`},
		{"no scope", limit(`"limit":9,"window_seconds":1`), `limits[1].scope: required field missing`},
		{"unknown scope", limit(`"scope":["galaxy"],"limit":9,"window_seconds":1`), `limits[1].scope[0]: "galaxy": expected one of: tenant, user, consumer`},
		{"unknown mode", limit(`"scope":["user"],"limit":9,"window_seconds":1,"mode":"off"`), `limits[1].mode: "off": expected one of: enforce, shadow`},
		{"name that no header holds", `{"limits":[{"name":"é","scope":["user"],"limit":9,"window_seconds":1}]}`, `limits[0].name: "é": write printable ASCII characters`},
		{"name twice", `{"limits":[` + tenantLimit + `,` + tenantLimit + `]}`, `limits: "tenant" is the name of two limits of one request`},
		{"name of a common limit in a plan", `{"limits":[` + tenantLimit + `],"plans":[{"name":"gold","limits":[` + tenantLimit + `]}]}`, `plans[0].limits: "tenant" is the name of two limits`},
		{"reserved name", `{"limits":[{"name":"user-default","scope":["user"],"limit":9,"window_seconds":1}]}`, `limits[0].name: must not be one of: user-default`},
		{"limit of a plan", `{"plans":[{"name":"gold","limits":[{"name":"l","scope":["user"],"limit":1}]}]}`, `plans[0].limits[0].window_seconds: required field missing`},
		{"unknown default plan", plans(`"default_plan":"silver"`), `default_plan: "silver" is not in plans; write one of: gold`},
		{"unknown plan of a tenant", plans(`"tenants":[{"tenant":"acme","plan":"tin"}]`), `tenants[0].plan: "tin" is not in plans; write one of: gold`},
		{"plan twice", `{"plans":[{"name":"a","limits":[` + tenantLimit + `]},{"name":"a","limits":[` + tenantLimit + `]}]}`, `plans[1].name: "a" is empty or the name of an earlier plan`},
		{"tenant twice", with(`"tenants":[{"tenant":"acme"},{"tenant":"acme"}]`), `tenants[1].tenant: "acme" is empty or has an entry already`},
		{"override of no limit", with(`"tenants":[{"tenant":"acme","limits":[{"name":"nope","limit":1}]}]`), `tenants[0].limits[0].name: "nope" is no limit of this config`},
		{"override of nothing", with(`"tenants":[{"tenant":"acme","limits":[{"name":"tenant"}]}]`), `tenants[0].limits[0].limit: required field missing`},
		{"cost", with(`"costs":[{"methods":["POST"]}]`), `costs[0].cost: required field missing`},
		{"cost that hides others", with(`"costs":[{"cost":1},{"methods":["POST"],"cost":2}]`), `costs[0]: has no methods, no routes and no header`},
		{"cost by values of no header", with(`"costs":[{"values":["a"],"cost":1}]`), `costs[0].header: required field missing`},
		{"claim of no scope", limit(`"scope":["user"],"limit":9,"window_seconds":1,"claim":"org"`), `limits[1].scope: expected to contain: claim`},
		{"scope without its claim", limit(`"scope":["claim"],"limit":9,"window_seconds":1`), `limits[1].claim: required field missing`},
		{"scope without its header", limit(`"scope":["tenant","header"],"limit":9,"window_seconds":1`), `limits[1].header: required field missing`},
		{"header of no scope", limit(`"scope":["user"],"limit":9,"window_seconds":1,"header":"X-A"`), `limits[1].scope: expected to contain: header`},
		{"status", limit(`"scope":["user"],"limit":9,"window_seconds":1,"status":500`), `limits[1].status: 500: expected one of: 429, 503`},
		{"lease above the limit", limit(`"scope":["user"],"limit":9,"window_seconds":1,"lease":10`), `limits[1].lease: 10 is out of range; write the units that a node takes at once (0 to the limit of 9)`},
		{"cluster and sentinels", with(`"redis":{"url":"redis://h?cluster=true&master_name=m"}`), `redis.url: cluster and master_name exclude each other`},
		{"redis url", with(`"redis":{"url":"http://user:secret@host"}`), `redis.url: write redis://user:password@host:6379/0, rediss:// for TLS, or unix://`},
		{"redis timeout", with(`"redis":{"timeout_ms":5000}`), `redis.timeout_ms: 5000: value should be between 1 and 1000`},
		{"key prefix", with(`"redis":{"key_prefix":"a{b}"}`), `redis.key_prefix: "a{b}": write 1 to 64 letters, digits, or any of _ . : -`},
		{"redis error", with(`"on_redis_error":"panic"`), `on_redis_error: "panic": expected one of: local, allow, deny`},
		{"nodes", with(`"nodes":-1`), `nodes: -1: value should be between 1 and 10000`},
		{"hidden header", with(`"hide_headers":["Date"]`), `hide_headers[0]: "Date": expected one of: RateLimit, RateLimit-Policy, Retry-After`},
		{"expected peak", with(`"default_user_limit":{"expected_peak":-3}`), `default_user_limit.expected_peak: -3: value should be between 1 and 1000000`},
		{"window of the default", with(`"default_user_limit":{"window_seconds":-3}`), `default_user_limit.window_seconds: -3: value should be between 1 and 31536000`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said := mistakesIn(t, tt.config)
			if !strings.Contains(said, tt.want) {
				t.Errorf("said: %s\nwant %s", said, tt.want)
			}
			if strings.Contains(said, "secret") {
				t.Errorf("it shows the password: %s", said)
			}
		})
	}
}

// A limit on each user exists unless the config has one that denies.
func TestUsersAreAlwaysLimited(t *testing.T) {
	t.Parallel()
	own := `{"name":"u","scope":["user"],"limit":5,"window_seconds":1%s}`
	tests := []struct{ name, config, want string }{
		{"by default", `{"limits":[` + tenantLimit + `]}`, `"tenant";q=100;w=60, "user-default";q=100;w=1`},
		{"changed", `{"limits":[` + tenantLimit + `],"default_user_limit":{"expected_peak":3,"window_seconds":60}}`, `"tenant";q=100;w=60, "user-default";q=30;w=60`},
		{"a limit of one's own", `{"limits":[` + fmt.Sprintf(own, "") + `]}`, `"u";q=5;w=1`},
		{"a shadow is not enough", `{"limits":[` + fmt.Sprintf(own, `,"mode":"shadow"`) + `]}`, `"user-default";q=100;w=1`},
		{"a combination is not enough", `{"limits":[{"name":"ur","scope":["route","user"],"limit":5,"window_seconds":1}]}`, `"ur";q=5;w=1, "user-default";q=100;w=1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mustProvision(t, quiet(t), tt.config)
			d := c.Limiter().Decide(t.Context(), user("acme", "alice"))
			if got := d.Client["RateLimit-Policy"][0]; got != tt.want {
				t.Errorf("policy = %s, want %s", got, tt.want)
			}
		})
	}
}

// Kong starts every instance again at each change of config, on the request's time.
func TestProvisionIsQuick(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	config := `{"limits":[` + tenantLimit + `],"plans":[{"name":"a","limits":[{"name":"x","scope":["user"],"limit":5,"window_seconds":1}]},` +
		`{"name":"b","limits":[{"name":"x","scope":["user"],"limit":50,"window_seconds":1}]}]}`
	mustProvision(t, r, config)
	best := time.Hour
	for range 20 {
		began := time.Now()
		mustProvision(t, r, config)
		best = min(best, time.Since(began))
	}
	if best > time.Millisecond {
		t.Errorf("the quickest of 20 took %v, want under 1ms", best)
	}
}
