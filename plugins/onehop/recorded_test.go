package onehop_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
)

// TestRecordsTheLimitersTenant: who calls a version is known by the limiter's claim, and
// recording reads one header more, and nothing else.
func TestRecordsTheLimitersTenant(t *testing.T) {
	t.Parallel()
	ask := kongtest.Request{
		Shared: token(`{"org":"acme","tenant":"nobody","sub":"u1"}`), CredentialID: "k", Consumer: &entities.Consumer{Id: "c1", Username: "web-app"},
		Route: &entities.Route{Id: "r", Name: "v1"}, Vars: map[string]string{"http_user_agent": "crm/1.2 (jane@example.com)"},
	}
	calls := map[bool][]string{}
	for _, observe := range []bool{false, true} {
		s := sections{limit: strings.Replace(all.limit, `{`, `{"identity":{"tenant_claim":"org"},`, 1), sunset: all.sunset}
		p := newProcess(t, s)
		p.sunset.Observe, p.sunset.Redis.URL = observe, "redis://"+p.redis.Addr()
		p.sunset.Identity.TenantClaim = "team" // does not count
		config := p.oneHop(t)
		_, _, calls[observe] = run(t, ask, true, config.Access)
		if err := p.options.Sunset.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if declared := slices.Contains(config.Prefetch("access"), kongrequest.ReadHeader("User-Agent")); declared != observe {
			t.Errorf("observe %t: the header is read ahead: %t", observe, declared)
		}
		if warnings := config.Warnings(); len(warnings) != 1 || !strings.HasPrefix(warnings[0].Error(), "sunset_headers.identity.tenant_claim") {
			t.Errorf("warnings: %v", warnings)
		}
		recorded, err := callers.Read(t.Context(), redistest.Client(t, "redis://"+p.redis.Addr()), "gatehouse")
		if err != nil {
			t.Fatal(err)
		}
		if !observe {
			if len(recorded.Routes) > 0 {
				t.Errorf("recorded, and nobody asked for it: %+v", recorded)
			}
			continue
		}
		list := recorded.Routes["v1"]
		if len(list) != 1 || list[0].Tenant != "acme" || list[0].Name() != "web-app" || !slices.Equal(list[0].Agents, []string{"crm/1.2"}) {
			t.Errorf("recorded: %+v", recorded)
		}
	}
	if diff := cmp.Diff(counted(calls[false], "kong.nginx.get_var"), counted(calls[true])); diff != "" {
		t.Errorf("calls without recording and one more, and with it:\n%s", diff)
	}
}

// counted is how often each is there.
func counted(calls []string, more ...string) map[string]int {
	n := map[string]int{}
	for _, call := range append(slices.Clone(calls), more...) {
		n[call]++
	}
	return n
}
