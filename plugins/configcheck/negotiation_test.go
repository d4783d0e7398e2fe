package configcheck_test

import (
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// negotiated is a config with routes, and versions v1, the default, and v2 of one API.
func negotiated(api, routes string) string {
	return "services: [{name: s, host: h, routes: [" + routes + "]}]\n" +
		"plugins: [{name: api-version, config: {" + api + ", default: v1, media_types: [application/json], versions: [{name: v1}, {name: v2}]}]}}]"
}

// TestNegotiation: each version has a way in for who asks for it, and a route that waits for
// a version none but that.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	route := func(path, header, version string) string {
		return "{name: r" + version + ", paths: [" + path + "], headers: {" + header + ": [" + version + "]}}"
	}
	both := func(path, header string) string { return route(path, header, "v1") + ", " + route(path, header, "v2") }
	const (
		api, ours, own = "apis: [{path: /o", "X-Gatehouse-Version", "route_header: X-V, apis: [{path: /o"
		first, second  = "plugins[0].config.apis[0].versions[0]", "plugins[0].config.apis[0].versions[1]"
		r0, r1         = "services[0].routes[0].headers", "services[0].routes[1].headers"
		ends           = ", plugins: [{name: sunset-headers, config: {sunset_at: '2026-10-01', successor: /o"
	)
	for name, tt := range map[string]struct {
		config        string
		lost, unknown []string // of version-without-route and version-unknown
	}{
		"each has a route":                  {negotiated(api, both("/o", ours)), nil, nil},
		"below the API's path":              {negotiated(api, both("/o/x", ours)), nil, nil},
		"one has none":                      {negotiated(api, route("/o", ours, "v1")), []string{second}, nil},
		"a route for a version too many":    {negotiated(api, both("/o", ours)+", "+route("/o", ours, "v3")), nil, []string{"services[0].routes[2].headers"}},
		"by another header":                 {negotiated(own, both("/o", "x-v")), nil, nil},
		"by the header that is not written": {negotiated(own, both("/o", ours)), []string{first, second}, []string{r0, r1}},
		"by a header of versions":           {negotiated(api, both("/o", "X-Version")), []string{first, second}, []string{r0, r1}},
		"by the client's own header":        {negotiated("request_header: X-API-Version, "+api, both("/o", "X-API-Version")), []string{first, second}, nil},
		"by a header of something else":     {negotiated(api, "{paths: [/o], headers: {X-Region: [eu, us]}}"), nil, nil},
		"by one header more":                {negotiated(api, both("/o", "X-Stage: [v2], "+ours)), nil, nil},
		"a path that is more than the API":  {negotiated("apis: [{path: /o/", both("/o", ours)), nil, []string{r0, r1}},
		"one of two paths":                  {negotiated(api, both("/o, /p", ours)), nil, []string{r0, r1}},
		"any path":                          {negotiated(api, "{headers: {"+ours+": [v1]}}, "+route("/o", ours, "v2")), nil, []string{r0}},
		"an expression":                     {negotiated(api, both("~/o/[a-z]+$", ours)), nil, nil},
		"hosts that are more than the API's": {negotiated("apis: [{hosts: [a.test], path: /o",
			both("/o", ours)), nil, []string{r0, r1}},
		"the API's hosts": {negotiated("apis: [{hosts: ['*.test'], path: /o",
			"{paths: [/o], hosts: [A.test:8443], headers: {"+ours+": [v1]}}, {paths: [/o], hosts: ['*.test'], headers: {"+ours+": [v2]}}"), nil, nil},
		"hosts that are not the API's": {negotiated("apis: [{hosts: [a.test], path: /o",
			"{paths: [/o], hosts: [b.test], headers: {"+ours+": [v1]}}, {paths: [/o], hosts: [a.test], headers: {"+ours+": [v2]}}"), []string{first}, []string{r0}},
		"only a part of the API":     {negotiated(api, route("/o/x", ours, "v1")+", "+route("/o", ours, "v2")), []string{first}, nil},
		"parts that are the API":     {negotiated(api, both("/o/x", ours)+", "+route("/o/y", ours, "v2")), nil, nil},
		"a default that has ended":   {negotiated(api, "{paths: [/o], headers: {"+ours+": [v1]}"+ends+"}}]}, "+route("/o", ours, "v2")), []string{first}, nil},
		"another that has ended":     {negotiated(api, route("/o", ours, "v1")+", {paths: [/o], headers: {"+ours+": [v2]}"+ends+"}}]}"), nil, nil},
		"a default that is sent on":  {negotiated(api, "{paths: [/o], headers: {"+ours+": [v1]}"+ends+", after_sunset: redirect}}]}, "+route("/o", ours, "v2")), nil, nil},
		"a default that goes on":     {negotiated(api, "{paths: [/o], headers: {"+ours+": [v1]}"+ends+", dry_run: true}}]}, "+route("/o", ours, "v2")), nil, nil},
		"a default with two routes":  {negotiated(api, "{paths: [/o], headers: {"+ours+": [v1]}"+ends+"}}]}, "+both("/o", ours)), nil, nil},
		"a plugin that has no apis":  {"plugins: [{name: api-version, config: {}}]", nil, nil},
		"a version that has no name": {negotiated("apis: [{path: /x, versions: [{}, 7]}, {path: /o", both("/o", ours)), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := gatewayChecker(t, configcheck.Options{Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
			wantAt(t, only(check(checker, tt.config), "version-without-route"), tt.lost...)
			wantAt(t, only(check(checker, tt.config), "version-unknown"), tt.unknown...)
		})
	}
}
