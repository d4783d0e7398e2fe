package tenantratelimit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// onClock is a runtime and its Redis, both on a clock that the test moves.
func onClock(t *testing.T) (*Runtime, *miniredis.Miniredis, func(time.Duration)) {
	t.Helper()
	r, server := counting(t)
	var passed atomic.Int64
	r.options.Now = func() time.Time { return noon.Add(time.Duration(passed.Load())) }
	return r, server, func(d time.Duration) { server.SetTime(noon.Add(time.Duration(passed.Add(int64(d))))) }
}

// problemOf is the document of a refused request.
func problemOf(t *testing.T, body []byte) (problem struct {
	Type, Title, Detail string
	Status              int
}) {
	t.Helper()
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatal(err)
	}
	return problem
}

// blockable is a limit by each algorithm, of 10.
var blockable = map[string]string{
	"bucket":   `"limit":10,"window_seconds":60,"burst":5`,
	"sliding":  `"limit":10,"window_seconds":60,"algorithm":"sliding_window"`,
	"fixed":    `"limit":10,"window_seconds":60,"algorithm":"fixed_window"`,
	"calendar": `"limit":10,"algorithm":"calendar","period":"day"`,
	"leased":   `"limit":10,"window_seconds":60,"lease":3`,
}

// TestTenantIsStoppedAndReleased at run time, each within a second, whatever the algorithm.
func TestTenantIsStoppedAndReleased(t *testing.T) {
	t.Parallel()
	for name, fields := range blockable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, server, pass := onClock(t)
			c := patient(t, r, `{"observe":false,"legacy_headers":true,"limits":[{"name":"t","scope":["tenant"],`+fields+`}]}`)
			ask := func(tenant string) quota.Decision { return c.Limiter().Decide(t.Context(), user(tenant, "alice")) }
			before := ask("acme")
			if !before.Allowed() {
				t.Fatal("denied before anything is blocked")
			}
			must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"t","limit":0}]`))
			pass(time.Second)
			d := ask("acme")
			if d.Status != http.StatusTooManyRequests || d.Outcome() != "limited" || d.Limit != "t" {
				t.Errorf("status %d, %q by %q", d.Status, d.Outcome(), d.Limit)
			}
			window := `;w=60`
			if name == "calendar" {
				window = `;w=86400`
			}
			want := map[string][]string{
				"RateLimit-Policy":  {`"t";q=0` + window + `, "user-default";q=100;w=1`},
				"RateLimit":         {`"t";r=0, "user-default";r=100;t=0`},
				"X-RateLimit-Limit": {"0"}, "X-RateLimit-Remaining": {"0"},
				"Content-Type": {"application/problem+json"},
			}
			if diff := cmp.Diff(want, d.Client); diff != "" {
				t.Errorf("what the client is told (-want +got):\n%s", diff)
			}
			if p := problemOf(t, d.Body); !strings.HasSuffix(p.Type, "#quota-exceeded") || !strings.Contains(p.Detail, "Waiting does not change that") {
				t.Errorf("problem: %s", d.Body)
			}
			if !ask("initech").Allowed() {
				t.Error("another tenant is stopped, too")
			}
			pass(200 * time.Millisecond)
			if ask("acme").Allowed() {
				t.Error("admitted while it is blocked")
			}
			server.Del("gatehouse:{t.acme}:overrides")
			pass(time.Second)
			after := ask("acme")
			if !after.Allowed() || after.Client["RateLimit-Policy"][0] != before.Client["RateLimit-Policy"][0] {
				t.Errorf("a second after its release: status %d, %v", after.Status, after.Client)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestZeroInTheConfig blocks with the limit's own status, and what goes before the config
// at run time raises it.
func TestZeroInTheConfig(t *testing.T) {
	t.Parallel()
	const user9 = `{"name":"u","scope":["user"],"limit":9,"window_seconds":60,"burst":3}`
	for name, tt := range map[string]struct {
		config string
		status int
	}{
		"a limit":         {`{"limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":60}]}`, 429},
		"load":            {`{"limits":[{"name":"u","scope":["global"],"limit":0,"window_seconds":60,"status":503}]}`, 503},
		"a tenant":        {`{"limits":[` + user9 + `],"tenants":[{"tenant":"acme","limits":[{"name":"u","limit":0}]}]}`, 429},
		"a plan":          {`{"plans":[{"name":"gone","limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":1}]}],"default_plan":"gone"}`, 429},
		"a leased limit":  {`{"limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":60,"lease":5}]}`, 429},
		"a costly limit":  {`{"limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":60}],"costs":[{"cost":50}]}`, 429},
		"a shadow is not": {`{"limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":60,"mode":"shadow"}]}`, 0},
		"a local limit":   {`{"policy":"local","limits":[{"name":"u","scope":["user"],"limit":0,"window_seconds":60}]}`, 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, server, pass := onClock(t)
			c := patient(t, r, tt.config)
			d := c.Limiter().Decide(t.Context(), user("acme", "alice"))
			if _, told := d.Client["Retry-After"]; d.Status != tt.status || told {
				t.Errorf("status %d, Retry-After %v", d.Status, told)
			}
			if c.perNode() {
				return
			}
			must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"u","limit":200}]`))
			pass(time.Second)
			if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); !d.Allowed() {
				t.Errorf("raised at run time: status %d %s", d.Status, d.Body)
			}
		})
	}
}

// TestBlockedForAllRaisedForOne keeps the burst that the config has for one of that size.
func TestBlockedForAllRaisedForOne(t *testing.T) {
	t.Parallel()
	r, server, pass := onClock(t)
	c := patient(t, r, `{"limits":[{"name":"u","scope":["user"],"limit":10,"window_seconds":60,"burst":2}],
		"tenants":[{"tenant":"acme","limits":[{"name":"u","limit":0}]}]}`)
	must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"u","limit":50}]`))
	pass(time.Second)
	d := c.Limiter().Decide(t.Context(), user("acme", "alice"))
	if got, want := d.Client["RateLimit-Policy"][0], `"u";q=50;w=60;gatehouse-burst=10`; got != want {
		t.Errorf("policy %s, want %s", got, want)
	}
}

// TestBlockedWithoutRedis: whatever on_redis_error says, who is known to be blocked stays it.
func TestBlockedWithoutRedis(t *testing.T) {
	t.Parallel()
	const limits = `"limits":[{"name":"t","scope":["tenant"],"limit":10,"window_seconds":60}]`
	for _, policy := range []string{"local", "allow", "deny"} {
		for where, config := range map[string]string{
			"the config": `{"on_redis_error":"` + policy + `","tenants":[{"tenant":"acme","limits":[{"name":"t","limit":0}]}],` + limits + `}`,
			"run time":   `{"on_redis_error":"` + policy + `",` + limits + `}`,
		} {
			t.Run(fmt.Sprint(policy, " ", where), func(t *testing.T) {
				t.Parallel()
				r, server, pass := onClock(t)
				c := patient(t, r, config)
				if where == "run time" {
					must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"t","limit":0}]`))
					c.Limiter().Decide(t.Context(), user("acme", "alice"))
				}
				for range 3 {
					pass(2 * time.Second)
					d := c.Limiter().Decide(WithoutRedis(), user("acme", "alice"))
					if d.Status != http.StatusTooManyRequests || d.Limit != "t" || d.Client["Retry-After"] != nil {
						t.Errorf("status %d by %q, %v", d.Status, d.Limit, d.Client)
					}
				}
				if d := c.Limiter().Decide(WithoutRedis(), user("initech", "bob")); d.Allowed() != (policy != "deny") {
					t.Errorf("another tenant: status %d", d.Status)
				}
			})
		}
	}
}

// TestOwnWords: an operator's own words are told to who is denied, and to nobody else.
func TestOwnWords(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	const own = `"problem":{"type":"https://example.com/p/quota","title":"Quota used up","message":"Buy more."}`
	c := patient(t, r, `{`+own+`,"limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":60},
		{"name":"u","scope":["user"],"limit":0,"window_seconds":60,"mode":"shadow","message":"Not this."}]}`)
	for _, tt := range []struct {
		config *Config
		want   string
	}{
		{c, "Buy more."},
		{patient(t, r, `{`+own+`,"limits":[{"name":"x","scope":["tenant"],"limit":0,"window_seconds":60,"message":"Ask “sales” \\o/"}]}`), `Ask “sales” \o/`},
	} {
		var exit *kongtest.Exit
		for range 3 {
			if effects := kongtest.Run(t, tt.config.Access, alice); effects.Exit != nil {
				exit = effects.Exit
			}
		}
		if exit == nil {
			t.Fatal("nobody is denied")
		}
		p := problemOf(t, exit.Body)
		if p.Type != "https://example.com/p/quota" || p.Title != "Quota used up" || p.Detail != tt.want || p.Status != 429 {
			t.Errorf("problem %s, want the detail %q", exit.Body, tt.want)
		}
	}
	down := patient(t, r, `{`+own+`,"on_redis_error":"deny","limits":[`+tenantLimit+`]}`)
	if d := down.Limiter().Decide(WithoutRedis(), user("acme", "alice")); problemOf(t, d.Body).Detail == "Buy more." {
		t.Errorf("a Redis that is away is nobody's quota: %s", d.Body)
	}
}
