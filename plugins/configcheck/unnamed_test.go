package configcheck_test

import (
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// TestRecordedWithoutName: who calls is found again by the route's name, or its id.
func TestRecordedWithoutName(t *testing.T) {
	t.Parallel()
	const plugin = "plugins: [{name: sunset-headers, config: {sunset_at: '2099-06-30', observe: true}}]"
	const section = "plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {sunset_at: '2099-06-30', observe: true}}}]"
	for name, tt := range map[string]struct {
		config string
		want   []string
	}{
		"a name":            {services("{name: s, host: h, routes: [{name: v1, paths: [/v1], " + plugin + "}]}"), nil},
		"an id":             {services("{name: s, host: h, routes: [{id: 3ed1ecf3-0000-4000-8000-000000000001, paths: [/v1], " + plugin + "}]}"), nil},
		"neither":           {services("{name: s, host: h, routes: [{paths: [/v1], " + plugin + "}]}"), []string{"services[0].routes[0]"}},
		"neither, one hop":  {services("{name: s, host: h, routes: [{paths: [/v1], " + section + "}]}"), []string{"services[0].routes[0]"}},
		"on the service":    {services("{name: s, host: h, routes: [{paths: [/v1]}, {name: b, paths: [/b]}, {paths: [/c]}], " + plugin + "}"), []string{"services[0].routes[0]", "services[0].routes[2]"}},
		"of one consumer":   {"{" + services("{name: s, host: h, routes: [{paths: [/v1]}]}") + ", consumers: [{username: c, " + plugin + "}]}", []string{"services[0].routes[0]"}},
		"not recorded":      {services("{name: s, host: h, routes: [{paths: [/v1], plugins: [{name: sunset-headers, config: {sunset_at: '2099-06-30'}}]}]}"), nil},
		"the plugin is off": {services("{name: s, host: h, routes: [{paths: [/v1], plugins: [{name: sunset-headers, enabled: false, config: {sunset_at: '2099-06-30', observe: true}}]}]}"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(check(gatewayChecker(t, configcheck.Options{}), tt.config), "sunset-without-name"), tt.want...)
		})
	}
}

// TestExemptionsOfTwo: a username may be another consumer's custom_id.
func TestExemptionsOfTwo(t *testing.T) {
	t.Parallel()
	config := func(consumers string) string {
		return "{" + services("{name: s, host: h, routes: [{name: v1, paths: [/v1], plugins: [{name: sunset-headers, config: {sunset_at: '2099-06-30', exemptions: [{consumer: initech, until: '2099-07-30'}, {consumer: globex, until: '2099-07-30'}]}}]}]}") + ", consumers: [" + consumers + "]}"
	}
	const at = "services[0].routes[0].plugins[0].config.exemptions[1].consumer"
	for name, tt := range map[string]struct {
		consumers string
		want      []string
	}{
		"one":                              {"{username: globex}, {username: initech}", nil},
		"one by both":                      {"{username: globex, custom_id: globex}", nil},
		"none":                             {"{username: acme}", nil},
		"a username, another's custom_id":  {"{username: globex}, {username: acme, custom_id: globex}", []string{at}},
		"a custom_id, and one without any": {"{username: acme, custom_id: globex}, {username: hooli}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(check(gatewayChecker(t, configcheck.Options{}), config(tt.consumers)), "sunset-exempts-two"), tt.want...)
		})
	}
}
