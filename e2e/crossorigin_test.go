package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kongPlugin is one of Kong's own plugins with a configuration.
func kongPlugin(name string, config fields) any { return fields{"name": name, "config": config} }

// addKongPlugins adds a route of partners' for each name, with Kong's plugins on it.
func addKongPlugins(t *testing.T, config map[string]any, routes map[string][]any) {
	t.Helper()
	for name, plugins := range routes {
		addOrdersService(t, config, fields{
			"name": name, "path": "/v2/orders",
			"routes":  []any{fields{"name": name, "paths": []string{"/" + name}}},
			"plugins": append(slices.Clip(plugins), kongPlugin("key-auth", fields{"hide_credentials": true})),
		})
	}
}

// corsRoutes are configurations of cors.
var corsRoutes = map[string][]any{
	"cors-default": {kongPlugin("cors", fields{})},
	"cors-one":     {kongPlugin("cors", fields{"origins": []string{"https://one.test"}, "credentials": true, "max_age": 600, "methods": []string{"GET", "PUT"}, "headers": []string{"X-A", "X-B"}})},
	"cors-several": {kongPlugin("cors", fields{"origins": []string{"https://one.test", `https://.*\.two\.test`, "http://three.test:80"}, "exposed_headers": []string{"X-C", "X-D"}})},
	"cors-hosts":   {kongPlugin("cors", fields{"origins": []string{`(.*[.])?four\.test`, "https://one.test"}})},
	"cors-any":     {kongPlugin("cors", fields{"origins": []string{"*"}, "credentials": true, "private_network": true})},
	"cors-pass":    {kongPlugin("cors", fields{"preflight_continue": true})},
}

const (
	origin  = "Origin: https://one.test"
	wantPUT = "Access-Control-Request-Method: PUT"
)

// corsCases are requests, with a partner's key but where 401 is expected and in preflights,
// and what their responses say to a browser. A header is "" where there is none, and none is
// written where it is not looked at.
var corsCases = []struct {
	name, method, path string
	headers            []string
	status             int
	want               map[string]string
}{
	{"everybody", "GET", "/cors-default", []string{origin}, 200, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Vary": ""}},
	{"without an origin", "GET", "/cors-default", nil, 200, map[string]string{"Access-Control-Allow-Origin": "*"}},
	{"preflight", "OPTIONS", "/cors-default", []string{origin, wantPUT, "Access-Control-Request-Headers: x-q"}, 200, map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT",
		"Access-Control-Allow-Headers": "x-q", "Access-Control-Max-Age": "", "Content-Length": "0", "Content-Type": "", "Vary": "",
	}},
	{"preflight that asks for no headers", "OPTIONS", "/cors-default", []string{origin, wantPUT}, 200, map[string]string{"Access-Control-Allow-Headers": ""}},
	{"preflight before authentication", "OPTIONS", "/cors-default", []string{origin, wantPUT}, 200, map[string]string{"Access-Control-Allow-Origin": "*"}},
	{"refused by a later plugin", "GET", "/cors-default", []string{origin}, 401, map[string]string{"Access-Control-Allow-Origin": "*"}},
	{"OPTIONS that is no preflight", "OPTIONS", "/cors-default", []string{origin}, 401, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": ""}},
	{"one", "GET", "/cors-one", []string{"Origin: https://other.test"}, 200, map[string]string{
		"Access-Control-Allow-Origin": "https://one.test", "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Access-Control-Max-Age": "",
	}},
	{"preflight of one", "OPTIONS", "/cors-one", []string{origin, wantPUT, "Access-Control-Request-Headers: x-q", "Access-Control-Request-Private-Network: true"}, 200, map[string]string{
		"Access-Control-Allow-Origin": "https://one.test", "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Access-Control-Max-Age": "600",
		"Access-Control-Allow-Methods": "GET,PUT", "Access-Control-Allow-Headers": "X-A,X-B", "Access-Control-Allow-Private-Network": "",
	}},
	{"one of several", "GET", "/cors-several", []string{origin}, 200, map[string]string{
		"Access-Control-Allow-Origin": "https://one.test", "Access-Control-Expose-Headers": "X-C,X-D", "Vary": "Origin", "Access-Control-Allow-Credentials": "",
	}},
	{"by expression", "GET", "/cors-several", []string{"Origin: https://a.two.test"}, 200, map[string]string{"Access-Control-Allow-Origin": "https://a.two.test"}},
	{"beyond the expression", "GET", "/cors-several", []string{"Origin: https://a.two.test.evil"}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
	{"before the expression", "GET", "/cors-several", []string{"Origin: x-https://a.two.test"}, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
	{"the scheme's own port", "GET", "/cors-several", []string{"Origin: http://three.test"}, 200, map[string]string{"Access-Control-Allow-Origin": "http://three.test"}},
	{"none of several", "GET", "/cors-several", []string{"Origin: https://evil.test"}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
	{"several, no origin", "GET", "/cors-several", nil, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
	{"preflight of a stranger", "OPTIONS", "/cors-several", []string{"Origin: https://evil.test", wantPUT}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
	{"by host", "GET", "/cors-hosts", []string{"Origin: http://a.four.test:8080"}, 200, map[string]string{"Access-Control-Allow-Origin": "http://a.four.test:8080"}},
	{"another host", "GET", "/cors-hosts", []string{"Origin: http://four.test.evil"}, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
	{"everybody, with credentials", "GET", "/cors-any", []string{origin}, 200, map[string]string{
		"Access-Control-Allow-Origin": "https://one.test", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
	}},
	{"everybody, nobody asks", "GET", "/cors-any", nil, 200, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Vary": ""}},
	{"private network", "OPTIONS", "/cors-any", []string{origin, wantPUT, "Access-Control-Request-Private-Network: true"}, 200, map[string]string{"Access-Control-Allow-Private-Network": "true"}},
	{"no private network", "OPTIONS", "/cors-any", []string{origin, wantPUT}, 200, map[string]string{"Access-Control-Allow-Private-Network": ""}},
	{"the service answers", "OPTIONS", "/cors-pass", []string{origin, wantPUT, partnerKey}, http.StatusMethodNotAllowed, map[string]string{"Access-Control-Allow-Origin": ""}},
}

// TestCORS: what Kong's own plugin answers browsers, whichever gateway runs it.
func TestCORS(t *testing.T) {
	restore := useConfig(t, func(config map[string]any) { addKongPlugins(t, config, corsRoutes) })
	defer restore()
	for _, tt := range corsCases {
		t.Run(tt.name, func(t *testing.T) {
			if tt.method == http.MethodGet && tt.status == http.StatusOK {
				tt.headers = append(slices.Clip(tt.headers), partnerKey)
			}
			a := ask(t, tt.method, tt.path, tt.headers)
			if a.status != tt.status {
				t.Errorf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			for name, want := range tt.want {
				// The gateway compresses, which is no matter of origins.
				values := slices.DeleteFunc(a.header.Values(name), func(v string) bool { return v == "Accept-Encoding" })
				if got := strings.Join(values, "|"); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func ask(t *testing.T, method, path string, headers []string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gate.proxy+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	addHeaders(req, headers)
	return send(t, req)
}

// TestCorrelationID: which id a service and a client are told.
func TestCorrelationID(t *testing.T) {
	const (
		uuid    = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`
		tracker = `[0-9a-f.:]+-\d+-\d+-\d+-\d+-\d+\.\d{3}`
	)
	restore := useConfig(t, func(config map[string]any) {
		addKongPlugins(t, config, map[string][]any{
			"id-default": {kongPlugin("correlation-id", fields{})},
			"id-uuid":    {kongPlugin("correlation-id", fields{"generator": "uuid", "header_name": "X-Request-Number", "echo_downstream": true})},
			"id-counter": {kongPlugin("correlation-id", fields{"generator": "uuid#counter", "echo_downstream": true})},
			"id-tracker": {kongPlugin("correlation-id", fields{"generator": "tracker", "echo_downstream": true})},
		})
	})
	defer restore()
	for _, tt := range []struct {
		name, path, header, sent, told string
		echoed                         bool
		status                         int
	}{
		{"default", "/id-default", "Kong-Request-Id", "", uuid + `#\d+`, false, 200},
		{"uuid", "/id-uuid", "X-Request-Number", "", uuid, true, 200},
		{"counter", "/id-counter", "Kong-Request-Id", "", uuid + `#\d+`, true, 200},
		{"tracker", "/id-tracker", "Kong-Request-Id", "", tracker, true, 200},
		{"the client's", "/id-tracker", "Kong-Request-Id", "mine", "mine", true, 200},
		{"the client's, not echoed", "/id-default", "Kong-Request-Id", "mine", "mine", false, 200},
		{"refused by a later plugin", "/id-counter", "Kong-Request-Id", "", uuid + `#\d+`, true, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent []string
			if tt.sent != "" {
				sent = []string{tt.header + ": " + tt.sent}
			}
			if tt.status == http.StatusOK {
				sent = append(sent, partnerKey)
			}
			a := get(t, tt.path, sent...).wantStatus(t, tt.status)
			if told := a.header.Get(tt.header); tt.echoed && !regexp.MustCompile("^"+tt.told+"$").MatchString(told) || !tt.echoed && told != "" {
				t.Errorf("the client is told %q, want %s: %v", told, tt.told, tt.echoed)
			}
			if tt.status != http.StatusOK {
				return
			}
			if got := receivedOnce(t, "orders", a.traceID(t)).Header.Get(tt.header); !regexp.MustCompile("^" + tt.told + "$").MatchString(got) {
				t.Errorf("the service is told %q, want %s", got, tt.told)
			}
		})
	}
}

// TestKongPluginMistakes wants the gateway to name the field that is wrong.
func TestKongPluginMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, plugin string
		config       fields
		field, says  string
	}{
		{"broken expression", "cors", fields{"origins": []string{"https://one.test", "("}}, "origins", "'(' is not a valid regex"},
		{"unknown method", "cors", fields{"methods": []string{"GET", "get"}}, "methods", "expected one of: GET"},
		{"age in words", "cors", fields{"max_age": "an hour"}, "max_age", "expected a number"},
		{"origins as a text", "cors", fields{"origins": "https://one.test"}, "origins", "expected an array"},
		{"a field of later Kongs", "cors", fields{"allow_origin_absent": true}, "allow_origin_absent", "unknown field"},
		{"unknown generator", "correlation-id", fields{"generator": "uuid4"}, "generator", "expected one of: uuid, uuid#counter, tracker"},
		{"number for a name", "correlation-id", fields{"header_name": 1}, "header_name", "expected a string"},
	} {
		t.Run(tt.plugin+" "+tt.name, func(t *testing.T) {
			a := postConfig(t, changed(t, func(config map[string]any) {
				addKongPlugins(t, config, map[string][]any{"mistake": {kongPlugin(tt.plugin, tt.config)}})
			})).wantStatus(t, http.StatusBadRequest)
			for _, want := range []string{tt.field, tt.says} {
				if !strings.Contains(string(a.body), want) {
					t.Errorf("the refusal does not say %q: %s", want, a.body)
				}
			}
		})
	}
}
