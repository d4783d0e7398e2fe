package tenantratelimit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// degrade makes a config that Provision refuses, as the plugin server does.
func degrade(t *testing.T, r *Runtime, config string) *Config {
	t.Helper()
	c, err := provision(t, r, config)
	if err == nil {
		t.Fatalf("Provision has nothing to say of %s", config)
	}
	c.Degrade(err)
	return c
}

// alone is a runtime without a Redis, on which time stands still.
func alone(t *testing.T) (*Runtime, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	r, err := NewRuntime(Options{Logger: slog.New(slog.NewJSONHandler(&log, nil)), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r, &log
}

// TestDegradedLimits: each limit that is good counts, and the default on users where
// there is none of the config's.
func TestDegradedLimits(t *testing.T) {
	t.Parallel()
	const (
		tenant = `{"name":"t","scope":["tenant"],"limit":9,"window_seconds":60}`
		user   = `{"name":"u","scope":["user"],"limit":9,"window_seconds":60}`
		zone   = `{"name":"z","scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Europe/Berln"}`
	)
	const always = `, "user-default";q=100;w=1`
	tests := []struct{ name, config, want string }{
		{"unknown zone", `{"limits":[` + tenant + `,` + zone + `]}`, `"t";q=9;w=60` + always},
		{"a name twice", `{"limits":[` + tenant + `,` + user + `,{"name":"t","scope":["route"],"limit":1,"window_seconds":1}]}`, `"t";q=9;w=60, "u";q=9;w=60`},
		{"costs more than it holds", `{"limits":[` + tenant + `,` + user + `],"costs":[{"methods":["POST"],"cost":50}]}`, `"t";q=9;w=60, "u";q=9;w=60`},
		{"costs more than the default holds", `{"limits":[` + tenant + `],"costs":[{"methods":["POST"],"cost":500}]}`, `"t";q=9;w=60` + always},
		{"a default that is none", `{"limits":[` + tenant + `],"default_user_limit":{"window_seconds":-1}}`, `"t";q=9;w=60` + always},
		{"lease above the limit", `{"limits":[` + tenant + `,{"name":"l","scope":["user"],"limit":9,"window_seconds":60,"lease":10}]}`, `"t";q=9;w=60` + always},
		{"too many limits", `{"limits":[` + many(40) + `]}`, policyField(31) + always},
		{"plan twice", `{"limits":[` + user + `],"plans":[{"name":"p","limits":[` + tenant + `]},{"name":"p","limits":[` + zone + `]}]}`, `"u";q=9;w=60`},
		{"unknown default plan", `{"plans":[{"name":"p","limits":[` + tenant + `]}],"default_plan":"q"}`, `"user-default";q=100;w=1`},
		{"bad override", `{"limits":[` + user + `],"tenants":[{"tenant":"acme","limits":[{"name":"u","limit":4},{"name":"nope","limit":1}]}]}`, `"u";q=4;w=60`},
		{"override that costs more", `{"limits":[{"name":"u","scope":["user"],"limit":9,"window_seconds":60,"algorithm":"fixed_window"}],` +
			`"costs":[{"cost":8}],"tenants":[{"tenant":"acme","limits":[{"name":"u","limit":4}]}]}`, `"u";q=4;w=60`},
		{"no URL of a Redis", `{"limits":[` + user + `],"redis":{"url":"redis://h?cluster=true&master_name=m"}}`, `"u";q=9;w=60`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := alone(t)
			c := degrade(t, r, tt.config)
			effects := kongtest.Run(t, c.Access, alice)
			if effects.Exit != nil {
				t.Fatalf("status %d: %s", effects.Exit.Status, effects.Exit.Body)
			}
			if got := effects.Response.Headers.Get("RateLimit-Policy"); got != tt.want {
				t.Errorf("policy %s\nwant   %s", got, tt.want)
			}
			if h := effects.Service.Headers; h.Get("X-Tenant-Id") != "acme" || h.Get("X-User-Id") != "alice" {
				t.Errorf("no identity is issued: %v", h)
			}
			wantWord(t, effects, "degraded")
		})
	}
}

// TestCostAboveALimit: a request that costs more than a limit holds takes all of it.
func TestCostAboveALimit(t *testing.T) {
	t.Parallel()
	r, _ := alone(t)
	c := degrade(t, r, `{"limits":[{"name":"u","scope":["user"],"limit":9,"window_seconds":3600,"algorithm":"fixed_window"}],"costs":[{"methods":["POST"],"cost":50}]}`)
	for _, tt := range []struct {
		method string
		status int
	}{{"POST", 0}, {"GET", http.StatusTooManyRequests}} {
		request := alice
		request.Method = tt.method
		status := 0
		if exit := kongtest.Run(t, c.Access, request).Exit; exit != nil {
			status = exit.Status
		}
		if status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.method, status, tt.status)
		}
	}
}

func many(n int) string {
	var list []string
	for i := range n {
		list = append(list, `{"name":"l`+strconv.Itoa(i)+`","scope":["tenant"],"limit":9,"window_seconds":60}`)
	}
	return strings.Join(list, ",")
}

func policyField(n int) string {
	var list []string
	for i := range n {
		list = append(list, `"l`+strconv.Itoa(i)+`";q=9;w=60`)
	}
	return strings.Join(list, ", ")
}

// TestWithoutRedis: a config with no URL of a Redis, or with one that is none, does what
// on_redis_error says, and asks nothing of the network.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	const limit = `"limits":[{"name":"t","scope":["tenant"],"limit":3,"window_seconds":3600,"algorithm":"fixed_window"}]`
	for url, word := range map[string]string{"": "allowed", "localhost:6379": "degraded", "http://redis": "degraded", "redis//x": "degraded"} {
		for policy, want := range map[string]struct {
			admitted, status int
			last             string
		}{"local": {3, http.StatusTooManyRequests, "limited"}, "allow": {9, 0, word}, "deny": {0, http.StatusServiceUnavailable, "unavailable"}} {
			t.Run(url+" "+policy, func(t *testing.T) {
				t.Parallel()
				r, _ := alone(t)
				c, err := provision(t, r, `{`+limit+`,"on_redis_error":"`+policy+`","redis":{"url":"`+url+`"}}`)
				if (err != nil) != (url != "") {
					t.Fatalf("error = %v", err)
				}
				if err != nil {
					c.Degrade(err)
				}
				admitted, status, last := 0, 0, ""
				for range 9 {
					effects := kongtest.Run(t, c.Access, alice)
					last = wordOf(effects)
					if effects.Exit != nil {
						status = effects.Exit.Status
						continue
					}
					admitted++
					if last != word {
						t.Errorf("the word for who is admitted is %q, want %q", last, word)
					}
				}
				if admitted != want.admitted || status != want.status || last != want.last {
					t.Errorf("%d of 9 admitted, then %d %q; want %+v", admitted, status, last, want)
				}
			})
		}
	}
}

// TestWithoutRedisIsSaid: in the log, in a metric, and by Warnings.
func TestWithoutRedisIsSaid(t *testing.T) {
	t.Parallel()
	r, log := alone(t)
	c := mustProvision(t, r, generous)
	if n := testutil.ToFloat64(r.metrics.withoutRedis); n != 1 {
		t.Errorf("%v configs without a Redis, want 1", n)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "redis.url: empty, and there is no REDIS_URL") {
		t.Errorf("%d log lines, want one that names the field: %s", n, log)
	}
	if warnings := c.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "write redis://host:6379/0") {
		t.Errorf("warnings = %v", warnings)
	}
	other := mustProvision(t, r, `{"on_redis_error":"deny","redis":{"url":"redis://127.0.0.1:1"},"limits":[`+tenantLimit+`]}`)
	if warnings := other.Warnings(); len(warnings) != 0 {
		t.Errorf("warnings with a URL: %v", warnings)
	}
	for range 2 {
		if err := errors.Join(c.Close(), other.Close()); err != nil {
			t.Error(err)
		}
	}
	if n := testutil.ToFloat64(r.metrics.withoutRedis); n != 0 {
		t.Errorf("%v configs without a Redis after the last was closed", n)
	}
}

// TestProcessURLIsNone names the variable, not a field that nobody wrote.
func TestProcessURLIsNone(t *testing.T) {
	t.Parallel()
	r, err := NewRuntime(Options{RedisURL: "user:secret@host", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = provision(t, r, generous)
	if err == nil || !strings.HasPrefix(err.Error(), "REDIS_URL: not the URL of a Redis") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
}

// TestEveryMistakeIsNamed: one line each, and no line twice.
func TestEveryMistakeIsNamed(t *testing.T) {
	t.Parallel()
	_, err := provision(t, quiet(t), `{"redis":{"url":"redis://h?cluster=true&master_name=m"},"limits":[{"name":"a","scope":["user"],"limit":1},`+tenantLimit+`],`+
		`"plans":[{"name":"p","limits":[{"name":"b","scope":["galaxy"],"limit":1,"window_seconds":1}]}],`+
		`"tenants":[{"tenant":"acme","plan":"q","limits":[{"name":"nope","limit":1}]}]}`)
	want := []string{"redis.url: cluster and master_name", `tenants[0].plan: "q"`, "limits[0].window_seconds", "plans[0].limits[0].scope", `tenants[0].limits[0].name: "nope"`}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%v", len(lines), len(want), err)
	}
	for i, prefix := range want {
		if !strings.HasPrefix(lines[i], prefix) {
			t.Errorf("line %q, want %q", lines[i], prefix)
		}
	}
}

// TestDegradedBeforeProvision: of a config that could not be decoded, what was is used.
func TestDegradedBeforeProvision(t *testing.T) {
	t.Parallel()
	r, _ := alone(t)
	c := r.New().(*Config)
	c.Identity.TenantClaim = "plan"
	c.Degrade(errors.New("decode config"))
	effects := kongtest.Run(t, c.Access, alice)
	if got := effects.Service.Headers.Get("X-Tenant-Id"); got != "gold" {
		t.Errorf("X-Tenant-Id = %q, want the claim that the config names", got)
	}
	wantWord(t, effects, "degraded")
}

// wordOf is what the audit record is to say of the plugin's decision.
func wordOf(effects kongtest.Effects) string {
	for _, kv := range effects.Serialized {
		if kv.Key == "gatehouse."+Name {
			return kv.Value.(string)
		}
	}
	return ""
}

func wantWord(t *testing.T, effects kongtest.Effects, want string) {
	t.Helper()
	if got := wordOf(effects); got != want {
		t.Errorf("the audit record says %q, want %q", got, want)
	}
}
