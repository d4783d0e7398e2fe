package router

import (
	"net/http"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

func route(name, path string, edit func(*config.Route)) *config.Route {
	r := &config.Route{Meta: config.Meta{ID: name}, Name: name, Paths: []string{path}, StripPath: true, Service: &config.Service{}}
	edit(r)
	return r
}

func plain(*config.Route) {}

// The rules are those of Kong's documentation of the router, "Evaluation
// order" and "Matching".
func TestMatch(t *testing.T) {
	t.Parallel()
	get := func(uri string, header ...string) Request {
		req := Request{Method: "GET", URI: uri, Header: http.Header{}}
		for i := 0; i < len(header); i += 2 {
			req.Header[header[i]] = []string{header[i+1]}
		}
		return req
	}
	withHeader := func(name string, values ...string) func(*config.Route) {
		return func(r *config.Route) { r.Headers = map[string][]string{name: values} }
	}
	tests := []struct {
		name   string
		routes []*config.Route
		req    Request
		want   string
	}{
		{"no route", nil, get("/"), ""},
		{"prefix", []*config.Route{route("a", "/a", plain)}, get("/a/b?q=1"), "a"},
		{"prefix without a segment border", []*config.Route{route("a", "/a", plain)}, get("/ab"), "a"},
		{"other path", []*config.Route{route("a", "/a", plain)}, get("/b"), ""},
		{"encoded path", []*config.Route{route("a", "/orders", plain)}, get("/%6Frders"), "a"},
		{"dot segments", []*config.Route{route("a", "/orders", plain)}, get("/x/../orders"), "a"},
		{"double slash", []*config.Route{route("a", "/orders/1", plain)}, get("/orders//1"), "a"},
		{"longer path first", []*config.Route{route("short", "/a", plain), route("long", "/a/b", plain)}, get("/a/b/c"), "long"},
		{"method", []*config.Route{route("post", "/", func(r *config.Route) { r.Methods = []string{"POST"} })}, get("/"), ""},
		{"more attributes before a longer path", []*config.Route{
			route("path", "/a/very/long/path", plain),
			route("method", "/a", func(r *config.Route) { r.Methods = []string{"GET"} }),
		}, get("/a/very/long/path"), "method"},
		{"more headers before a longer path", []*config.Route{
			route("one", "/a/very/long/path", withHeader("x-a", "1")),
			route("two", "/a", func(r *config.Route) { r.Headers = map[string][]string{"x-a": {"1"}, "x-b": {"1"}} }),
		}, get("/a/very/long/path", "X-A", "1", "X-B", "1"), "two"},
		{"header without regard to case", []*config.Route{
			route("plain", "/p", plain), route("v2", "/p", withHeader("accept", "application/vnd.x.v2+json")),
		}, get("/p", "Accept", "Application/Vnd.X.v2+JSON"), "v2"},
		{"one of the header's values", []*config.Route{route("v2", "/p", withHeader("x_v", "2", "3"))}, get("/p", "X-V", "3"), "v2"},
		{"header that is not there", []*config.Route{route("v2", "/", withHeader("x-v", "2"))}, get("/"), ""},
		{"header of another value", []*config.Route{route("v2", "/", withHeader("x-v", "2"))}, get("/", "X-V", "2.7"), ""},
		{"the greater id of equals", []*config.Route{route("a", "/x", plain), route("b", "/x", plain)}, get("/x"), "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if m := New(tt.routes).Match(tt.req); m != nil {
				got = m.Route.Name
			}
			if got != tt.want {
				t.Errorf("matched %q, want %q", got, tt.want)
			}
		})
	}
}

// The table is the one in Kong's documentation of path_handling v0.
func TestUpstreamURI(t *testing.T) {
	t.Parallel()
	tests := []struct {
		service, route string
		strip          bool
		request, want  string
	}{
		{"", "/fv0", false, "/fv0req", "/fv0req"},
		{"/s", "/fv0", false, "/fv0req", "/s/fv0req"},
		{"/s", "/fv0", true, "/fv0req", "/s/req"},
		{"/s/", "/fv0", true, "/fv0req", "/s/req"},
		{"/s/", "/fv0", false, "/fv0req", "/s/fv0req"},
		{"/s", "/fv0", true, "/fv0", "/s"},
		{"/s/", "/fv0", true, "/fv0", "/s"},
		{"/s", "/fv0", true, "/fv0/", "/s/"},
		{"/s/", "/fv0/", true, "/fv0/", "/s/"},
		{"/s", "/", true, "/", "/s"},
		{"/s/", "/", true, "/", "/s/"},
		{"/s", "/", false, "/", "/s"},
		{"", "/a", true, "/a", "/"},
		{"/", "/a", true, "/a/b", "/b"},
		{"", "/a", true, "/a../b", "/b"},
		{"/v1/orders", "/partner/v1/orders", true, "/partner/v1/orders?limit=2", "/v1/orders"},
		{"/v1/orders", "/partner/v1/orders", true, "/partner/v1/orders/7", "/v1/orders/7"},
		{"/s", "/a", true, "/a/b c", "/s/b%20c"},
	}
	for _, tt := range tests {
		t.Run(tt.service+tt.route+tt.request, func(t *testing.T) {
			t.Parallel()
			r := route("r", tt.route, func(r *config.Route) { r.StripPath, r.Service.Path = tt.strip, tt.service })
			m := New([]*config.Route{r}).Match(Request{URI: tt.request})
			if m == nil || m.UpstreamURI != tt.want {
				t.Errorf("got %+v, want upstream URI %q", m, tt.want)
			}
		})
	}
}
