package devgateway

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// harness is a gateway behind a test server, with an upstream that records what
// it gets.
type harness struct {
	t        *testing.T
	gateway  *Gateway
	front    *httptest.Server
	url      string
	upstream *backend
	access   *lines
	errors   *lines
}

// backend records requests and answers with answer, or with "ok".
type backend struct {
	*httptest.Server
	answer http.HandlerFunc

	mu   sync.Mutex
	got  []*http.Request
	body []string
}

func startUpstream(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	u := &backend{answer: answer}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.got = append(u.got, r)
		u.body = append(u.body, string(body))
		u.mu.Unlock()
		if u.answer != nil {
			u.answer(w, r)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *backend) addr() string { return u.Listener.Addr().String() }

func (u *backend) last(t *testing.T) *http.Request {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.got) == 0 {
		t.Fatal("the upstream got no request")
	}
	return u.got[len(u.got)-1]
}

func (u *backend) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.got)
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Line(_ nginxlog.Severity, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.WriteString(line + "\n")
}

func (l *lines) Close() error { return nil }

const accessFormat = `log_format test escape=none '$remote_addr "$request" $status $body_bytes_sent "$http_referer" $kong_request_id';`

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs a configuration, in which UPSTREAM is the upstream's address.
func start(t *testing.T, yaml string, server *fakeServer, answer http.HandlerFunc) *harness {
	t.Helper()
	u := startUpstream(t, answer)
	file := filepath.Join(t.TempDir(), "kong.yaml")
	yaml = "_format_version: \"3.0\"\n" + strings.ReplaceAll(yaml, "UPSTREAM", u.addr())
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{ConfigFile: file}
	if server != nil {
		opts.PluginSocket, opts.PluginInfo = server.socket, server.info
	}
	g, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, gateway: g, upstream: u, access: &lines{}, errors: &lines{}}
	g.logs.access, g.logs.errors = h.access, nginxlog.NewErrorLog(h.errors)
	if g.logs.format, err = nginxlog.FindFormat("test", accessFormat); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(g.serveProxy))
	front.Config = g.proxyServer()
	front.Listener = clientListener{front.Listener}
	front.Start()
	h.front = front
	t.Cleanup(func() {
		h.stop()
		g.plugins.Close()
	})
	h.url = front.URL
	return h
}

// stop waits for all requests and their log events.
func (h *harness) stop() {
	h.front.Close()
	h.gateway.awaitLogEvents()
}

// do sends a request; headers are "Name: value".
func (h *harness) do(method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res, string(text)
}

func (h *harness) get(path string, headers ...string) (*http.Response, string) {
	h.t.Helper()
	return h.do(http.MethodGet, path, nil, headers...)
}

// oneService is a service with one route for everything.
const oneService = `
upstreams: [{name: up, targets: [{target: "UPSTREAM"}]}]
services:
- name: s
  host: up
  routes:
  - {name: r, paths: [/], strip_path: false}
`

// unusedPort is a port on which nobody listens.
func unusedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
