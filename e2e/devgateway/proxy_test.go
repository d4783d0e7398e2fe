package devgateway

import (
	"bufio"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRequestForUpstream(t *testing.T) {
	t.Parallel()
	h := start(t, `
upstreams: [{name: up, targets: [{target: "UPSTREAM"}]}]
services:
- name: s
  host: up
  path: /base
  routes:
  - {name: r, paths: [/api/v1]}
  - {name: keep, paths: [/keep], strip_path: false}
`, nil, nil)
	res, _ := h.get("/api/v1/a%2Fb/%7Euser?x=1&y=%20", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https",
		"X-Forwarded-Prefix: /evil", "X-Real-IP: 203.0.113.9", "Connection: x-hop", "X-Hop: 1", "Via: 1.1 cdn",
		"Te: gzip, trailers", "Proxy-Connection: x", "X-Kept: 1", "X-Kong-Request-Id: forged")
	got := h.upstream.last(t)
	if got.RequestURI != "/base/a%2Fb/~user?x=1&y=%20" {
		t.Errorf("request URI %q", got.RequestURI)
	}
	if got.Host != h.upstream.addr() {
		t.Errorf("host %q", got.Host)
	}
	front := strings.TrimPrefix(h.url, "http://")
	host, port, _ := strings.Cut(front, ":")
	want := http.Header{
		"X-Forwarded-For":    {"203.0.113.9, 127.0.0.1"},
		"X-Forwarded-Proto":  {"http"},
		"X-Forwarded-Host":   {host},
		"X-Forwarded-Port":   {port},
		"X-Forwarded-Path":   {"/api/v1/a%2Fb/%7Euser"},
		"X-Forwarded-Prefix": {"/api/v1"},
		"X-Real-Ip":          {"127.0.0.1"},
		"X-Kong-Request-Id":  {res.Header.Get("X-Kong-Request-Id")},
		"Via":                {"1.1 cdn, 1.1 kong/3.9.1"},
		"Te":                 {"trailers"},
		"Connection":         {"keep-alive"},
		"User-Agent":         {"Go-http-client/1.1"},
		"Accept-Encoding":    {"gzip"},
		"X-Kept":             {"1"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	h.get("/keep?", "Host: shop.example.com:99")
	got = h.upstream.last(t)
	if got.Host != h.upstream.addr() || got.RequestURI != "/base/keep?" || got.Header.Get("X-Forwarded-Host") != "shop.example.com" {
		t.Errorf("host %q, URI %q, %v", got.Host, got.RequestURI, got.Header)
	}
	if _, given := got.Header["X-Forwarded-Prefix"]; given {
		t.Error("X-Forwarded-Prefix without strip_path")
	}
}

func TestResponse(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, func(w http.ResponseWriter, _ *http.Request) {
		hd := w.Header()
		hd.Set("Server", "orders")
		hd.Set("Via", "1.1 inner")
		hd.Set("Connection", "x-hop")
		hd.Set("X-Hop", "1")
		hd.Set("X-Accel-Expires", "1")
		hd.Set("Content-Type", "text/plain")
		hd.Set("Date", "Tue, 24 Nov 2026 03:13:41 GMT")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	res, body := h.get("/")
	for _, name := range []string{"X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency"} {
		if !regexp.MustCompile(`^\d+$`).MatchString(res.Header.Get(name)) {
			t.Errorf("%s: %q", name, res.Header.Get(name))
		}
		res.Header.Del(name)
	}
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(res.Header.Get("X-Kong-Request-Id")) {
		t.Errorf("X-Kong-Request-Id: %q", res.Header.Get("X-Kong-Request-Id"))
	}
	res.Header.Del("X-Kong-Request-Id")
	want := http.Header{
		"Server": {"orders"}, "Via": {"1.1 inner, 1.1 kong/3.9.1"}, "Content-Type": {"text/plain; charset=UTF-8"},
		"Content-Length": {"15"}, "Date": {"Tue, 24 Nov 2026 03:13:41 GMT"}, "Connection": {"keep-alive"},
	}
	if diff := cmp.Diff(want, res.Header); diff != "" || res.StatusCode != http.StatusTeapot || body != "short and stout" {
		t.Errorf("status %d, body %q, header (-want +got):\n%s", res.StatusCode, body, diff)
	}
}

// ownAnswers are those that the gateway makes itself.
func TestOwnAnswers(t *testing.T) {
	t.Parallel()
	h := start(t, `
upstreams:
- {name: dead, targets: [{target: "127.0.0.1:`+unusedPort(t)+`"}]}
- {name: up, targets: [{target: "UPSTREAM"}]}
services:
- name: dead
  host: dead
  retries: 1
  routes: [{name: dead, paths: [/dead]}]
- name: slow
  host: up
  read_timeout: 50
  retries: 0
  routes: [{name: slow, paths: [/slow]}]
`, nil, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Second):
		}
	})
	const jsonType, plainType = "application/json; charset=utf-8", "text/plain; charset=utf-8"
	tests := []struct {
		name, path, accept string
		status             int
		contentType, body  string // ID is the request id
		proxied            bool
	}{
		{"no route", "/", "", 404, jsonType, "{\n  \"message\":\"no Route matched with those values\",\n  \"request_id\":\"ID\"\n}", false},
		{"no route, plain", "/", "text/plain", 404, plainType, "no Route matched with those values\nrequest_id: ID\n", false},
		{"connection refused, without Accept", "/dead", "", 502, plainType, "An invalid response was received from the upstream server\nrequest_id: ID\n", true},
		{"connection refused, JSON", "/dead", "application/json", 502, jsonType, "{\n  \"message\":\"An invalid response was received from the upstream server\",\n  \"request_id\":\"ID\"\n}", true},
		{"timeout", "/slow", "*/*", 504, jsonType, "{\n  \"message\":\"The upstream server is timing out\",\n  \"request_id\":\"ID\"\n}", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.accept != "" {
				headers = []string{"Accept: " + tt.accept}
			}
			res, body := h.get(tt.path, headers...)
			id := res.Header.Get("X-Kong-Request-Id")
			if got := strings.ReplaceAll(body, id, "ID"); res.StatusCode != tt.status || got != tt.body || id == "" {
				t.Errorf("status %d, body %q, id %q", res.StatusCode, got, id)
			}
			if got := res.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("content type %q, want %q", got, tt.contentType)
			}
			if res.Header.Get("Server") != "kong/3.9.1" {
				t.Errorf("server %q", res.Header.Get("Server"))
			}
			via, latency := res.Header.Get("Via"), res.Header.Get("X-Kong-Response-Latency")
			if tt.proxied != (via == "1.1 kong/3.9.1") || tt.proxied != (latency == "") {
				t.Errorf("Via %q, X-Kong-Response-Latency %q", via, latency)
			}
		})
	}
	line := `connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: kong, request: "GET /dead HTTP/1.1", upstream: "http://127.0.0.1:`
	if n := strings.Count(h.errors.String(), line); n != 4 {
		t.Errorf("%d error lines about refused connections, want two tries of two requests:\n%s", n, h.errors)
	}
}

// A kept connection is no reason for a try more: it timed out on an upstream
// that had the request.
func TestTimeoutOnKeptConnection(t *testing.T) {
	t.Parallel()
	answered := make(chan struct{})
	h := start(t, `
upstreams: [{name: up, targets: [{target: "UPSTREAM"}]}]
services:
- {name: s, host: up, retries: 1, read_timeout: 100, routes: [{name: r, paths: [/]}]}
`, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-answered
		}
	})
	t.Cleanup(func() { close(answered) })
	if res, _ := h.get("/quick"); res.StatusCode != 200 {
		t.Fatalf("status %d of a quick request", res.StatusCode)
	}
	res, _ := h.get("/slow")
	if tries := h.upstream.count() - 1; res.StatusCode != 504 || tries != 2 {
		t.Errorf("status %d after %d tries, want 504 after 2", res.StatusCode, tries)
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := start(t, oneService, nil, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, "second\n")
	})
	res, err := http.Get(h.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	r := bufio.NewReader(res.Body)
	if line, err := r.ReadString('\n'); line != "first\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	close(release)
	if line, err := r.ReadString('\n'); line != "second\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	res, _ := h.get(`/x?q="%C3%A9"`, "User-Agent: probe", "Referer: https://a.example/")
	h.stop()
	want := `127.0.0.1 "GET /x?q="%C3%A9" HTTP/1.1" 200 2 "https://a.example/" ` + res.Header.Get("X-Kong-Request-Id") + "\n"
	if got := h.access.String(); got != want {
		t.Errorf("access line %q, want %q", got, want)
	}
}

// TestPlainHost: a service's url or host needs no upstream. A name that nobody knows is a 503
// for its own requests alone.
func TestPlainHost(t *testing.T) {
	t.Parallel()
	h := start(t, `
services:
- {name: base, url: "http://UPSTREAM/base", routes: [{name: a, paths: [/a]}]}
- {name: nowhere, url: "http://nowhere.invalid:81", routes: [{name: b, paths: [/b]}]}
`, nil, nil)
	if res, _ := h.get("/a/x"); res.StatusCode != 200 || h.upstream.last(t).URL.Path != "/base/x" || h.upstream.last(t).Host != h.upstream.addr() {
		t.Errorf("status %d; the upstream got %s of host %s", res.StatusCode, h.upstream.last(t).URL, h.upstream.last(t).Host)
	}
	if res, body := h.get("/b"); res.StatusCode != 503 || !strings.Contains(body, "name resolution failed") {
		t.Errorf("a name that nobody knows: status %d, body %s", res.StatusCode, body)
	}
}

// TestPlainHTTPS: a server is believed unless the service says tls_verify.
func TestPlainHTTPS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	h := start(t, strings.ReplaceAll(`
services:
- {name: s, url: "SERVER", routes: [{name: a, paths: [/a]}]}
- {name: verified, url: "SERVER", tls_verify: true, routes: [{name: b, paths: [/b]}]}
`, "SERVER", server.URL), nil, nil)
	for path, want := range map[string]int{"/a": 200, "/b": 502} {
		if res, body := h.get(path); res.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %s", path, res.StatusCode, want, body)
		}
	}
}
