package apiversion_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func ordersAPI() apiversion.API {
	return apiversion.API{
		Path: "/orders", Default: "v2", MediaTypes: []string{"application/json"},
		Versions: []apiversion.Choice{
			{Name: "v1", MediaTypes: []string{"application/vnd.orders.v1+json"}, Deprecated: true},
			{Name: "v2", MediaTypes: []string{"application/vnd.orders.v2+json"}},
		},
	}
}

func newRuntime(t *testing.T, o apiversion.Options) *apiversion.Runtime {
	t.Helper()
	runtime, err := apiversion.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	return runtime
}

func newConfig(t *testing.T, c *apiversion.Config) *apiversion.Config {
	t.Helper()
	newRuntime(t, apiversion.Options{}).Bind(c)
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	return c
}

// asks is a request to a path with Accept, which nginx has in a variable.
func asks(path, accept string) kongtest.Request {
	return kongtest.Request{Path: path, Headers: http.Header{"Accept": {accept}}}
}

func TestRewriteChooses(t *testing.T) {
	t.Parallel()
	config := newConfig(t, &apiversion.Config{APIs: []apiversion.API{ordersAPI()}})
	req := asks("/orders/7", "application/vnd.orders.v1+json;q=0.5")
	req.Headers["X-Gatehouse-Version"] = []string{"v2", "v2"}
	req.Headers["X_Gatehouse_Version"] = []string{"v2"}
	effects := kongtest.Run(t, config.Rewrite, req)
	if got := effects.Service.Headers["X-Gatehouse-Version"]; !cmp.Equal(got, []string{"v1"}) {
		t.Errorf("version %q", got)
	}
	cleared := map[string]bool{}
	for _, op := range effects.Service.Ops {
		if len(op.Values) == 0 {
			cleared[strings.ToLower(op.Name)] = true
		}
	}
	if want := map[string]bool{"x_gatehouse_version": true, "x_gatehouse-version": true, "x-gatehouse_version": true}; !cmp.Equal(cleared, want) {
		t.Errorf("removed %v, want %v", cleared, want)
	}
	if got := effects.Response.Headers.Get("Vary"); got != "Accept" {
		t.Errorf("Vary is %q", got)
	}
	calls := []string{"kong.request.get_path", "kong.nginx.get_var", "kong.log.set_serialize_value", "kong.response.set_headers", "kong.service.request.set_headers"}
	if diff := cmp.Diff(calls, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestRewriteLeavesOthersAlone: a request to nothing that has versions costs one read.
func TestRewriteLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	config := newConfig(t, &apiversion.Config{APIs: []apiversion.API{ordersAPI()}})
	req := asks("/users", "text/html")
	req.Headers["X-Gatehouse-Version"] = []string{"v9"}
	effects := kongtest.Run(t, config.Rewrite, req)
	if diff := cmp.Diff([]string{"kong.request.get_path"}, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRewriteRefuses(t *testing.T) {
	t.Parallel()
	config := newConfig(t, &apiversion.Config{RequestHeader: "X-API-Version", APIs: []apiversion.API{ordersAPI()}})
	unknown := asks("/orders", "*/*")
	unknown.Headers["X-Api-Version"] = []string{"9"}
	for _, req := range []kongtest.Request{asks("/orders", "text/html"), unknown} {
		effects := kongtest.Run(t, config.Rewrite, req)
		if effects.Exit == nil || effects.Exit.Status != http.StatusNotAcceptable {
			t.Fatalf("exit %+v", effects.Exit)
		}
		want := http.Header{"Content-Type": {"application/problem+json"}, "Vary": {"Accept, X-API-Version"}}
		if diff := cmp.Diff(want, effects.Exit.Headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		var body map[string]any
		if err := json.Unmarshal(effects.Exit.Body, &body); err != nil {
			t.Fatal(err)
		}
		versions := []any{
			map[string]any{"version": "v1", "media_types": []any{"application/vnd.orders.v1+json", "application/json"}, "deprecated": true},
			map[string]any{"version": "v2", "media_types": []any{"application/vnd.orders.v2+json", "application/json"}},
		}
		if diff := cmp.Diff(versions, body["versions"]); diff != "" || body["default"] != "v2" || body["detail"] == "" {
			t.Errorf("%s\n%s", effects.Exit.Body, diff)
		}
		req.Method = http.MethodOptions
		if preflight := kongtest.Run(t, config.Rewrite, req); preflight.Exit != nil || preflight.Service.Headers.Get("X-Gatehouse-Version") != "v2" {
			t.Errorf("preflight: exit %v, version %q", preflight.Exit, preflight.Service.Headers.Get("X-Gatehouse-Version"))
		}
	}
}

// TestWithoutMediaTypes: Accept is not asked for, and no answer depends on it.
func TestWithoutMediaTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header, asked, version string // asked for, and got
		versions               []apiversion.Choice
		vary                   string
	}{
		"the default":             {"X-API-Version", "", "v2", []apiversion.Choice{{Name: "v1"}, {Name: "v2"}}, "X-API-Version"},
		"by header":               {"X-API-Version", "1", "v1", []apiversion.Choice{{Name: "v1"}, {Name: "v2"}}, "X-API-Version"},
		"one that there is not":   {"X-API-Version", "9", "", []apiversion.Choice{{Name: "v1"}, {Name: "v2"}}, "X-API-Version"},
		"nothing decides":         {"", "", "v2", []apiversion.Choice{{Name: "v2"}}, ""},
		"another has media types": {"", "", "v2", []apiversion.Choice{{Name: "v1", MediaTypes: []string{"a/b"}}, {Name: "v2"}}, "Accept"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, &apiversion.Config{RequestHeader: tt.header, APIs: []apiversion.API{{Path: "/orders", Default: "v2", Versions: tt.versions}}})
			req := asks("/orders", "text/html")
			req.Headers["X-Api-Version"] = []string{tt.asked}
			effects := kongtest.Run(t, config.Rewrite, req)
			headers := effects.Response.Headers
			if tt.version == "" {
				if effects.Exit == nil {
					t.Fatal("it is not refused")
				}
				headers = effects.Exit.Headers
			} else if effects.Exit != nil {
				t.Fatalf("exit %s", effects.Exit.Body)
			}
			if got := effects.Service.Headers.Get("X-Gatehouse-Version"); got != tt.version || headers.Get("Vary") != tt.vary {
				t.Errorf("version %q, Vary %q; want %q and %q", got, headers.Get("Vary"), tt.version, tt.vary)
			}
		})
	}
}

// TestWhichAPI: hosts count before paths, and the longest path before others.
func TestWhichAPI(t *testing.T) {
	t.Parallel()
	api := func(path, version string, hosts ...string) apiversion.API {
		return apiversion.API{Path: path, Hosts: hosts, Default: version, MediaTypes: []string{"application/json"}, Versions: []apiversion.Choice{{Name: version}}}
	}
	config := newConfig(t, &apiversion.Config{APIs: []apiversion.API{
		api("/", "all"), api("/orders", "orders"), api("/orders/old", "old"), api("/", "host", "API.example.com"), api("/", "below", "*.example.com"),
	}})
	for _, tt := range []struct{ host, path, want string }{
		{"", "/x", "all"}, {"", "/orders/7", "orders"}, {"", "/orders/old/7", "old"},
		{"api.example.com", "/orders", "host"}, {"b.example.com", "/orders/old", "below"}, {"example.com", "/orders", "orders"},
	} {
		req := kongtest.Request{Path: tt.path, Host: tt.host, Vars: map[string]string{"host": tt.host}}
		if got := kongtest.Run(t, config.Rewrite, req).Service.Headers.Get("X-Gatehouse-Version"); got != tt.want {
			t.Errorf("%s%s: %q, want %q", tt.host, tt.path, got, tt.want)
		}
	}
}

// TestDegraded: what is right in a config goes on, provisioned or not, and the audit record
// tells.
func TestDegraded(t *testing.T) {
	t.Parallel()
	for _, provisions := range []bool{true, false} {
		var log strings.Builder
		config := newRuntime(t, apiversion.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}).New().(*apiversion.Config)
		bad, worse := ordersAPI(), ordersAPI()
		bad.Default, worse.Path = "v9", "users"
		config.APIs = []apiversion.API{bad, worse}
		if provisions {
			if err := config.Provision(); err == nil {
				t.Fatal("no error")
			}
			config.Degrade(nil)
		}
		effects := kongtest.Run(t, config.Rewrite, asks("/orders", "*/*"))
		if got := effects.Service.Headers.Get("X-Gatehouse-Version"); got != "v1" {
			t.Errorf("version %q, want the first", got)
		}
		if want := []kongtest.KV{{Key: "gatehouse.api-version", Value: "degraded"}}; !cmp.Equal(effects.Serialized, want) {
			t.Errorf("log fields %v, want %v", effects.Serialized, want)
		}
		if !provisions && !strings.Contains(log.String(), "v9") {
			t.Errorf("logged %s", log.String())
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	config := newRuntime(t, apiversion.Options{Registerer: registry}).New().(*apiversion.Config)
	config.RequestHeader, config.APIs = "X-API-Version", []apiversion.API{ordersAPI()}
	byHeader := asks("/orders", "*/*")
	byHeader.Headers["X-Api-Version"] = []string{"1"}
	for _, req := range []kongtest.Request{asks("/orders", ""), asks("/orders", "application/json;version=1"), asks("/orders", "text/html"), byHeader, asks("/users", "")} {
		kongtest.Run(t, config.Rewrite, req)
	}
	want := `# HELP gatehouse_api_version_requests_total Requests whose version was negotiated, by the API's path, the version, and what chose it: accept, header, default, or preflight; not_acceptable and unknown_version have no version.
# TYPE gatehouse_api_version_requests_total counter
gatehouse_api_version_requests_total{api="/orders",by="accept",version="v1"} 1
gatehouse_api_version_requests_total{api="/orders",by="default",version="v2"} 1
gatehouse_api_version_requests_total{api="/orders",by="header",version="v1"} 1
gatehouse_api_version_requests_total{api="/orders",by="not_acceptable",version=""} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestDeclaredReadsAreMade: a read that is declared and not made costs for nothing.
func TestDeclaredReadsAreMade(t *testing.T) {
	t.Parallel()
	hosted := ordersAPI()
	hosted.Hosts = []string{"h"}
	for want, api := range map[int]apiversion.API{1: ordersAPI(), 2: hosted} {
		config := newConfig(t, &apiversion.Config{APIs: []apiversion.API{api}})
		made := kongtest.Run(t, config.Rewrite, asks("/users", "")).Calls
		declared := config.Prefetch("rewrite")
		if len(declared) != want || len(config.Prefetch("access")) > 0 {
			t.Errorf("%v declared", declared)
		}
		for _, read := range declared {
			if !strings.Contains(strings.Join(made, " "), read[0]) {
				t.Errorf("%q is declared and not made: %q", read, made)
			}
		}
	}
}
