package exchange

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

func served() *Exchange {
	x := New(&config.Config{})
	start := time.UnixMilli(1795490021000)
	x.ID, x.Start, x.Method, x.Host = "abc", start, "POST", "shop.example"
	x.RequestLine, x.RequestURI, x.Args = "POST /a?q=1&q=2&flag HTTP/1.1", "/a?q=1&q=2&flag", "q=1&q=2&flag"
	x.Header = http.Header{"Host": {"shop.example"}, "Authorization": {"Bearer x"}, "X-Many": {"1", "2"}}
	x.HeadLength = HeadLength(x.RequestLine, x.Header)
	x.Conn = Conn{RemoteAddr: "127.0.0.1", ServerPort: 8000}
	service := &config.Service{Meta: config.Meta{ID: "s1", CreatedAt: 1, UpdatedAt: 1}, Name: "s", Protocol: "http", Host: "h", Port: 80,
		Retries: 1, ConnectTimeout: 1, WriteTimeout: 2, ReadTimeout: 3, Enabled: true, Workspace: config.DefaultWorkspace}
	x.Match = &router.Match{Route: &config.Route{Meta: config.Meta{ID: "r1", CreatedAt: 1, UpdatedAt: 1}, Name: "r", Protocols: []string{"http"},
		Paths: []string{"/a"}, ServiceRef: config.Ref{ID: "s1"}, Service: service, PathHandling: "v0", HTTPSRedirectStatusCode: 426,
		Workspace: config.DefaultWorkspace}}
	x.Consumer = &config.Consumer{Meta: config.Meta{ID: "c1", CreatedAt: 1, UpdatedAt: 1}, Username: "u", Groups: []string{"g"}}
	x.Credential = &Credential{ID: "k1", Key: "secret"}
	x.Tries = []*Try{{BalancerStart: 5, IP: "10.0.0.1", Port: 80, State: "failed", Code: 502}}
	x.UpstreamURI, x.Upstream.Statuses = "/base/a?q=1&q=2&flag", []int{502, 201}
	x.Status, x.Proxied = 201, true
	x.RespHeader = http.Header{"Content-Length": {"2"}, "X-R": {"v"}}
	x.Times = Times{Balancer: start.Add(3 * time.Millisecond), Header: start.Add(10 * time.Millisecond), End: start.Add(12 * time.Millisecond)}
	x.Sent = Sent{Total: 100, Body: 2}
	x.BodyLength = 3
	return x
}

const entry = `{
	"request": {"id": "abc", "uri": "/a?q=1&q=2&flag", "url": "http://shop.example:8000/a?q=1&q=2&flag", "method": "POST", "size": 103,
		"querystring": {"q": ["1", "2"], "flag": true}, "headers": {"host": "shop.example", "authorization": "REDACTED", "x-many": ["1", "2"]}},
	"upstream_uri": "/base/a?q=1&q=2&flag", "upstream_status": "502, 201",
	"response": {"status": 201, "size": 100, "headers": {"content-length": "2", "connection": "keep-alive", "x-r": "v"}},
	"latencies": {"kong": 3, "proxy": 7, "request": 12, "receive": 2},
	"tries": [{"balancer_start": 5, "balancer_start_ns": 0, "balancer_latency": 0, "balancer_latency_ns": 0, "ip": "10.0.0.1", "port": 80, "state": "failed", "code": 502}],
	"authenticated_entity": {"id": "k1"},
	"route": {"id": "r1", "created_at": 1, "updated_at": 1, "name": "r", "protocols": ["http"], "paths": ["/a"], "https_redirect_status_code": 426,
		"regex_priority": 0, "strip_path": false, "preserve_host": false, "request_buffering": false, "response_buffering": false,
		"path_handling": "v0", "service": {"id": "s1"}, "ws_id": "0dc6f45b-8f8d-40d2-a504-473544ee190b"},
	"service": {"id": "s1", "created_at": 1, "updated_at": 1, "name": "s", "protocol": "http", "host": "h", "port": 80, "retries": 1,
		"connect_timeout": 1, "write_timeout": 2, "read_timeout": 3, "enabled": true, "ws_id": "0dc6f45b-8f8d-40d2-a504-473544ee190b"},
	"consumer": {"id": "c1", "created_at": 1, "updated_at": 1, "username": "u"},
	"client_ip": "127.0.0.1", "started_at": 1795490021000, "source": "upstream",
	"workspace": "0dc6f45b-8f8d-40d2-a504-473544ee190b", "workspace_name": "default"
}`

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSerialize(t *testing.T) {
	t.Parallel()
	saved, err := served().Save()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, entry), decode(t, saved.Serialized)); diff != "" {
		t.Error(diff)
	}
}

func TestSetSerializeValue(t *testing.T) {
	t.Parallel()
	x := served()
	x.SetSerializeValue("request.uri", "/scrubbed")
	x.SetSerializeValue("tenant.name", "acme")
	x.SetSerializeValue("client_ip", nil)
	saved, err := x.Save()
	if err != nil {
		t.Fatal(err)
	}
	want := decode(t, entry)
	want["request"].(map[string]any)["uri"] = "/scrubbed"
	want["tenant"] = map[string]any{"name": "acme"}
	delete(want, "client_ip")
	if diff := cmp.Diff(want, decode(t, saved.Serialized)); diff != "" {
		t.Error(diff)
	}
	x.SetSerializeValue("request.uri.path", "/")
	if _, err := x.Save(); err == nil || !strings.Contains(err.Error(), "subkey 'uri' is not a table") {
		t.Errorf("error %v", err)
	}
}

// An exchange that ended before routing has no route, tries or latency.
func TestSerializeEarlyEnd(t *testing.T) {
	t.Parallel()
	x := New(&config.Config{})
	x.Header, x.RequestLine = http.Header{}, "GET / HTTP/1.1"
	x.Fail(404, "no route", nil)
	x.ApplyAnswer()
	root, err := x.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tries", "route", "service", "consumer", "authenticated_entity"} {
		if root[name] != nil {
			t.Errorf("%s: %v", name, root[name])
		}
	}
	if root["source"] != "kong" || root["latencies"].(map[string]any)["proxy"] != int64(-1) {
		t.Errorf("source %v, latencies %v", root["source"], root["latencies"])
	}
}

func TestVars(t *testing.T) {
	t.Parallel()
	x := served()
	for name, want := range map[string]string{
		"request_id": "abc", "request": x.RequestLine, "host": "shop.example", "http_x_many": "1, 2", "HTTP_HOST": "shop.example",
		"status": "201", "bytes_sent": "100", "body_bytes_sent": "2", "request_time": "0.012", "msec": "1795490021.012",
		"upstream_status": "502, 201", "http_none": "", "gatehouse_request": "",
	} {
		if got, err := x.Var(name); got != want || err != nil {
			t.Errorf("$%s is %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"upstream_bytes_sent", "cookie_sid", "nope"} {
		if got, err := x.Var(name); got != "" || err == nil || CheckVar(name) == nil {
			t.Errorf("$%s is %q, %v, want an error", name, got, err)
		}
	}
	if err := CheckVar("http_x"); err != nil {
		t.Error(err)
	}
}

func TestErrorType(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                             JSONType,
		"*/*":                          JSONType,
		"text/plain":                   textType,
		"text/*":                       textType,
		"text/html":                    textType,
		"application/json, text/plain": JSONType,
		"image/webp":                   JSONType,
	} {
		if got := errorType([]string{accept}); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

// nginx's error page looks at the request's own type where nothing is accepted.
func TestErrorPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header http.Header
		want   string
	}{
		{http.Header{}, "The upstream server is timing out\nrequest_id: abc\n"},
		{http.Header{"Content-Type": {"application/json"}}, "{\n  \"message\":\"The upstream server is timing out\",\n  \"request_id\":\"abc\"\n}"},
		{http.Header{"Content-Type": {"application/json"}, "Accept": {"text/plain"}}, "The upstream server is timing out\nrequest_id: abc\n"},
	} {
		x := New(&config.Config{})
		x.ID, x.Header = "abc", tt.header
		x.Exit(200, nil, nil)
		x.ErrorPage(504)
		if x.Answer.Status != 504 || string(x.Answer.Body) != tt.want || x.FromUpstream() {
			t.Errorf("%v: %d %q", tt.header, x.Answer.Status, x.Answer.Body)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	x := &Exchange{Args: "a=1&b&a=2&=x&c=%zz+%41&d="}
	want := map[string]any{"a": []any{"1", "2"}, "b": true, "c": "%zz A", "d": ""}
	if diff := cmp.Diff(want, x.Query(100)); diff != "" {
		t.Error(diff)
	}
	if got := x.Query(1); len(got) != 1 {
		t.Errorf("%v with a limit of 1", got)
	}
	x.ClearQueryArg("a")
	if x.Args != "b=&=x&c=%25zz+A&d=" {
		t.Errorf("without a: %q", x.Args)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("a=1&b&a=2&=x&c=%zz+%41&d=")
	f.Fuzz(func(t *testing.T, args string) {
		x := &Exchange{Args: args}
		parsed := x.Query(1000)
		if _, empty := parsed[""]; empty {
			t.Errorf("%q: an argument without a name", args)
		}
		for name := range parsed {
			x.ClearQueryArg(name)
		}
		if left := x.Query(1000); len(parsed) < 1000 && len(left) > 0 {
			t.Errorf("%q: %v is left of %v", args, left, parsed)
		}
	})
}
