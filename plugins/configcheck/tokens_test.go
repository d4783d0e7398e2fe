package configcheck_test

import (
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	const (
		jwt      = "{name: jwt, config: {uri_param_names: []}}"
		whose    = "{name: tenant-rate-limit, config: {identity: {issuers: [{consumer: a}]}}}"
		anybody  = "{name: tenant-rate-limit, config: {identity: {}}}"
		believed = " jwt: tokens are believed whoever they are for"
	)
	for _, tt := range []struct {
		name, config string
		want         []string
	}{
		{"a key in a URL", `services: [{plugins: [{name: key-auth}]}]`, []string{"services[0].plugins[0] key-auth: key_in_query is true, Kong's default"}},
		{"a key in a header", `services: [{plugins: [{name: key-auth, config: {key_in_query: false}}]}]`, nil},
		{"a token in a URL", `plugins: [{name: jwt}, {name: jwt, config: {uri_param_names: [t]}}]`, []string{"plugins[0] jwt: uri_param_names is not []", "plugins[1] jwt: uri_param_names is not []"}},
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
			if worst != configcheck.Warning {
				t.Errorf("severity %d", worst)
			}
			wantFound(t, got, tt.want...)
		})
	}
}
