package tenantratelimit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
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

// provision makes a config of the JSON that Kong would send.
func provision(t testing.TB, r *Runtime, config string) (*Config, error) {
	t.Helper()
	c := r.New().(*Config)
	if err := json.Unmarshal([]byte(config), c); err != nil {
		t.Fatalf("%v in %s", err, config)
	}
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

const tenantLimit = `{"name":"tenant","scope":["tenant"],"limit":100,"window_seconds":60}`

func TestBadConfigIsRefusedByName(t *testing.T) {
	t.Parallel()
	limit := func(fields string) string { return `{"limits":[` + tenantLimit + `,{"name":"l",` + fields + `}]}` }
	plans := func(more string) string {
		return `{"plans":[{"name":"gold","limits":[` + tenantLimit + `]}],` + more + `}`
	}
	with := func(more string) string { return `{"limits":[` + tenantLimit + `],` + more + `}` }
	tests := []struct{ name, config, want string }{
		{"nothing", `{}`, `limits: empty, and plans too, so nothing would be limited; write at least one limit or plan`},
		{"zero window", limit(`"scope":["user"],"limit":1`), `limits[1].window_seconds: 0 is not a window; write the seconds the limit covers (1 to 31536000)`},
		{"window too long", limit(`"scope":["user"],"limit":1,"window_seconds":31536001`), `limits[1].window_seconds: 31536001 is not a window`},
		{"zero limit", limit(`"scope":["user"],"window_seconds":1`), `limits[1].limit: 0 is out of range; write the units admitted in a window (1 to 1000000000)`},
		{"burst below cost", limit(`"scope":["user"],"limit":9,"window_seconds":1,"burst":2,"cost":3`), `limits[1].burst: 2 is less than a request can cost; write at least 3, or lower the cost`},
		{"limit below cost", limit(`"scope":["user"],"limit":2,"window_seconds":1,"algorithm":"fixed_window","cost":3`), `limits[1].limit: 2 is less than a request can cost; write at least 3`},
		{"burst below a route's cost", `{"limits":[{"name":"l","scope":["user"],"limit":9,"window_seconds":1}],"costs":[{"methods":["POST"],"cost":10}]}`, `limits[0].burst: 9 is less than a request can cost; write at least 10`},
		{"burst of a window", limit(`"scope":["user"],"limit":9,"window_seconds":1,"burst":2,"algorithm":"fixed_window"`), `limits[1].burst: 2 has no meaning for fixed_window`},
		{"window of a calendar", limit(`"scope":["user"],"limit":9,"window_seconds":1,"algorithm":"calendar","period":"day"`), `limits[1].window_seconds: 1 has no meaning for a calendar quota`},
		{"calendar without period", limit(`"scope":["user"],"limit":9,"algorithm":"calendar"`), `limits[1].period: "" is no calendar period; write day or month`},
		{"period of a bucket", limit(`"scope":["user"],"limit":9,"window_seconds":1,"period":"day"`), `limits[1].period: "day" has no meaning for token_bucket`},
		{"time zone", limit(`"scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Mars/Base"`), `limits[1].time_zone: "Mars/Base" is not known here`},
		{"time zone of the node", limit(`"scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Local"`), `limits[1].time_zone: "Local" is not known here`},
		{"unknown algorithm", limit(`"scope":["user"],"limit":9,"window_seconds":1,"algorithm":"leaky"`), `limits[1].algorithm: "leaky" is unknown`},
		{"no scope", limit(`"limit":9,"window_seconds":1`), `limits[1].scope: empty; name at least one, such as tenant`},
		{"unknown scope", limit(`"scope":["galaxy"],"limit":9,"window_seconds":1`), `limits[1].scope: "galaxy" is no scope`},
		{"scope twice", limit(`"scope":["user","user"],"limit":9,"window_seconds":1`), `limits[1].scope: "user" is there twice`},
		{"unknown mode", limit(`"scope":["user"],"limit":9,"window_seconds":1,"mode":"off"`), `limits[1].mode: "off" is unknown; write enforce or shadow`},
		{"name that no header holds", `{"limits":[{"name":"é","scope":["user"],"limit":9,"window_seconds":1}]}`, `limits[0].name: "é" cannot stand in a header`},
		{"name twice", `{"limits":[` + tenantLimit + `,` + tenantLimit + `]}`, `limits: "tenant" is the name of two limits of one request`},
		{"name of a common limit in a plan", `{"limits":[` + tenantLimit + `],"plans":[{"name":"gold","limits":[` + tenantLimit + `]}]}`, `plans[0].limits: "tenant" is the name of two limits`},
		{"reserved name", `{"limits":[{"name":"user-default","scope":["user"],"limit":9,"window_seconds":1}]}`, `limits: "user-default" is the name of two limits`},
		{"limit of a plan", `{"plans":[{"name":"gold","limits":[{"name":"l","scope":["user"],"limit":1}]}]}`, `plans[0].limits[0].window_seconds: 0 is not a window`},
		{"unknown default plan", plans(`"default_plan":"silver"`), `default_plan: "silver" is not in plans; write one of: gold`},
		{"unknown plan of a tenant", plans(`"tenants":[{"tenant":"acme","plan":"tin"}]`), `tenants[0].plan: "tin" is not in plans; write one of: gold`},
		{"plan twice", `{"plans":[{"name":"a","limits":[` + tenantLimit + `]},{"name":"a","limits":[` + tenantLimit + `]}]}`, `plans[1].name: "a" is empty or there twice`},
		{"tenant twice", with(`"tenants":[{"tenant":"acme"},{"tenant":"acme"}]`), `tenants[1].tenant: "acme" is empty or there twice`},
		{"override of no limit", with(`"tenants":[{"tenant":"acme","limits":[{"name":"nope","limit":1}]}]`), `tenants[0].limits[0].name: "nope" is no limit of this config`},
		{"override of nothing", with(`"tenants":[{"tenant":"acme","limits":[{"name":"tenant"}]}]`), `tenants[0].limits[0].limit: 0 is out of range`},
		{"cost", with(`"costs":[{"methods":["POST"]}]`), `costs[0].cost: 0 is out of range`},
		{"cost that hides others", with(`"costs":[{"cost":1},{"methods":["POST"],"cost":2}]`), `costs[0]: has no methods, no routes and no header`},
		{"cost by values of no header", with(`"costs":[{"values":["a"],"cost":1}]`), `costs[0].values: ["a"] are of no header`},
		{"claim of no scope", limit(`"scope":["user"],"limit":9,"window_seconds":1,"claim":"org"`), `limits[1].claim: "org" has no meaning without the scope claim`},
		{"scope without its claim", limit(`"scope":["claim"],"limit":9,"window_seconds":1`), `limits[1].claim: empty; write the claim that the scope claim counts by`},
		{"scope without its header", limit(`"scope":["tenant","header"],"limit":9,"window_seconds":1`), `limits[1].header: empty; write the header`},
		{"header of no scope", limit(`"scope":["user"],"limit":9,"window_seconds":1,"header":"X-A"`), `limits[1].header: "X-A" has no meaning without the scope header`},
		{"status", limit(`"scope":["user"],"limit":9,"window_seconds":1,"status":500`), `limits[1].status: 500 is no answer to a denied request; write 429 or 503`},
		{"lease above the limit", limit(`"scope":["user"],"limit":9,"window_seconds":1,"lease":10`), `limits[1].lease: 10 is out of range; write the units that a node takes at once (0 to the limit of 9)`},
		{"cluster and sentinels", with(`"redis":{"url":"redis://h?cluster=true&master_name=m"}`), `redis.url: cluster and master_name exclude each other`},
		{"redis url", with(`"redis":{"url":"http://user:secret@host"}`), `redis.url: not the URL of a Redis`},
		{"redis timeout", with(`"redis":{"timeout_ms":5000}`), `redis.timeout_ms: 5000 is out of range`},
		{"key prefix", with(`"redis":{"key_prefix":"a{b}"}`), `redis.key_prefix: "a{b}" would not make a safe Redis key`},
		{"redis error", with(`"on_redis_error":"panic"`), `on_redis_error: "panic" is unknown; write local, allow or deny`},
		{"nodes", with(`"nodes":-1`), `nodes: -1 is out of range`},
		{"hidden header", with(`"hide_headers":["Date"]`), `hide_headers[0]: "Date" is not sent by this plugin`},
		{"expected peak", with(`"default_user_limit":{"expected_peak":-3}`), `default_user_limit.expected_peak: -3 is out of range`},
		{"window of the default", with(`"default_user_limit":{"window_seconds":-3}`), `default_user_limit.window_seconds: -3 is not a window`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := provision(t, quiet(t), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}

// A limit on each user exists unless the config has one that denies.
func TestUsersAreAlwaysLimited(t *testing.T) {
	t.Parallel()
	user := `{"name":"u","scope":["user"],"limit":5,"window_seconds":1%s}`
	tests := []struct{ name, config, want string }{
		{"by default", `{"limits":[` + tenantLimit + `]}`, `"tenant";q=100;w=60, "user-default";q=100;w=1`},
		{"changed", `{"limits":[` + tenantLimit + `],"default_user_limit":{"expected_peak":3,"window_seconds":60}}`, `"tenant";q=100;w=60, "user-default";q=30;w=60`},
		{"a limit of one's own", `{"limits":[` + fmt.Sprintf(user, "") + `]}`, `"u";q=5;w=1`},
		{"a shadow is not enough", `{"limits":[` + fmt.Sprintf(user, `,"mode":"shadow"`) + `]}`, `"user-default";q=100;w=1`},
		{"a combination is not enough", `{"limits":[{"name":"ur","scope":["route","user"],"limit":5,"window_seconds":1}]}`, `"ur";q=5;w=1, "user-default";q=100;w=1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mustProvision(t, quiet(t), tt.config)
			if got := c.compiled.plans[""].policy; got != tt.want {
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
