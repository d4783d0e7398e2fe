package configcheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// version is a service with routes and a plugin that ends it.
func version(name, routes, config string) string {
	return "{name: " + name + ", host: h, routes: [" + routes + "], plugins: [{name: sunset-headers, config: {sunset_at: '2099-01-01', " + config + "}}]}"
}

func services(list ...string) string { return "services: [" + strings.Join(list, ", ") + "]" }

// TestSuccessors: a successor on this gateway is a route, by whatever Kong finds it, for what
// is sent there.
func TestSuccessors(t *testing.T) {
	t.Parallel()
	const v1 = "{name: v1, paths: [/v1/orders]}"
	next := func(routes string) string { return "{name: next, host: h, routes: [" + routes + "]}" }
	for name, tt := range map[string]struct {
		config string
		found  bool
	}{
		"a route":                            {services(version("s", v1, "successor: /v2/orders"), next("{paths: [/v2/orders]}")), false},
		"a route with the rest":              {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next("{paths: [/v2/orders]}")), false},
		"a shorter prefix":                   {services(version("s", v1, "successor: /v2/orders"), next("{paths: [/v2]}")), false},
		"a prefix with a slash":              {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next("{paths: [/v2/orders/]}")), false},
		"a path of more than one":            {services(version("s", v1, "successor: /v2/orders"), next("{paths: [/a, /v2/orders]}")), false},
		"an expression":                      {services(version("s", v1, "successor: /v2/orders"), next(`{paths: ['~/v\d+/orders$']}`)), false},
		"an expression for what is below":    {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders/\d+$']}`)), false},
		"an expression for one path alone":   {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/(orders|bills)$']}`)), true},
		"one for both":                       {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders(/ORD-\d+)?$']}`)), false},
		"one for each":                       {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders$', '~/v2/(orders|bills)/ORD-\d+$']}`)), false},
		"one that does not end":              {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders']}`)), false},
		"one that only begins so":            {services(version("s", v1, "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders(-old/.*)?$']}`)), true},
		"one without the rest":               {services(version("s", v1, "successor: /v2/orders"), next(`{paths: ['~/v2/(orders|bills)$']}`)), false},
		"from one to one":                    {services(version("s", "{paths: ['~/v1/orders$']}", "successor: '/v2/orders{+rest}'"), next(`{paths: ['~/v2/orders$']}`)), false},
		"an expression that RE2 has not":     {services(version("s", v1, "successor: /v2/orders"), next(`{paths: ['~/v2/(?!x)orders']}`)), false},
		"Kong's other router":                {services(version("s", v1, "successor: /v2/orders"), next(`{expression: 'http.path ^= "/v2"'}`)), false},
		"a route for any path":               {services(version("s", v1, "successor: /v2/orders"), next("{hosts: [h]}")), false},
		"a query and a fragment":             {services(version("s", v1, "successor: '/v2/orders?x=1#top'"), next("{paths: [/v2/orders]}")), false},
		"percent-encoded":                    {services(version("s", v1, "successor: /v2/o%72ders"), next("{paths: [/v2/orders]}")), false},
		"the same path, by a header":         {services(version("s", "{paths: [/orders], headers: {x-v: [v1]}}", "successor: /orders"), next("{paths: [/orders], headers: {x-v: [v2]}}")), false},
		"no route":                           {services(version("s", v1, "successor: /v2/orders"), next("{paths: [/v2/bills]}")), true},
		"a route that only begins so":        {services(version("s", v1, "successor: /v2/orders"), next("{paths: [/v2/orders-old]}")), true},
		"an expression that does not match":  {services(version("s", v1, "successor: /v2/orders"), next("{paths: ['~/v2/orders/all$']}")), true},
		"itself alone":                       {services(version("s", v1, "successor: /v1/orders/all")), true},
		"another host":                       {services(version("s", v1, "successor: 'https://api.example.com/v2/orders'")), false},
		"a host of ours":                     {services(version("s", v1, "successor: 'https://api.example.com/v2/orders'"), next("{paths: [/v2/orders], hosts: [API.example.com]}")), false},
		"a host of ours by a wildcard":       {services(version("s", v1, "successor: 'https://api.example.com:8443/v2/orders'"), next("{paths: [/v3/orders], hosts: ['*.example.com']}"), "{name: o, host: h, routes: [{paths: [/v2/orders], hosts: [api.other]}]}"), true},
		"a host of ours, and no path":        {services(version("s", v1, "successor: 'https://api.example.com/v2/orders'"), next("{paths: [/v3/orders], hosts: [api.example.com]}")), true},
		"what is no reference":               {services(version("s", v1, "successor: '/v2/{id}'")), false},
		"what is no text":                    {services(version("s", v1, "successor: 7")), false},
		"other methods":                      {services(version("s", "{paths: [/v1/orders], methods: [GET]}", "successor: /v2/orders"), next("{paths: [/v2/orders], methods: [POST]}")), true},
		"one method in common":               {services(version("s", "{paths: [/v1/orders], methods: [GET, PUT]}", "successor: /v2/orders"), next("{paths: [/v2/orders], methods: [GET, PATCH]}")), false},
		"methods by two routes":              {services(version("s", "{paths: [/v1/orders], methods: [GET, PUT]}", "successor: /v2/orders, after_sunset: redirect, redirect_methods: [GET, PUT]"), next("{paths: [/v2/orders], methods: [GET]}, {paths: [/v2/orders], methods: [PUT]}")), false},
		"a method that is sent on":           {services(version("s", "{paths: [/v1/orders], methods: [GET, PUT]}", "successor: /v2/orders, after_sunset: redirect, redirect_methods: [GET, PUT]"), next("{paths: [/v2/orders], methods: [GET, PATCH]}")), true},
		"a method that is not sent on":       {services(version("s", "{paths: [/v1/orders], methods: [GET, PUT]}", "successor: /v2/orders, after_sunset: redirect"), next("{paths: [/v2/orders], methods: [GET]}")), false},
		"a method that no request has":       {services(version("s", "{paths: [/v1/orders], methods: [GET]}", "successor: /v2/orders, after_sunset: redirect, redirect_methods: [GET, PUT]"), next("{paths: [/v2/orders], methods: [GET]}")), false},
		"a plugin on no route":               {services("{name: s, host: h, plugins: [{name: sunset-headers, config: {successor: /v2}}]}"), false},
		"one of two routes of a plugin":      {services(version("s", v1+", {name: w, paths: [/v1/bills], methods: [DELETE]}", "successor: /v2"), next("{paths: [/v2], methods: [GET]}")), true},
		"in one hop":                         {services("{name: s, host: h, routes: [{paths: [/v1]}], plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {successor: /v2}}}]}"), true},
		"to a consumer, who alone is told":   {"{" + services("{name: s, host: h, routes: [{name: r, paths: [/v1]}]}") + ", consumers: [{username: c, plugins: [{name: sunset-headers, config: {successor: /v2}}]}]}", true},
		"beside what another plugin goes on": {services(version("s", "{paths: [/v1], plugins: [{name: sunset-headers, config: {successor: /v2}}]}", "successor: /v3"), next("{paths: [/v2]}")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := only(check(gatewayChecker(t, configcheck.Options{}), tt.config), "sunset-successor")
			if (len(report.Findings) == 1) != tt.found || len(report.Findings) > 1 {
				t.Errorf("found %v, want one: %t", report.Findings, tt.found)
			}
			for _, f := range report.Findings {
				if !strings.HasSuffix(f.Path, ".successor") || !strings.Contains(f.What, "no other route") {
					t.Errorf("found %v", f)
				}
			}
		})
	}
}

// TestSuccessorsThatEnd: who goes on to the next version finds it there for longer.
func TestSuccessorsThatEnd(t *testing.T) {
	t.Parallel()
	life := func(path, config string) string {
		return "{name: " + strings.TrimPrefix(path, "/") + ", host: h, routes: [{name: r" + strings.TrimPrefix(path, "/") + ", paths: [" + path + "]}], plugins: [{name: sunset-headers, config: {" + config + "}}]}"
	}
	v1 := life("/v1", "sunset_at: '2027-10-01', successor: '/v2{+rest}'")
	const web = "{name: web, host: h, routes: [{name: web, paths: [/]}]}"
	for name, tt := range map[string]struct {
		config string
		found  bool
	}{
		"later":                     {services(v1, life("/v2", "sunset_at: '2028-10-01'")), false},
		"earlier":                   {services(v1, life("/v2", "sunset_at: '2027-03-01'")), true},
		"at the same time":          {services(v1, life("/v2", "sunset_at: '2027-10-01'")), true},
		"never":                     {services(v1, life("/v2", "deprecated_at: '2026-03-01'")), false},
		"by now":                    {services(life("/v1", "deprecated_at: '2026-10-01', successor: /v2"), life("/v2", "sunset_at: '2026-10-15'")), true},
		"some day":                  {services(life("/v1", "deprecated_at: '2026-10-01', successor: /v2"), life("/v2", "sunset_at: '2028-10-15'")), false},
		"sent there":                {services(life("/v1", "sunset_at: '2027-10-01', after_sunset: redirect, successor: /v2"), life("/v2", "sunset_at: '2026-10-15'")), true},
		"sent on from there":        {services(v1, life("/v2", "sunset_at: '2026-10-15', after_sunset: redirect, successor: /v3"), life("/v3", "")), false},
		"it goes on after it":       {services(v1, life("/v2", "sunset_at: '2026-10-15', after_sunset: warn")), false},
		"in a dry run":              {services(v1, life("/v2", "sunset_at: '2026-10-15', dry_run: true")), false},
		"beside a route for all":    {services(v1, life("/v2", "sunset_at: '2027-03-01'"), web), true},
		"beside another that stays": {services(v1, life("/v2", "sunset_at: '2027-03-01'"), "{name: s, host: h, routes: [{paths: [/v2], headers: {x-v: [b]}}]}"), false},
		"a date that is none":       {services(v1, life("/v2", "sunset_at: '2027-02-30'")), false},
		"after its own end": {services(life("/v1", "sunset_at: '2026-01-01', successor: /v2"),
			life("/v2", "sunset_at: '2026-10-15'")), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := only(check(gatewayChecker(t, configcheck.Options{Now: lifecycleDay}), tt.config), "sunset-successor")
			if (len(report.Findings) == 1) != tt.found || len(report.Findings) > 1 {
				t.Errorf("found %v, want one: %t", report.Findings, tt.found)
			}
			for _, f := range report.Findings {
				if !strings.HasSuffix(f.Path, "[0].config.successor") || !strings.Contains(f.What, "route rv2 end") {
					t.Errorf("found %v", f)
				}
			}
		})
	}
}

// TestRedirectsOfNobody: a redirect needs the rest of a path, which only a path tells.
func TestRedirectsOfNobody(t *testing.T) {
	t.Parallel()
	const on, next = "successor: '/v2{+rest}', after_sunset: redirect", "{name: n, host: h, routes: [{name: n, paths: [/v2]}]}"
	for name, tt := range map[string]struct {
		config string
		found  bool
	}{
		"a path":                   {services(version("s", "{paths: [/v1]}", on), next), false},
		"any path of a host":       {services(version("s", "{hosts: [a.test], paths: [/]}", on), next), false},
		"a host":                   {services(version("s", "{hosts: [a.test]}", on), next), true},
		"an expression":            {services(version("s", "{paths: ['~/v1/o$']}", on), next), true},
		"Kong's other router":      {services(version("s", `{expression: 'http.path ^= "/v1"'}`, on), next), true},
		"one of two routes":        {services(version("s", "{hosts: [a.test]}, {paths: [/v1]}", on), next), false},
		"a host, and no redirect":  {services(version("s", "{hosts: [a.test]}", "successor: '/v2{+rest}'"), next), false},
		"a redirect on no route":   {services("{name: s, host: h, plugins: [{name: sunset-headers, config: {"+on+"}}]}", next), false},
		"a successor without rest": {services(version("s", "{hosts: [a.test]}", "successor: /v2, after_sunset: redirect"), next), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := only(check(gatewayChecker(t, configcheck.Options{Now: lifecycleDay}), tt.config), "sunset-successor")
			if found := strings.Contains(fmt.Sprint(report.Findings), "sends nobody on"); found != tt.found || len(report.Findings) > 1 {
				t.Errorf("found %v, want one: %t", report.Findings, tt.found)
			}
		})
	}
}

// TestRedirectLoops: who follows successors after the end arrives.
func TestRedirectLoops(t *testing.T) {
	t.Parallel()
	to := func(successor string) string { return "after_sunset: redirect, successor: '" + successor + "'" }
	route := func(path string) string {
		return "{name: " + strings.ReplaceAll(path, "/", "") + ", paths: [" + path + "]}"
	}
	for name, tt := range map[string]struct {
		config string
		want   []string // how each loop goes
	}{
		"one after the other":                   {services(version("a", route("/v1"), to("/v2")), version("b", route("/v2"), to("/v3")), version("c", route("/v3"), "")), nil},
		"itself":                                {services(version("a", route("/v1"), to("/v1{+rest}"))), []string{"route v1 to route v1"}},
		"below itself":                          {services(version("a", route("/orders"), to("/orders/v2{+rest}"))), []string{"route orders to route orders"}},
		"below itself, where another is nearer": {services(version("a", route("/orders"), to("/orders/v2{+rest}")), "{name: b, host: h, routes: ["+route("/orders/v2")+"]}"), nil},
		"each other":                            {services(version("a", route("/v1"), to("/v2")), version("b", route("/v2"), to("/v1"))), []string{"route v1 to route v2 to route v1"}},
		"three":                                 {services(version("a", route("/v1"), to("/v2")), version("b", route("/v2"), to("/v3")), version("c", route("/v3"), to("/v1"))), []string{"route v1 to route v2 to route v3 to route v1"}},
		"into a loop":                           {services(version("z", route("/v0"), to("/v1")), version("a", route("/v1"), to("/v2")), version("b", route("/v2"), to("/v1"))), []string{"route v1 to route v2 to route v1"}},
		"each other, and nobody is sent":        {services(version("a", route("/v1"), to("/v2")), version("b", route("/v2"), "successor: /v1")), nil},
		"itself, and nobody is sent":            {services(version("a", route("/v1"), "after_sunset: warn, successor: /v1")), nil},
		"by our own host":                       {services(version("a", "{name: v1, paths: [/v1], hosts: [api.test]}", to("https://api.test/v1"))), []string{"route v1 to route v1"}},
		"by the same path of another host":      {services(version("a", "{name: v1, paths: [/v1], hosts: [api.test]}", to("https://other.test/v1"))), nil},
		"by two hosts of ours":                  {services(version("a", "{name: v1, paths: [/v1], hosts: [a.test]}", to("https://b.test/v1")), version("b", "{name: w1, paths: [/v1], hosts: [b.test]}", to("https://a.test/v1"))), []string{"route v1 to route w1 to route v1"}},
		"by a header, which the client has":     {services(version("a", "{name: v1, paths: [/orders], headers: {x-v: [v1]}}", to("/orders")), "{name: b, host: h, routes: [{name: v2, paths: [/orders], headers: {x-v: [v2]}}]}"), []string{"route v1 to route v1"}},
		"in one hop": {services(
			"{name: s, host: h, routes: ["+route("/v1")+"], plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {"+to("/v2")+"}}}]}",
			version("b", route("/v2"), to("/v1"))), []string{"route v1 to route v2 to route v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := only(check(gatewayChecker(t, configcheck.Options{}), tt.config), "sunset-loop")
			var got []string
			for _, f := range report.Findings {
				_, way, _ := strings.Cut(f.What, "leads back to where it is from: ")
				got = append(got, way)
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEndingsOfOneVersion: what is one version ends on one day.
func TestEndingsOfOneVersion(t *testing.T) {
	t.Parallel()
	plugin := func(config string) string { return "plugins: [{name: sunset-headers, config: {" + config + "}}]" }
	route := func(path, config string) string { return "{paths: [" + path + "], " + plugin(config) + "}" }
	const june, july = "sunset_at: '2099-06-30'", "sunset_at: '2099-07-31'"
	for name, tt := range map[string]struct {
		config string
		want   []string
	}{
		"two routes that agree":              {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v1/b", june) + "]}"), nil},
		"written in two ways":                {services("{name: s, host: h, routes: [" + route("/v1/a", june+", after_sunset: gone") + ", " + route("/v1/b", "sunset_at: '2099-06-30T02:00:00+02:00'") + "]}"), nil},
		"two routes":                         {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v1/b", july) + "]}"), []string{"services[0].routes[1].plugins[0].config.sunset_at"}},
		"three routes":                       {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v1/b", july) + ", " + route("/v1/c", july) + "]}"), []string{"services[0].routes[1].plugins[0].config.sunset_at", "services[0].routes[2].plugins[0].config.sunset_at"}},
		"two routes of two versions":         {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v2/a", july) + "]}"), nil},
		"one has no end":                     {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v1/b", "deprecated_at: '2099-01-01'") + "]}"), []string{"services[0].routes[1].plugins[0].config.deprecated_at", "services[0].routes[1].plugins[0].config.sunset_at"}},
		"another way to end":                 {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", " + route("/v1/b", june+", after_sunset: warn") + "]}"), []string{"services[0].routes[1].plugins[0].config.after_sunset"}},
		"a service and a route of it":        {services("{name: s, host: h, routes: [{paths: [/v1/a]}, " + route("/v1/b", july) + "], " + plugin(june) + "}"), []string{"services[0].routes[1].plugins[0].config.sunset_at"}},
		"a service and its only route":       {services("{name: s, host: h, routes: [" + route("/v1/b", july) + "], " + plugin(june) + "}"), []string{"services[0].plugins[0].config.sunset_at"}},
		"a route and what is for all":        {"{" + services("{name: s, host: h, routes: [{paths: [/v1/a]}, "+route("/v1/b", july)+"]}") + ", " + plugin(june) + "}", nil},
		"a consumer has dates of its own":    {"{" + services("{name: s, host: h, routes: [{paths: [/v1/a]}], "+plugin(june)+"}") + ", consumers: [{username: c, " + plugin(july) + "}]}", nil},
		"two services, one successor":        {services("{name: r, host: h, path: /v1, routes: ["+route("/read", june+", successor: /v2")+"]}", "{name: w, host: h, path: /v1, routes: ["+route("/write", july+", successor: /v2")+"]}"), []string{"services[1].routes[0].plugins[0].config.sunset_at"}},
		"two services, one word":             {services("{name: o, host: h, routes: ["+route("/v1/orders", june)+"]}", "{name: b, host: h, routes: ["+route("/v1/bills", july)+"]}"), nil},
		"two versions that go on to one":     {services("{name: a, host: h, routes: ["+route("/v1", june+", successor: /v3")+"]}", "{name: b, host: h, routes: ["+route("/v2", july+", successor: /v3")+"]}"), nil},
		"parts of what has no version":       {services("{name: s, host: h, routes: [" + route("/export", june) + ", " + route("/import", july) + "]}"), nil},
		"what has no version, one successor": {services("{name: s, host: h, routes: [" + route("/export", june+", successor: /new") + ", " + route("/import", july+", successor: /new") + "]}"), []string{"services[0].routes[1].plugins[0].config.sunset_at"}},
		"by headers":                         {services("{name: s, host: h, path: /v1, routes: [" + route("/v1/a", june) + ", {paths: [/a], headers: {x-v: [v1]}, " + plugin(july) + "}]}"), []string{"services[0].routes[1].plugins[0].config.sunset_at"}},
		"a plugin and a section": {services("{name: s, host: h, routes: [" + route("/v1/a", june) + ", {paths: [/v1/b], plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {" + july + "}}}]}]}"),
			[]string{"services[0].routes[1].plugins[0].config.sunset_headers.sunset_at"}},
		"a plugin and a section, on one route": {services("{name: s, host: h, routes: [{paths: [/v1/b], plugins: [{name: sunset-headers, config: {" + june + "}}, {name: gatehouse, config: {run: [sunset_headers], sunset_headers: {" + july + "}}}]}]}"),
			[]string{"services[0].routes[0].plugins[1].config.sunset_headers.sunset_at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(check(gatewayChecker(t, configcheck.Options{}), tt.config), "sunset-disagree"), tt.want...)
		})
	}
}
