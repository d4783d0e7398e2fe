package tenantratelimit

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// What the plugin server asks of a configuration that waits for somebody.
var _ interface {
	Access(*pdk.PDK)
	AccessContext(context.Context, *pdk.PDK)
	Failed(*pdk.PDK, error)
	Deadline() time.Duration
} = (*Config)(nil)

// withPolicy is generous with another on_redis_error.
func withPolicy(policy string) string {
	return strings.Replace(generous, `{`, `{"on_redis_error":"`+policy+`","redis":{"timeout_ms":1000},`, 1)
}

// policies are what a request is answered that is decided without Redis.
var policies = map[string]int{"local": 0, "allow": 0, "deny": http.StatusServiceUnavailable}

// An event's end is an end of waiting, whatever timeout_ms says: the request is
// decided by on_redis_error.
func TestEndedContextDecidesWithoutRedis(t *testing.T) {
	t.Parallel()
	for policy, status := range policies {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _ := withFake(t, &fakeRedis{hang: true}, withPolicy(policy))
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				began := time.Now()
				d := c.Limiter().Decide(ctx, user("acme", "alice"))
				if waited := time.Since(began); d.Status != status || waited != 50*time.Millisecond {
					t.Errorf("status %d after %v, want %d after 50ms", d.Status, waited, status)
				}
			})
		})
	}
}

// A handler that was cut off or panicked is the limiter's to answer: with the
// identity, as on_redis_error says, and without waiting for anybody.
func TestFailedDecidesWithoutRedis(t *testing.T) {
	t.Parallel()
	for policy, status := range policies {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			f := &fakeRedis{hang: true}
			c, _ := withFake(t, f, withPolicy(policy))
			req := alice
			req.Headers = forged()
			e := kongtest.Run(t, func(kong *pdk.PDK) { c.Failed(kong, errors.New("cut off")) }, req)
			got := 0
			if e.Exit != nil {
				got = e.Exit.Status
			}
			if got != status || f.calls.Load() != 0 {
				t.Errorf("status %d, want %d; Redis was asked %d times", got, status, f.calls.Load())
			}
			if tenant := e.Service.Headers.Values("X-Tenant-Id"); got == 0 && (len(tenant) != 1 || tenant[0] != "acme") {
				t.Errorf("X-Tenant-Id %q, want the verified one", tenant)
			}
		})
	}
}

func TestDeadlineHasRoomForTheTimeout(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[string]time.Duration{"20": 140 * time.Millisecond, "1000": 2100 * time.Millisecond} {
		c := mustProvision(t, quiet(t), strings.Replace(generous, `{`, `{"redis":{"url":"redis://127.0.0.1:1","timeout_ms":`+timeout+`},`, 1))
		if d := c.Deadline(); d != want {
			t.Errorf("timeout_ms %s: deadline %v, want %v", timeout, d, want)
		}
	}
}

// What the audit record says of each way to be decided.
func TestOutcome(t *testing.T) {
	t.Parallel()
	const shed = `{"limits":[{"name":"backend","scope":["global"],"limit":1,"window_seconds":60,"status":503}]}`
	quota := strings.Replace(shed, `,"status":503`, ``, 1)
	for _, tt := range []struct {
		name, config string
		down         bool
		status       int
		outcome      string
	}{
		{"a quota that is used up", quota, false, http.StatusTooManyRequests, "limited"},
		{"load that is shed", shed, false, http.StatusServiceUnavailable, "limited"},
		{"load that is shed without Redis", shed, true, http.StatusServiceUnavailable, "limited"},
		{"no limit could be asked", withPolicy("deny"), true, http.StatusServiceUnavailable, "unavailable"},
		{"no limit was asked", withPolicy("allow"), true, 0, "allowed"},
		{"room", generous, false, 0, "allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, server := counting(t)
			c := patient(t, r, tt.config)
			if tt.down {
				server.Close()
			}
			c.Limiter().Decide(t.Context(), user("acme", "alice"))
			d := c.Limiter().Decide(t.Context(), user("acme", "alice"))
			if d.Status != tt.status || c.Limiter().Outcome(d) != tt.outcome {
				t.Errorf("status %d is %q, want %d and %q", d.Status, c.Limiter().Outcome(d), tt.status, tt.outcome)
			}
		})
	}
}
