package configcheck_test

import "testing"

func TestTokens(t *testing.T) {
	t.Parallel()
	const (
		jwt      = "{name: jwt, config: {uri_param_names: []}}"
		whose    = "{name: tenant-rate-limit, config: {identity: {issuers: [{consumer: a}]}}}"
		anybody  = "{name: tenant-rate-limit, config: {identity: {}}}"
		instead  = ": it is run for this consumer"
		believed = ": tokens are believed whoever they are for"
	)
	for _, tt := range []struct {
		name, config string
		want         []string
	}{
		{"a key in a URL", `services: [{plugins: [{name: key-auth}]}]`, []string{"services[0].plugins[0].config.key_in_query: it is true, Kong's default"}},
		{"a key in a header", `services: [{plugins: [{name: key-auth, config: {key_in_query: false}}]}]`, nil},
		{"a token in a URL", `plugins: [{name: jwt}, {name: jwt, config: {uri_param_names: [t]}}]`, []string{"plugins[0].config.uri_param_names: it is not []", "plugins[1].config.uri_param_names: it is not []"}},
		{"not enabled", `plugins: [{name: jwt, enabled: false}, {name: key-auth, enabled: false}]`, nil},
		{"no limiter", `services: [{plugins: [` + jwt + `], routes: [{}, {}]}]`, []string{"services[0].plugins[0]" + believed}},
		{"without routes", `services: [{plugins: [` + jwt + `]}]`, nil},
		{"a limiter of all", `{services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + whose + `]}`, nil},
		{"one that does not say", `{services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + anybody + `]}`, []string{"services[0].plugins[0]" + believed}},
		{"a route's that does not say", `{services: [{plugins: [` + jwt + `, ` + whose + `], routes: [{plugins: [` + anybody + `]}]}]}`, []string{"services[0].plugins[0]" + believed}},
		{"a route's that says", `{services: [{routes: [{plugins: [` + jwt + `, ` + whose + `]}, {}]}], plugins: [` + anybody + `]}`, nil},
		{"a service's before all", `{services: [{plugins: [` + whose + `], routes: [{}]}], plugins: [` + jwt + `, ` + anybody + `]}`, nil},
		{"another service's", `{services: [{plugins: [` + whose + `]}, {plugins: [` + jwt + `], routes: [{}]}]}`, []string{"services[1].plugins[0]" + believed}},
		{"a consumer's is nobody else's", `{services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [{name: tenant-rate-limit, consumer: a, config: {identity: {issuers: [{}]}}}]}`, []string{"services[0].plugins[0]" + believed}},
		{"a consumer's own", `{consumers: [{username: a, plugins: [` + anybody + `]}], services: [{plugins: [` + jwt + `], routes: [{}, {}]}], plugins: [` + whose + `]}`, []string{"consumers[0].plugins[0]" + instead}},
		{"a consumer's own, which says", `{consumers: [{username: a, plugins: [` + whose + `]}], services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + whose + `]}`, nil},
		{"a consumer's own, who has keys only", `{consumers: [{username: b, plugins: [` + anybody + `]}], services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + whose + `]}`, nil},
		{"a consumer's own, who has a key here", `{consumers: [{username: b, jwt_secrets: [{secret: 0123456789abcdef0123456789abcdef}], plugins: [` + anybody + `]}], services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + whose + `]}`, []string{"consumers[0].plugins[0]" + instead}},
		{"a consumer's own, by references", `{consumers: [{id: b}], jwt_secrets: [{consumer: b, secret: 0123456789abcdef0123456789abcdef}], services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [` + whose + `, {name: tenant-rate-limit, consumer: {id: b}}]}`, []string{"plugins[1]" + instead}},
		{"a consumer's own, of another route", `{consumers: [{username: a}], services: [{plugins: [` + jwt + `], routes: [{name: r}]}, {routes: [{name: q}]}], plugins: [` + whose + `, {name: tenant-rate-limit, consumer: a, route: q}]}`, nil},
		{"a consumer's own, before which goes the route's and service's", `{consumers: [{username: a, plugins: [` + anybody + `]}], services: [{name: s, plugins: [` + jwt + `], routes: [{name: r}]}], plugins: [
 {name: tenant-rate-limit, service: s, route: r, config: {identity: {issuers: [{consumer: a}]}}}]}`, nil},
		{"a consumer's own in one hop", `{consumers: [{username: a, plugins: [{name: gatehouse, config: {run: [tenant_rate_limit]}}]}], services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [{name: gatehouse, config: {run: [tenant_rate_limit], tenant_rate_limit: {identity: {issuers: [{consumer: a}]}}}}]}`, []string{"consumers[0].plugins[0]: it is run"}},
		{"by references", `{services: [{name: s}], routes: [{name: r, service: s}, {id: q, service: {name: s}}], plugins: [
 {name: jwt, service: s, config: {uri_param_names: []}}, {name: tenant-rate-limit, route: {name: r}, config: {identity: {issuers: [{}]}}}, {name: tenant-rate-limit, route: {id: q}, config: {identity: {issuers: [{}]}}}]}`, nil},
		{"by references, one route without", `{services: [{name: s}], routes: [{name: r, service: s}, {id: q, service: {name: s}}], plugins: [
 {name: jwt, service: s, config: {uri_param_names: []}}, {name: tenant-rate-limit, route: r, config: {identity: {issuers: [{}]}}}]}`, []string{"plugins[0]" + believed}},
		{"in one hop", `{services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [{name: gatehouse, config: {run: [tenant_rate_limit], tenant_rate_limit: {identity: {issuers: [{}]}}}}]}`, nil},
		{"in one hop, not run", `{services: [{plugins: [` + jwt + `], routes: [{}]}], plugins: [{name: gatehouse, config: {run: [trace_inject], tenant_rate_limit: {identity: {issuers: [{}]}}}}]}`, []string{"services[0].plugins[0]" + believed}},
		{"nonsense", `{services: [7, {routes: [7], plugins: [7]}], routes: {}, plugins: [7, {name: 7}]}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, worst := found(t, false, tt.config)
			if worst != warning {
				t.Errorf("severity %s", worst)
			}
			wantFound(t, got, tt.want...)
		})
	}
}

// TestIssuersOfOne: one consumer is there twice if it is by its id and by its username.
func TestIssuersOfOne(t *testing.T) {
	t.Parallel()
	const consumers = "consumers: [{id: 1-a, username: a}, {id: 1-b, username: b}], plugins: "
	for config, want := range map[string][]string{
		`{` + consumers + `[{name: tenant-rate-limit, config: {identity: {issuers: [{consumer: a}, {consumer: b}, {consumer: 1-a}]}}}]}`: {
			`plugins[0].config.identity.issuers[2].consumer: "1-a" and "a" are one consumer, consumers[0]`},
		`{` + consumers + `[{name: gatehouse, config: {run: [tenant_rate_limit], tenant_rate_limit: {identity: {issuers: [{consumer: 1-b}, {consumer: b}]}}}}]}`: {
			`plugins[0].config.tenant_rate_limit.identity.issuers[1].consumer: "b" and "1-b" are one consumer, consumers[1]`},
		`{` + consumers + `[{name: tenant-rate-limit, config: {identity: {issuers: [{consumer: a}, {consumer: 1-b}, {consumer: c}, {consumer: d}]}}}]}`: nil,
	} {
		got, worst := found(t, false, config)
		if want != nil && worst != mistake {
			t.Errorf("severity %s of %s", worst, config)
		}
		wantFound(t, got, want...)
	}
}
