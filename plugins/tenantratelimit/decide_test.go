package tenantratelimit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/identity"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

func TestCounters(t *testing.T) {
	t.Parallel()
	limit := func(scopes string) string {
		named := ""
		for _, scope := range []string{"claim", "header"} {
			if strings.Contains(scopes, scope) {
				named += `,"` + scope + `":"X-Team"`
			}
		}
		return `{"limits":[{"name":"l","scope":[` + scopes + `],"limit":9,"window_seconds":60` + named + `}]}`
	}
	token := func(payload string) identity.Evidence {
		return identity.Evidence{Token: identity.ReadToken(jwt(payload)[verifiedToken].(string)), ClientIP: "2001:db8:1:2:3::4"}
	}
	key := identity.Evidence{Consumer: identity.Consumer{ID: "c1", Username: "bot", CustomID: "initech"}, CredentialID: "k1"}
	bare := identity.Evidence{Consumer: identity.Consumer{ID: "c1"}, CredentialID: "k1"}
	anyone := identity.Evidence{ClientIP: "2001:db8:1:2:3::4"}
	alice := token(`{"tenant":"acme","sub":"alice"}`)
	tests := []struct {
		name, scope string
		who         identity.Evidence
		want        string
	}{
		{"tenant", `"tenant"`, alice, "{t.acme}:l:b60"},
		{"tenant, named twice", `"tenant","tenant"`, alice, "{t.acme}:l:b60"},
		{"user", `"user"`, alice, "{t.acme}:l:b60:u.alice"},
		{"route within tenant, in any order", `"route","tenant"`, alice, "{t.acme}:l:b60:r.r1"},
		{"service", `"service"`, alice, "{s.s1}:l:b60"},
		{"global", `"global"`, alice, "{g.}:l:b60"},
		{"ip", `"ip"`, alice, "{i.2001%3Adb8%3A1%3A2%3A%3A}:l:b60"},
		{"ip and route", `"ip","route"`, anyone, "{i.2001%3Adb8%3A1%3A2%3A%3A}:l:b60:r.r1"},
		{"consumer", `"consumer"`, key, "{t.initech}:l:b60:c.c1"},
		{"credential", `"credential"`, key, "{t.initech}:l:b60:k.k1"},
		{"user of a consumer", `"user"`, key, "{t.initech}:l:b60:u.bot"},
		{"a consumer that names neither", `"tenant"`, bare, "{c.c1}:l:b60"},
		{"users of two issuers", `"user"`, token(`{"iss":"idp","sub":"alice"}`), "{j.idp}:l:b60:u.alice"},
		{"tenant of nobody", `"tenant"`, anyone, "{i.2001%3Adb8%3A1%3A2%3A%3A}:l:b60"},
		{"user of nobody", `"user"`, anyone, "{i.2001%3Adb8%3A1%3A2%3A%3A}:l:b60"},
		{"claim", `"claim"`, token(`{"tenant":"acme","sub":"alice","X-Team":"red:1"}`), "{t.acme}:l:b60:m.X-Team%3Dred%3A1"},
		{"claim that is not there", `"claim"`, alice, "{t.acme}:l:b60:u.alice"},
		{"claim of nobody", `"claim"`, anyone, "{i.2001%3Adb8%3A1%3A2%3A%3A}:l:b60"},
		{"header", `"header"`, alice, "{h.x-team%3Dblue}:l:b60"},
		{"header within tenant", `"header","tenant"`, alice, "{t.acme}:l:b60:h.x-team%3Dblue"},
		{"an address that is none", `"ip"`, identity.Evidence{ClientIP: "x}"}, "{i.unknown}:l:b60"},
		{"a tenant with braces", `"tenant"`, token(`{"tenant":"a}b{:","sub":"x"}`), "{t.a%7Db%7B%3A}:l:b60"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, server := counting(t)
			c := patient(t, r, limit(tt.scope))
			c.Limiter().Decide(t.Context(), quota.Request{Evidence: tt.who, RouteID: "r1", ServiceID: "s1", Headers: map[string]string{"X-Team": "blue"}})
			if want := "gatehouse:" + tt.want; !server.Exists(want) {
				t.Errorf("no counter at %s, but at %v", want, server.Keys())
			}
		})
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	const config = `{"plans":[
		{"name":"free","limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":60}]},
		{"name":"gold","limits":[{"name":"t","scope":["tenant"],"limit":5,"window_seconds":60}]}],
		"default_plan":"free","identity":{"plan_group":"on-"},"tenants":[{"tenant":"initech","plan":"gold"},{"tenant":"umbrella","limits":[{"name":"t","limit":77,"burst":88}]}]}`
	token := func(payload string) identity.Evidence {
		return identity.Evidence{Token: identity.ReadToken(jwt(payload)[verifiedToken].(string))}
	}
	tests := []struct {
		name       string
		who        identity.Evidence
		plan, want string
	}{
		{"claimed", token(`{"tenant":"acme","sub":"a","plan":"gold"}`), "gold", `"t";q=5;w=60, `},
		{"claimed, not the table's", token(`{"tenant":"initech","sub":"a","plan":"free"}`), "free", `"t";q=1;w=60, `},
		{"claimed, unknown", token(`{"tenant":"acme","sub":"a","plan":"platinum"}`), "free", `"t";q=1;w=60, `},
		{"claimed, unknown, in the table", token(`{"tenant":"initech","sub":"a","plan":"platinum"}`), "gold", `"t";q=5;w=60, `},
		{"by tag", identity.Evidence{Consumer: identity.Consumer{ID: "c", CustomID: "initech", Tags: []string{"dev", "plan:none", "plan:free"}}, CredentialID: "k"}, "free", `"t";q=1;w=60, `},
		{"by group", identity.Evidence{Consumer: identity.Consumer{ID: "c", CustomID: "other"}, CredentialID: "k", Groups: []string{"admins", "on-gold"}}, "gold", `"t";q=5;w=60, `},
		{"a token's bearer has no tags", identity.Evidence{Token: token(`{"tenant":"acme","sub":"a"}`).Token, Consumer: identity.Consumer{ID: "c", Tags: []string{"plan:gold"}}, CredentialID: "k"}, "free", `"t";q=1;w=60, `},
		{"by table", identity.Evidence{Consumer: identity.Consumer{ID: "c", CustomID: "initech"}, CredentialID: "k"}, "gold", `"t";q=5;w=60, `},
		{"by default", identity.Evidence{Consumer: identity.Consumer{ID: "c", CustomID: "other"}, CredentialID: "k"}, "free", `"t";q=1;w=60, `},
		{"anonymous", identity.Evidence{ClientIP: "203.0.113.7"}, "", `"t";q=1;w=60, `},
		{"own numbers", token(`{"tenant":"umbrella","sub":"a"}`), "free", `"t";q=77;w=60;gatehouse-burst=88, `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			d := patient(t, r, config).Limiter().Decide(t.Context(), quota.Request{Evidence: tt.who})
			if d.Plan != tt.plan {
				t.Errorf("plan = %q, want %q", d.Plan, tt.plan)
			}
			if got := d.Client["RateLimit-Policy"][0]; got != tt.want+`"user-default";q=100;w=1` {
				t.Errorf("policy = %s, want %s…", got, tt.want)
			}
		})
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	const config = `{"limits":[{"name":"t","scope":["tenant"],"limit":100,"window_seconds":60,"cost":2}],
		"costs":[{"methods":["POST","PUT"],"routes":["orders"],"cost":5},{"routes":["r-search"],"cost":3},
			{"header":"X-Priority","values":["bulk","batch"],"cost":7},{"header":"X-Export","cost":11}]}`
	tests := []struct {
		method, id, name string
		headers          map[string]string
		left             int
	}{
		{"POST", "r1", "orders", nil, 90}, {"GET", "r1", "orders", nil, 98}, {"GET", "r-search", "", nil, 94}, {"POST", "r2", "users", nil, 98},
		{"GET", "r2", "", map[string]string{"X-Priority": "bulk"}, 86}, {"GET", "r2", "", map[string]string{"X-Priority": "high"}, 98},
		{"GET", "r2", "", map[string]string{"X-Export": "anything"}, 78}, {"POST", "r1", "orders", map[string]string{"X-Export": "1"}, 90},
	}
	for _, tt := range tests {
		r, _ := counting(t)
		c := patient(t, r, config)
		req := user("acme", "alice")
		req.Method, req.RouteID, req.RouteName, req.Headers = tt.method, tt.id, tt.name, tt.headers
		got := c.Limiter().Decide(t.Context(), req).Client["RateLimit"][0]
		if want := fmt.Sprintf(`"t";r=%d;`, tt.left); !strings.HasPrefix(got, want) {
			t.Errorf("%s %s: %s, want %s…", tt.method, tt.id, got, want)
		}
	}
}

func TestKnownRefusalsCostNoRedisCall(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	now := noon
	r.options.Now = func() time.Time { return now }
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":60,"algorithm":"fixed_window"}]}`)
	for range 2 {
		c.Limiter().Decide(t.Context(), user("acme", "alice"))
	}
	const asked = 50 // the runtime's own tasks ask Redis a few times, too
	now = now.Add(900 * time.Millisecond)
	before := server.CommandCount()
	d := c.Limiter().Decide(t.Context(), user("acme", "bob"))
	for range asked - 1 {
		c.Limiter().Decide(t.Context(), user("acme", "bob"))
	}
	if more := server.CommandCount() - before; d.Status != http.StatusTooManyRequests || more >= asked {
		t.Errorf("status %d, %d commands for %d requests, want 429 and none for each", d.Status, more, asked)
	}
	want := map[string][]string{
		"RateLimit": {`"t";r=0;t=59`}, "RateLimit-Policy": {`"t";q=1;w=60, "user-default";q=100;w=1`},
		"Retry-After": {"59"}, "Content-Type": {"application/problem+json"},
	}
	if diff := cmp.Diff(want, d.Client); diff != "" {
		t.Error(diff)
	}
	before = server.CommandCount()
	for range asked {
		now = now.Add(time.Second)
		c.Limiter().Decide(t.Context(), user("acme", "bob"))
	}
	if more := server.CommandCount() - before; more < asked {
		t.Errorf("%d commands for %d requests that are a second apart, want one for each", more, asked)
	}
}

func TestOverridesAtRunTime(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":10,"window_seconds":60}]}`)
	policy := func(tenant string) string {
		field, _, _ := strings.Cut(c.Limiter().Decide(t.Context(), user(tenant, "alice")).Client["RateLimit-Policy"][0], ",")
		return field
	}
	const key = "gatehouse:{t.acme}:overrides"
	steps := []struct{ name, text, want string }{
		{"none", "", `"t";q=10;w=60`},
		{"raised", `[{"name":"t","limit":500}]`, `"t";q=500;w=60`},
		{"raised again, with a burst", `[{"name":"t","limit":600,"burst":50}]`, `"t";q=600;w=60;gatehouse-burst=50`},
		{"another limit", `[{"name":"other","limit":1}]`, `"t";q=10;w=60`},
		{"out of range", `[{"name":"t","limit":-1}]`, `"t";q=10;w=60`},
		{"no number", `[{"name":"t","burst":5}]`, `"t";q=10;w=60`},
		{"null", `[{"name":"t","limit":null}]`, `"t";q=10;w=60`},
		{"nonsense", `{`, `"t";q=10;w=60`},
		{"raised after nonsense", `[{"name":"t","limit":500}]`, `"t";q=500;w=60`},
		{"removed", "", `"t";q=10;w=60`},
	}
	for _, s := range steps {
		server.Del(key)
		if s.text != "" {
			if err := server.Set(key, s.text); err != nil {
				t.Fatal(err)
			}
		}
		if got := policy("acme"); got != s.want {
			t.Errorf("%s: policy %s, want %s", s.name, got, s.want)
		}
		if got := policy("initech"); got != `"t";q=10;w=60` {
			t.Errorf("%s: another tenant's policy %s", s.name, got)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = m
	c := patient(t, r, `{"limits":[
		{"name":"t","scope":["tenant"],"limit":2,"window_seconds":60},
		{"name":"s","scope":["tenant"],"limit":1,"window_seconds":60,"mode":"shadow"}]}`)
	for range 4 {
		c.Limiter().Decide(t.Context(), user("acme", "alice"))
	}
	want := `
# HELP gatehouse_ratelimit_decisions_total Decisions by limit, plan and outcome; uncharged is a limit that had room when another denied.
# TYPE gatehouse_ratelimit_decisions_total counter
gatehouse_ratelimit_decisions_total{limit="s",outcome="allowed",plan=""} 1
gatehouse_ratelimit_decisions_total{limit="s",outcome="denied",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="s",outcome="shadow_denied",plan=""} 2
gatehouse_ratelimit_decisions_total{limit="s",outcome="uncharged",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="t",outcome="allowed",plan=""} 2
gatehouse_ratelimit_decisions_total{limit="t",outcome="denied",plan=""} 2
gatehouse_ratelimit_decisions_total{limit="t",outcome="shadow_denied",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="t",outcome="uncharged",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="user-default",outcome="allowed",plan=""} 2
gatehouse_ratelimit_decisions_total{limit="user-default",outcome="denied",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="user-default",outcome="shadow_denied",plan=""} 0
gatehouse_ratelimit_decisions_total{limit="user-default",outcome="uncharged",plan=""} 1
`
	if err := testutil.CollectAndCompare(m.decisions, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if _, err := NewRuntime(Options{Registerer: registry}); err == nil {
		t.Error("two runtimes registered the same metrics")
	}
}

// One budget on real Redis, four nodes, 200 goroutines: never one over.
func TestNodesShareOneBudget(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	const nodes, goroutines, requests, budget = 4, 200, 4, 250
	const config = `{"limits":[
		{"name":"t","scope":["tenant"],"limit":250,"window_seconds":86400},
		{"name":"u","scope":["user"],"limit":100000,"window_seconds":60},
		{"name":"d","scope":["global"],"limit":100000,"algorithm":"calendar","period":"day"}],
		"redis":{"timeout_ms":1000},"on_redis_error":"deny"}`
	var configs [nodes]*Config
	for i := range configs {
		r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close(context.Background()) })
		configs[i] = patient(t, r, config)
	}
	var admitted, denied, failed atomic.Int64
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for range requests {
				switch configs[g%nodes].Limiter().Decide(context.Background(), user("acme", fmt.Sprint(g))).Status {
				case 0:
					admitted.Add(1)
				case http.StatusTooManyRequests:
					denied.Add(1)
				default:
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if admitted.Load() != budget || failed.Load() != 0 {
		t.Errorf("%d admitted, %d denied, %d failed; want %d admitted and none failed", admitted.Load(), denied.Load(), failed.Load(), budget)
	}
}
