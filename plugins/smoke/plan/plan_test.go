package plan

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// line is a probe in one line.
func line(p Probe) string {
	switch {
	case p.Skipped != "":
		return p.Route + " skipped: " + p.Skipped
	case p.Missing != "":
		return p.Route + " missing: " + p.Missing
	}
	text := fmt.Sprintf("%s %s %s%s", p.Route, p.Method, p.Host, p.Path)
	for _, name := range []string{"Authorization", "Apikey", "Accept", "X-Key"} {
		if value := p.Header.Get(name); value != "" {
			text += " " + name + "=" + value
		}
	}
	return text
}

func lines(probes []Probe) string {
	var list []string
	for _, p := range probes {
		list = append(list, line(p))
	}
	return strings.Join(list, "\n")
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

// TestOurs plans the repository's config.
func TestOurs(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("../../../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	probes, err := Make(config, Options{Getenv: environment("GATEHOUSE_SMOKE_TOKEN_WEB_APP=w", "GATEHOUSE_SMOKE_TOKEN_MOBILE_APP=m", "GATEHOUSE_SMOKE_KEY=k")})
	if err != nil {
		t.Fatal(err)
	}
	want := `web-dashboard GET /web/v1/dashboard Authorization=Bearer w
mobile-home GET /mobile/v1/home Authorization=Bearer m
mobile-orders GET /mobile/v1/orders Authorization=Bearer m
partner-orders-v1 GET /partner/v1/orders Apikey=k
partner-orders-as-v1 GET /partner/orders Apikey=k Accept=application/vnd.gatehouse.v1+json
partner-orders-v2 GET /partner/v2/orders Apikey=k
partner-orders-as-v2 GET /partner/orders Apikey=k Accept=application/vnd.gatehouse.v2+json`
	if got := lines(probes); got != want {
		t.Errorf("planned\n%s\nwant\n%s", got, want)
	}
	for _, p := range probes {
		if tr := p.Tracing; !tr.On || tr.Incoming != "link" || tr.ResponseHeader != "X-Trace-Id" || tr.SampleRatio != 1 {
			t.Errorf("%s: tracing %+v", p.Route, tr)
		}
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route  string // of service s
		more   string // of the config
		option Options
		want   string
	}{
		"a path":                   {"paths: [/a, /b]", "", Options{}, "r GET /a"},
		"no path":                  {"hosts: ['*.example.com']", "", Options{}, "r GET smoke.example.com/"},
		"a regular expression":     {`paths: ["~/orders/\\d+$"]`, "", Options{}, "r skipped: its paths are regular expressions: name an example with --path 'r=/…'"},
		"a regular one and a path": {`paths: ["~/x", /b]`, "", Options{}, "r GET /b"},
		"an example by flag":       {`paths: ["~/orders/\\d+$"]`, "", Options{Paths: map[string]string{"r": "/orders/42?x=1"}}, "r GET /orders/42?x=1"},
		"an example by tag":        {`paths: ["~/orders/\\d+$"], tags: [a, "smoke-path:%2Forders%2F42"]`, "", Options{}, "r GET /orders/42"},
		"a tag without a path":     {`paths: ["~/x"], tags: ["smoke-path:orders"]`, "", Options{}, `r skipped: its tag "smoke-path:orders" names no path`},
		"an expression":            {`expression: http.path == "/x"`, "", Options{}, "r skipped: it is an expression"},
		"grpc":                     {"protocols: [grpc], paths: [/x]", "", Options{}, "r skipped: it is not HTTP: grpc"},
		"https only":               {"protocols: [https], paths: [/x]", "", Options{}, "r skipped: it takes https only"},
		"https, asked so":          {"protocols: [https], paths: [/x]", "", Options{TLS: true}, "r GET /x"},
		"http only":                {"protocols: [http], paths: [/x]", "", Options{TLS: true}, "r skipped: it takes http only"},
		"a server's name":          {"snis: [a.example.com], paths: [/x]", "", Options{}, "r skipped: it takes https only"},
		"no safe method":           {"methods: [POST, PUT], paths: [/x]", "", Options{}, "r skipped: it takes POST, PUT only, and what changes something is not sent unasked: --method r=POST sends it"},
		"an unsafe method, told":   {"methods: [POST, PUT], paths: [/x]", "", Options{Methods: map[string]string{"r": "post"}}, "r POST /x"},
		"HEAD":                     {"methods: [POST, HEAD], paths: [/x]", "", Options{}, "r HEAD /x"},
		"a header":                 {"headers: {accept: [text/csv, text/html]}", "", Options{}, "r GET / Accept=text/csv"},
		"a header's pattern":       {`headers: {x-key: ["~*a.*"]}`, "", Options{}, "r skipped: its header x-key is a regular expression"},
		"a header's pattern, told": {`headers: {x-key: ["~*a.*"]}`, "", Options{Header: http.Header{"X-Key": {"abc"}}}, "r GET / X-Key=abc"},
		"a version by header": {"paths: [/x], headers: {X-Gatehouse-Version: [v1]}",
			"plugins: [{name: api-version, config: {request_header: x-key, apis: [{path: /x, default: v2, versions: [{name: v1}, {name: v2}]}]}}]", Options{}, "r GET /x X-Key=v1"},
		"skipped": {"paths: [/x]", "", Options{Skip: []string{"r"}}, "r skipped: -skip says so"},

		"a token":               {"plugins: [{name: jwt}]", "", Options{Getenv: environment("GATEHOUSE_SMOKE_TOKEN=t")}, "r GET / Authorization=Bearer t"},
		"a token's own header":  {"plugins: [{name: jwt, config: {header_names: [x-key]}}]", "", Options{Getenv: environment("GATEHOUSE_SMOKE_TOKEN=t")}, "r GET / X-Key=Bearer t"},
		"no token":              {"plugins: [{name: jwt}]", "consumers: [{username: web-app}]", Options{}, "r missing: jwt lets nobody in without a credential, and there is none: give it in GATEHOUSE_SMOKE_TOKEN_WEB_APP or GATEHOUSE_SMOKE_TOKEN"},
		"none is needed":        {"plugins: [{name: jwt, config: {anonymous: guest}}]", "", Options{}, "r GET /"},
		"not enabled":           {"plugins: [{name: jwt, enabled: false}]", "", Options{}, "r GET /"},
		"the operator's own":    {"plugins: [{name: jwt}]", "", Options{Header: http.Header{"Authorization": {"mine"}}}, "r GET / Authorization=mine"},
		"basic":                 {"plugins: [{name: basic-auth}]", "", Options{Getenv: environment("GATEHOUSE_SMOKE_BASIC=u:p")}, "r GET / Authorization=Basic dTpw"},
		"hmac":                  {"plugins: [{name: hmac-auth}]", "", Options{}, "r missing: hmac-auth lets nobody in without a credential, and there is none: give with -header what it wants"},
		"a key in a query only": {"plugins: [{name: key-auth, config: {key_in_header: false}}]", "", Options{Getenv: environment("GATEHOUSE_SMOKE_KEY=k")}, "r missing: key-auth takes no key in a header"},
		"by group": {"plugins: [{name: key-auth}, {name: acl, config: {allow: [b]}}]",
			"consumers: [{username: one, acls: [{group: a}]}, {username: two.2}]\nacls: [{group: b, consumer: two.2}]",
			Options{Getenv: environment("GATEHOUSE_SMOKE_KEY_ONE=1", "GATEHOUSE_SMOKE_KEY_TWO_2=2")}, "r GET / Apikey=2"},
		"by group, denied": {"plugins: [{name: key-auth}, {name: acl, config: {deny: [a]}}]",
			"consumers: [{username: one, acls: [{group: a}]}, {username: two}]",
			Options{Getenv: environment("GATEHOUSE_SMOKE_KEY_ONE=1", "GATEHOUSE_SMOKE_KEY_TWO=2")}, "r GET / Apikey=2"},
		"of all, and of another route": {"paths: [/x]", "plugins: [{name: key-auth, route: other}, {name: jwt}]",
			Options{Getenv: environment("GATEHOUSE_SMOKE_TOKEN=t")}, "r GET /x Authorization=Bearer t"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.option.Getenv == nil {
				tc.option.Getenv = environment()
			}
			probes, err := Make([]byte("services: [{name: s, host: h, routes: [{name: r, "+tc.route+"}]}]\n"+tc.more), tc.option)
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(probes); got != tc.want && (!strings.Contains(tc.want, "skipped") && !strings.Contains(tc.want, "missing") || !strings.HasPrefix(got, tc.want)) {
				t.Errorf("planned %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	probes, err := Make([]byte("routes: [{name: a, paths: [/a]}, {name: b, paths: [/b]}]"), Options{Getenv: environment(), Only: []string{"b"}})
	if got := lines(probes); err != nil || got != "b GET /b" {
		t.Errorf("planned %q, error %v", got, err)
	}
}

func TestTracing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plugins string
		want    Tracing
	}{
		"none":            {"[]", Tracing{}},
		"defaults":        {"[{name: trace-inject}]", Tracing{On: true, Incoming: "link", ResponseHeader: "X-Trace-Id", SampleRatio: 1}},
		"continue":        {"[{name: trace-inject, config: {incoming: continue, response_header: '', sample_ratio: 0.5}}]", Tracing{On: true, Incoming: "continue", SampleRatio: 0.5}},
		"by service":      {"[{name: trace-inject, service: s, config: {incoming: continue}}, {name: trace-inject}]", Tracing{On: true, Incoming: "continue", ResponseHeader: "X-Trace-Id", SampleRatio: 1}},
		"trusting":        {"[{name: trace-inject, config: {trusted_cidrs: [10.0.0.0/8], pass_headers: [b3]}}]", Tracing{On: true, Incoming: "link", Trusting: true, ResponseHeader: "X-Trace-Id", SampleRatio: 1, PassHeaders: []string{"b3"}}},
		"one hop":         {"[{name: gatehouse, config: {run: [trace_inject], trace_inject: {incoming: restart}}}]", Tracing{On: true, Incoming: "restart", ResponseHeader: "X-Trace-Id", SampleRatio: 1}},
		"over parents":    {"[{name: trace-inject, config: {ignore_parent_sampled: true}}]", Tracing{On: true, Incoming: "link", ResponseHeader: "X-Trace-Id", SampleRatio: 1, OverParent: true}},
		"none forced":     {"[{name: trace-inject, config: {max_parent_sampled_per_second: 0}}]", Tracing{On: true, Incoming: "link", ResponseHeader: "X-Trace-Id", SampleRatio: 1, OverParent: true}},
		"one hop without": {"[{name: gatehouse, config: {run: [pii_log_scrub]}}]", Tracing{}},
		"a consumer's":    {"[{name: trace-inject, consumer: c}]", Tracing{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probes, err := Make([]byte("routes: [{name: r, paths: [/x], service: s}]\nservices: [{name: s, host: h}]\nplugins: "+tc.plugins), Options{Getenv: environment()})
			if err != nil || len(probes) != 1 {
				t.Fatalf("probes %v, error %v", probes, err)
			}
			if got := fmt.Sprint(probes[0].Tracing); got != fmt.Sprint(tc.want) {
				t.Errorf("%s, want %v", got, tc.want)
			}
		})
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	const good = "services: [{name: s, host: h, routes: [{name: r, paths: [/x]}]}]"
	for name, tc := range map[string]struct {
		config string
		option Options
		want   string
	}{
		"no YAML":          {"services: [", Options{}, "parse declarative config"},
		"another type":     {"services: [{name: s, routes: [{name: r, methods: GET}]}]", Options{}, "services.routes.methods: expected []string, got a string"},
		"no such route":    {good, Options{Only: []string{"q"}}, `-route: there is no route "q": write one of r`},
		"a path of none":   {good, Options{Paths: map[string]string{"q": "/x"}}, `-path: there is no route "q"`},
		"no path":          {good, Options{Paths: map[string]string{"r": "x"}}, `-path: "x" of route r is no path`},
		"tracing's type":   {good + "\nplugins: [{name: trace-inject, config: {sample_ratio: many}}]", Options{}, "route r: config of trace-inject"},
		"a method of none": {good, Options{Methods: map[string]string{"q": "POST"}}, `-method: there is no route "q"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.option.Getenv = environment()
			if _, err := Make([]byte(tc.config), tc.option); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
