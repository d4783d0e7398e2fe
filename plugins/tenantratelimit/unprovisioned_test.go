package tenantratelimit

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// TestConfigThatWasOnlyDecoded: go-pdk's own server decodes a config and calls its
// handlers, and nothing else. It has the defaults, and one with a mistake degrades.
func TestConfigThatWasOnlyDecoded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, config, policy, word string }{
		{"good", `{"limits":[` + tenantLimit + `]}`, `"tenant";q=100;w=60, "user-default";q=100;w=1`, "allowed"},
		{"empty", `{}`, `"user-default";q=100;w=1`, "allowed"},
		{"values that only a schema refuses", `{"limits":[` + tenantLimit + `],"nodes":-1,"on_redis_error":"panic","redis":{"key_prefix":"{}"}}`,
			`"tenant";q=100;w=60, "user-default";q=100;w=1`, "allowed"},
		{"a zone that is none", `{"limits":[` + tenantLimit + `,{"name":"z","scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":"Europe/Berln"}]}`,
			`"tenant";q=100;w=60, "user-default";q=100;w=1`, "degraded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			effects := kongtest.Run(t, decode(t, r, tt.config).Access, alice)
			if effects.Exit != nil {
				t.Fatalf("status %d: %s", effects.Exit.Status, effects.Exit.Body)
			}
			if got := effects.Response.Headers.Get("RateLimit-Policy"); got != tt.policy {
				t.Errorf("policy %s, want %s", got, tt.policy)
			}
			if got := effects.Service.Headers.Get("X-Tenant-Id"); got != "acme" {
				t.Errorf("X-Tenant-Id %q, want acme", got)
			}
			wantWord(t, effects, tt.word)
		})
	}
}

// The first events come at once, and share one limiter.
func TestFirstEventsShareALimiter(t *testing.T) {
	t.Parallel()
	r, _ := alone(t)
	c := decode(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":3,"window_seconds":3600,"algorithm":"fixed_window"}]}`)
	var admitted, denied atomic.Int64
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			switch c.Limiter().Decide(t.Context(), user("acme", "alice")).Status {
			case 0:
				admitted.Add(1)
			case http.StatusTooManyRequests:
				denied.Add(1)
			}
		})
	}
	group.Wait()
	if admitted.Load() != 3 || denied.Load() != 7 {
		t.Errorf("%d admitted and %d denied, want 3 and 7", admitted.Load(), denied.Load())
	}
}

// TestDefaults are those of the tags, except where something was written.
func TestDefaults(t *testing.T) {
	t.Parallel()
	c := mustProvision(t, quiet(t), `{"observe":false,"redis":{"timeout_ms":7},"limits":[`+tenantLimit+`],"plans":[{"name":"p","limits":[{"name":"x","scope":["user"],"limit":5,"window_seconds":1,"cost":3}]}]}`)
	limit := quota.Limit{Name: "tenant", Scope: []string{"tenant"}, Limit: 100, WindowSeconds: 60,
		Algorithm: "token_bucket", Cost: 1, TimeZone: "UTC", Mode: "enforce", Status: 429}
	if diff := cmp.Diff(fmt.Sprint(limit), fmt.Sprint(c.Limits[0])); diff != "" {
		t.Error(diff)
	}
	if l := c.Plans[0].Limits[0]; l.Cost != 3 || l.Mode != "enforce" {
		t.Errorf("limit of a plan: %+v", l)
	}
	if c.Observe || !c.Identity.Issue || c.Identity.TenantClaim != "tenant" || c.Identity.PlanTag != "plan:" {
		t.Errorf("observe %v, identity %+v", c.Observe, c.Identity)
	}
	if want := (Redis{TimeoutMS: 7, KeyPrefix: "gatehouse"}); c.Redis != want || c.OnRedisError != "local" || c.DefaultUserLimit.ExpectedPeak != 10 {
		t.Errorf("redis %+v, on_redis_error %s, user limit %+v", c.Redis, c.OnRedisError, c.DefaultUserLimit)
	}
}
