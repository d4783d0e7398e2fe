package cors

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

func plugin(t testing.TB, settings string) *Plugin {
	t.Helper()
	loader := config.NewLoader(config.Options{Now: time.Now})
	cfg, err := loader.Load([]byte("_format_version: \"3.0\"\nplugins: [{name: cors, config: " + settings + "}]"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(cfg.Plugins[0])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOrigin: who may read a response, under which origins.
func TestOrigin(t *testing.T) {
	t.Parallel()
	const none = "none"
	for name, tt := range map[string]struct{ config, origin, allowed string }{
		"nothing set":               {`{}`, "https://a.test", "*"},
		"everybody":                 {`{origins: ["*"]}`, none, "*"},
		"everybody among others":    {`{origins: ["https://b.test", "*"]}`, "https://a.test", "*"},
		"but not without an origin": {`{origins: ["https://b.test", "*"]}`, none, ""},
		"one, whoever asks":         {`{origins: ["https://b.test"]}`, "https://a.test", "https://b.test"},
		"one, nobody asks":          {`{origins: ["https://b.test"]}`, none, "https://b.test"},
		"one of two":                {`{origins: ["https://a.test", "https://b.test"]}`, "https://b.test", "https://b.test"},
		"none of two":               {`{origins: ["https://a.test", "https://b.test"]}`, "https://c.test", ""},
		"the scheme's own port":     {`{origins: ["https://a.test:443", "x"]}`, "https://a.test", "https://a.test"},
		"the client's own port":     {`{origins: ["http://a.test", "x"]}`, "http://a.test:80", "http://a.test"},
		"another port":              {`{origins: ["https://a.test", "x"]}`, "https://a.test:8443", ""},
		"another scheme":            {`{origins: ["https://a.test", "x"]}`, "http://a.test", ""},
		"no scheme":                 {`{origins: ["a.test", "x"]}`, "https://a.test", ""},
		"a user":                    {`{origins: ["https://a.test", "x"]}`, "https://u@a.test", "https://a.test"},
		"an opaque origin":          {`{origins: ["null", "x"]}`, "null", "null"},
		"hosts by expression":       {`{origins: ['(.*[.])?a\.test']}`, "https://b.a.test:8443", "https://b.a.test:8443"},
		"the whole host":            {`{origins: ['(.*[.])?a\.test']}`, "https://a.test.b", ""},
		"from its begin":            {`{origins: ['a\.test']}`, "https://b.a.test", ""},
		"anchored already":          {`{origins: ['^a\.test$']}`, "https://a.test", "https://a.test"},
		"origins by expression":     {`{origins: ['https://.*\.test']}`, "https://a.test", "https://a.test"},
		"and their scheme":          {`{origins: ['https://.*\.test']}`, "http://a.test", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := exchange.New(nil)
			x.Header, x.Method = http.Header{}, http.MethodGet
			if tt.origin != none {
				x.Header.Set("Origin", tt.origin)
			}
			p := plugin(t, tt.config)
			if err := p.HeaderFilter(x); err != nil {
				t.Fatal(err)
			}
			if got := x.RespHeader.Get(allowOrigin); got != tt.allowed {
				t.Errorf("allowed is %q, want %q", got, tt.allowed)
			}
			if varies, everybody := x.RespHeader.Get("Vary") == "Origin", len(p.Origins) < 2 && tt.allowed == "*"; varies == everybody {
				t.Errorf("Vary is %q", x.RespHeader.Get("Vary"))
			}
		})
	}
}

// TestPreflight: what a preflight request is answered, header by header.
func TestPreflight(t *testing.T) {
	t.Parallel()
	const all = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"
	for name, tt := range map[string]struct {
		config string
		want   http.Header
	}{
		"nothing set":      {`{}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}}},
		"null":             {`{methods: null}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}}},
		"headers, methods": {`{headers: [A, B], methods: [GET, PUT]}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"A,B"}, allowMethods: {"GET,PUT"}}},
		"age":              {`{max_age: 3600}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}, maxAge: {"3600"}}},
		"age in parts":     {`{max_age: 0.5}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}, maxAge: {"0.5"}}},
		"private":          {`{private_network: true}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}, allowPrivateNetwork: {"true"}}},
		"credentials": {`{credentials: true}`, http.Header{
			allowOrigin: {"https://a.test"}, allowHeaders: {"x-a"}, allowMethods: {all}, allowCredentials: {"true"}, "Vary": {"Origin"},
		}},
		"credentials of one": {`{credentials: true, origins: ["https://b.test"]}`, http.Header{
			allowOrigin: {"https://b.test"}, allowHeaders: {"x-a"}, allowMethods: {all}, allowCredentials: {"true"}, "Vary": {"Origin"},
		}},
		"exposed": {`{exposed_headers: [X]}`, http.Header{allowOrigin: {"*"}, allowHeaders: {"x-a"}, allowMethods: {all}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := asked(http.MethodOptions)
			p := plugin(t, tt.config)
			if err := p.Access(x); err != nil {
				t.Fatal(err)
			}
			if err := p.HeaderFilter(x); err != nil {
				t.Fatal(err)
			}
			if x.Answer == nil || x.Answer.Status != http.StatusOK || x.Answer.Body != nil {
				t.Errorf("answer %+v, want 200 without a body", x.Answer)
			}
			if diff := cmp.Diff(tt.want, x.RespHeader); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// asked is a request with all that makes an OPTIONS request a preflight.
func asked(method string) *exchange.Exchange {
	x := exchange.New(nil)
	x.Method = method
	x.Header = http.Header{"Origin": {"https://a.test"}, requestMethod: {"PUT"}, requestHeaders: {"x-a"}, requestPrivate: {"true"}}
	return x
}

// TestNoPreflight: what goes on to the service, and whether its response gets headers.
func TestNoPreflight(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config, method, without string
		marked                  bool
	}{
		"the service answers": {`{preflight_continue: true}`, http.MethodOptions, "", false},
		"another method":      {`{}`, http.MethodGet, "", true},
		"no origin":           {`{}`, http.MethodOptions, "Origin", true},
		"no method asked for": {`{}`, http.MethodOptions, requestMethod, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := asked(tt.method)
			x.Header.Del(tt.without)
			p := plugin(t, tt.config)
			if err := p.Access(x); err != nil || x.Answer != nil {
				t.Fatalf("answer %+v, error %v", x.Answer, err)
			}
			if err := p.HeaderFilter(x); err != nil {
				t.Fatal(err)
			}
			if got := x.RespHeader.Get(allowOrigin) != ""; got != tt.marked {
				t.Errorf("headers %v", x.RespHeader)
			}
		})
	}
}

// TestServiceHeadersStay: Vary grows, and what a service says of origins is replaced.
func TestServiceHeadersStay(t *testing.T) {
	t.Parallel()
	x := asked(http.MethodGet)
	x.RespHeader = http.Header{"Vary": {"Accept"}, allowOrigin: {"https://service.test"}}
	if err := plugin(t, `{origins: ["https://a.test", "https://b.test"], credentials: true, exposed_headers: [A, B]}`).HeaderFilter(x); err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Vary": {"Accept", "Origin"}, allowOrigin: {"https://a.test"}, allowCredentials: {"true"}, exposeHeaders: {"A,B"}}
	if diff := cmp.Diff(want, x.RespHeader); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, text := range []string{"https://a.test:443", "null", "//", "http://[::1]:80/#x", "a:b@c:", "://"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := normalize(text)
		if (err == nil) != (text != "") || err == nil && (d.domain == "" || d.host == "") {
			t.Errorf("%q: %+v, %v", text, d, err)
		}
	})
}
