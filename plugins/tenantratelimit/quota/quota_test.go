package quota

import (
	"log/slog"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
)

// noon is when every test happens.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// uncounted is metrics that nobody reads.
type uncounted struct{}

func (uncounted) Inc()                         {}
func (uncounted) Waited(string, time.Duration) {}
func (uncounted) FellBack(string)              {}

func (uncounted) Distrusted(identity.Fault) {}
func (uncounted) Exempt(Exemption)          {}
func (u uncounted) Limit(string, string) LimitCounters {
	return LimitCounters{u, u, u, u, u}
}

// inMemory decides by the rules, and counts in memory.
func inMemory(t testing.TB) *Decider {
	t.Helper()
	now := func() time.Time { return noon }
	s := Settings{Rules: rules, KeyPrefix: "p", Timeout: time.Second, OnRedisError: OnErrorDeny, Claims: identity.Claims{Names: identity.Names{TenantClaim: "tenant", UserClaim: "sub"}}}
	d, err := New(s, Backend{
		Store: limiter.NewLocal(1000, now), Members: membership.New(redisurl.Nowhere(), "p", "node"),
		Refusals: limiter.NewRefusals(1000), Overrides: NewOverrides(),
		Metrics: uncounted{}, Logger: slog.New(slog.DiscardHandler), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var rules = Rules{
	Limits: []Limit{
		{Name: "tenant", Scope: []string{"tenant"}, Algorithm: "fixed_window", Limit: 2, WindowSeconds: 60, Cost: 1, Status: 429},
		{Name: "backend", Scope: []string{"global"}, Algorithm: "fixed_window", Limit: 4, WindowSeconds: 60, Cost: 1, Status: 503},
	},
	DefaultUserLimit: UserDefault{ExpectedPeak: 10, WindowSeconds: 1},
}

// A request goes through with values alone: there is no Kong, and no Redis.
func TestDecide(t *testing.T) {
	t.Parallel()
	d := inMemory(t)
	for i, step := range []struct {
		tenant  string
		status  int
		outcome string
	}{
		{"acme", 0, "allowed"}, {"acme", 0, "allowed"}, {"acme", 429, "limited"},
		{"initech", 0, "allowed"}, {"umbrella", 0, "allowed"}, {"hooli", 503, "limited"},
	} {
		consumer := identity.Consumer{ID: "c-" + step.tenant, CustomID: step.tenant}
		got := d.Decide(t.Context(), Request{Evidence: identity.Evidence{Consumer: consumer, CredentialID: "k"}})
		if got.Status != step.status || got.Outcome() != step.outcome || got.Principal.Tenant.Value != step.tenant {
			t.Errorf("request %d of %s: %d %s, want %+v", i, step.tenant, got.Status, got.Outcome(), step)
		}
		if got.Allowed() != (got.Upstream != nil) || got.Allowed() != (got.Body == nil) {
			t.Errorf("request %d: status %d with %v towards the service and the body %s", i, got.Status, got.Upstream, got.Body)
		}
	}
}

func TestNodeThatKnowsOfNoOther(t *testing.T) {
	t.Parallel()
	d := inMemory(t)
	if n, unsure := d.nodes(); n != 1 || unsure {
		t.Errorf("without a Redis, %d nodes, unsure: %v; want 1 for certain", n, unsure)
	}
	d.backend.HasRedis = true
	if n, unsure := d.nodes(); n != 1 || !unsure {
		t.Errorf("before Redis was asked, %d nodes, unsure: %v; want 1, and perhaps more", n, unsure)
	}
	d.settings.Nodes = 7
	if n, unsure := d.nodes(); n != 7 || unsure {
		t.Errorf("%d nodes, unsure: %v; want the 7 of the config", n, unsure)
	}
}

// FuzzOverrides holds whatever is found in Redis to: limits that can be used.
func FuzzOverrides(f *testing.F) {
	f.Add(`[{"name":"tenant","limit":5,"burst":1}]`)
	f.Add(`[{"name":"tenant","limit":-5},{"name":"user-default","limit":1000000000,"burst":1000000000}]`)
	f.Add(`{}`)
	d := inMemory(f)
	base := d.plans[""]
	f.Fuzz(func(t *testing.T, text string) {
		o, _ := NewOverrides().set("k", text)
		set := d.apply(o, base)
		if len(set.rules) != len(base.rules) {
			t.Fatalf("%d limits, want %d", len(set.rules), len(base.rules))
		}
		for _, rule := range set.rules {
			if rule.limit.Quota < 1 || rule.limit.Capacity() < 1 {
				t.Errorf("limit %+v", rule.limit.Spec)
			}
		}
	})
}
