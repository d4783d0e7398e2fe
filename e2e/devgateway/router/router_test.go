package router

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

func route(name string, edit func(*config.Route)) *config.Route {
	r := &config.Route{Meta: config.Meta{ID: name}, Name: name, StripPath: true}
	edit(r)
	return r
}

func paths(p ...string) func(*config.Route) { return func(r *config.Route) { r.Paths = p } }

// The rules are those of Kong's documentation of the router, "Evaluation
// order" and "Matching".
func TestMatch(t *testing.T) {
	t.Parallel()
	get := func(uri string) Request { return Request{Method: "GET", URI: uri, Host: "example.com", Port: 8000} }
	with := func(req Request, edit func(*Request)) Request { edit(&req); return req }
	tests := []struct {
		name   string
		routes []*config.Route
		req    Request
		want   string
	}{
		{"no route", nil, get("/"), ""},
		{"prefix", []*config.Route{route("a", paths("/a"))}, get("/a/b?q=1"), "a"},
		{"prefix without a segment border", []*config.Route{route("a", paths("/a"))}, get("/ab"), "a"},
		{"other path", []*config.Route{route("a", paths("/a"))}, get("/b"), ""},
		{"encoded path", []*config.Route{route("a", paths("/orders"))}, get("/%6Frders"), "a"},
		{"dot segments", []*config.Route{route("a", paths("/orders"))}, get("/x/../orders"), "a"},
		{"double slash", []*config.Route{route("a", paths("/orders/1"))}, get("/orders//1"), "a"},
		{"longer path first", []*config.Route{route("short", paths("/a")), route("long", paths("/a/b"))}, get("/a/b/c"), "long"},
		{"paths of one route count by their own length", []*config.Route{
			route("mixed", paths("/a/b/c/d", "/a")), route("middle", paths("/a/b")),
		}, get("/a/b"), "middle"},
		{"regex before prefix", []*config.Route{route("prefix", paths("/a/bcd")), route("regex", paths("~/a/.*"))}, get("/a/bcd"), "regex"},
		{"regex by priority", []*config.Route{
			route("zlow", func(r *config.Route) { r.Paths = []string{"~/a/.*"} }),
			route("high", func(r *config.Route) { r.Paths = []string{"~/a/\\d+"}; r.RegexPriority = 5 }),
		}, get("/a/1"), "high"},
		{"method", []*config.Route{route("post", func(r *config.Route) { r.Methods = []string{"POST"} })}, get("/"), ""},
		{"more attributes before a longer path", []*config.Route{
			route("path", paths("/a/very/long/path")),
			route("method", func(r *config.Route) { r.Paths = []string{"/a"}; r.Methods = []string{"GET"} }),
		}, get("/a/very/long/path"), "method"},
		{"plain host before wildcard", []*config.Route{
			route("wild", func(r *config.Route) { r.Hosts = []string{"*.com"} }),
			route("plain", func(r *config.Route) { r.Hosts = []string{"example.com"} }),
		}, get("/"), "plain"},
		{"rightmost wildcard", []*config.Route{
			route("wild", func(r *config.Route) { r.Hosts = []string{"example.*"} }),
		}, get("/"), "wild"},
		{"host with port", []*config.Route{
			route("other", func(r *config.Route) { r.Hosts = []string{"example.com:9000"} }),
		}, get("/"), ""},
		{"host with the listener's port", []*config.Route{
			route("same", func(r *config.Route) { r.Hosts = []string{"example.com:8000"} }),
		}, get("/"), "same"},
		{"header without regard to case", []*config.Route{
			route("plain", paths("/p")),
			route("v2", func(r *config.Route) {
				r.Paths = []string{"/p"}
				r.Headers = map[string][]string{"accept": {"application/vnd.x.v2+json"}}
			}),
		}, with(get("/p"), func(r *Request) { r.Header = http.Header{"Accept": {"Application/Vnd.X.v2+JSON"}} }), "v2"},
		{"header that is not there", []*config.Route{
			route("v2", func(r *config.Route) { r.Headers = map[string][]string{"x-v": {"2"}} }),
		}, get("/"), ""},
		{"header by regex", []*config.Route{
			route("v2", func(r *config.Route) { r.Headers = map[string][]string{"x-v": {"~*^2\\."}} }),
		}, with(get("/"), func(r *Request) { r.Header = http.Header{"X-V": {"2.7"}} }), "v2"},
		{"the greater id of equals", []*config.Route{route("a", paths("/x")), route("b", paths("/x"))}, get("/x"), "b"},
		{"disabled service", []*config.Route{
			route("off", func(r *config.Route) { r.Service = &config.Service{} }),
		}, get("/"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := New(tt.routes)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if m := r.Match(tt.req); m != nil {
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
		{"/s", "", true, "/x/y", "/s/x/y"},
		{"/v1/orders", "/partner/v1/orders", true, "/partner/v1/orders?limit=2", "/v1/orders"},
		{"/v1/orders", "/partner/v1/orders", true, "/partner/v1/orders/7", "/v1/orders/7"},
	}
	for _, tt := range tests {
		t.Run(tt.service+tt.route+tt.request, func(t *testing.T) {
			t.Parallel()
			r := route("r", func(r *config.Route) {
				r.StripPath = tt.strip
				r.Service = &config.Service{Path: tt.service, Enabled: true}
				if tt.route != "" {
					r.Paths = []string{tt.route}
				}
			})
			router, err := New([]*config.Route{r})
			if err != nil {
				t.Fatal(err)
			}
			m := router.Match(Request{URI: tt.request})
			if m == nil || m.UpstreamURI != tt.want {
				t.Errorf("got %+v, want upstream URI %q", m, tt.want)
			}
		})
	}
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	r, err := New([]*config.Route{route("r", paths(`~/users/(?<id>\d+)/(\w+)`))})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Match(Request{URI: "/users/7/orders/x"})
	if m == nil {
		t.Fatal("no match")
	}
	want := &Match{Prefix: "/users/7/orders", UpstreamURI: "/x", Unnamed: []string{"7", "orders"}, Named: map[string]string{"id": "7"}}
	m.Route = nil
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}
