package tenantratelimit

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/entities"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// preflight is one as browsers send it.
func preflight() http.Header {
	return http.Header{"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"GET"}}
}

// TestExempt: who and what is exempt is admitted under a limit of 0, is told nothing of
// limits, and is somebody to the service all the same.
func TestExempt(t *testing.T) {
	t.Parallel()
	const none = `"limits":[{"name":"all","scope":["global"],"limit":0,"window_seconds":60},{"name":"seen","scope":["global"],"limit":9,"window_seconds":60}]`
	health := kongtest.Request{Route: &entities.Route{Id: "r9", Name: "health"}}
	from := func(ip string) kongtest.Request { return kongtest.Request{ClientIP: ip} }
	options := func(h http.Header) kongtest.Request { return kongtest.Request{Method: "OPTIONS", Headers: h} }
	anonymous := kongtest.Request{Consumer: partner.Consumer} // a stand-in, without a credential
	for _, tt := range []struct {
		name, exempt, reason string
		req                  kongtest.Request
	}{
		{"network", `{"networks":["10.0.0.0/8"]}`, "network", from("10.1.2.3")},
		{"network of IPv6", `{"networks":["2001:db8::/32"]}`, "network", from("2001:db8::7")},
		{"an IPv4 address as IPv6", `{"networks":["10.0.0.0/8"]}`, "network", from("::ffff:10.1.2.3")},
		{"another network", `{"networks":["10.0.0.0/8"]}`, "", from("11.1.2.3")},
		{"no address", `{"networks":["10.0.0.0/8"]}`, "", from("unix:")},
		{"preflight", `{"preflights":true}`, "preflight", options(preflight())},
		{"OPTIONS of no browser", `{"preflights":true}`, "", options(http.Header{"Origin": preflight()["Origin"]})},
		{"GET with a preflight's headers", `{"preflights":true}`, "", kongtest.Request{Headers: preflight()}},
		{"preflights are not exempt", `{}`, "", options(preflight())},
		{"route by name", `{"routes":["health"]}`, "route", health},
		{"route by id", `{"routes":["r9"]}`, "route", health},
		{"another route", `{"routes":["orders"]}`, "", health},
		{"no name", `{"routes":[""],"consumers":[""],"tenants":[""]}`, "", kongtest.Request{Route: &entities.Route{Id: "r1"}}},
		{"consumer by username", `{"consumers":["bot"]}`, "consumer", partner},
		{"consumer by custom_id", `{"consumers":["initech"]}`, "consumer", partner},
		{"consumer by id", `{"consumers":["c1"]}`, "consumer", partner},
		{"a stand-in", `{"consumers":["bot"]}`, "", anonymous},
		{"tenant of a token", `{"tenants":["acme"]}`, "tenant", alice},
		{"tenant of a consumer", `{"tenants":["initech"]}`, "tenant", partner},
		{"another tenant", `{"tenants":["umbrella"]}`, "", alice},
		{"nobody", `{}`, "", alice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, server := counting(t)
			c := patient(t, r, `{"observe":false,"legacy_headers":true,"exempt":`+tt.exempt+`,`+none+`}`)
			effects := kongtest.Run(t, c.Access, kongrequesttest.Installed(t, tt.req))
			if tt.reason == "" {
				if effects.Exit == nil || wordOf(effects) != "limited" {
					t.Fatalf("admitted as %q", wordOf(effects))
				}
				return
			}
			if effects.Exit != nil {
				t.Fatalf("status %d: %s", effects.Exit.Status, effects.Exit.Body)
			}
			wantWord(t, effects, "exempt")
			for name := range effects.Response.Headers {
				if strings.Contains(strings.ToLower(name), "ratelimit") {
					t.Errorf("the client is told %s: %v", name, effects.Response.Headers[name])
				}
			}
			if n := testutil.ToFloat64(r.metrics.exempt.WithLabelValues(tt.reason)); n != 1 {
				t.Errorf("%v requests are exempt as %s, want 1", n, tt.reason)
			}
			if keys := counters(server); len(keys) > 0 {
				t.Errorf("it was counted: %v", keys)
			}
			if tt.req.Shared != nil && effects.Service.Headers.Get("X-Tenant-Id") != "acme" {
				t.Errorf("the service is told %v", effects.Service.Headers)
			}
		})
	}
}

// TestExemptIsStillSomebody: what refuses a request for who it says it is does so to who is
// exempt, too.
func TestExemptIsStillSomebody(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	c := patient(t, r, `{"exempt":{"tenants":["acme"]},"limits":[`+tenantLimit+`]}`)
	req := alice
	req.Headers = http.Header{"Connection": {"X-Tenant-Id"}}
	if effects := kongtest.Run(t, c.Access, req); effects.Exit == nil || effects.Exit.Status != http.StatusBadRequest {
		t.Errorf("exit %+v, want 400", effects.Exit)
	}
}

// TestCostOfZero: what costs nothing takes nothing, and passes where nothing is left.
func TestCostOfZero(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":2,"window_seconds":60,"algorithm":"fixed_window"}],
		"costs":[{"methods":["HEAD"],"cost":0}]}`)
	words := []string{}
	for _, method := range []string{"HEAD", "GET", "HEAD", "GET", "HEAD", "GET", "HEAD"} {
		req := alice
		req.Method = method
		words = append(words, wordOf(kongtest.Run(t, c.Access, req)))
	}
	if got, want := strings.Join(words, " "), "exempt allowed exempt allowed exempt limited exempt"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := testutil.ToFloat64(r.metrics.exempt.WithLabelValues("cost")); n != 4 {
		t.Errorf("%v requests that cost nothing, want 4", n)
	}
}

// TestExemptNetworksThatAreNone are named, and exempt nobody.
func TestExemptNetworksThatAreNone(t *testing.T) {
	t.Parallel()
	for network, want := range map[string]string{
		"10.0.0.0/99":  `exempt.networks[0]: "10.0.0.0/99" is no network`,
		"0.0.0.0/0":    `exempt.networks[0]: "0.0.0.0/0" is everybody`,
		"::/0":         `exempt.networks[0]: "::/0" is everybody`,
		"127.0.0.1/8":  `write 127.0.0.0/8, or 127.0.0.1/32`,
		"2001:db8::/x": `write a network`,
		"everybody":    `write a network`,
	} {
		config := `{"exempt":{"networks":["` + network + `"]},"limits":[{"name":"all","scope":["global"],"limit":0,"window_seconds":60}]}`
		if got := mistakesIn(t, config); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", network, got, want)
		}
		r, _ := alone(t)
		if effects := kongtest.Run(t, degrade(t, r, config).Access, kongtest.Request{}); effects.Exit == nil {
			t.Errorf("%s exempts 127.0.0.1", network)
		}
	}
}
