package devgateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/types/known/structpb"
)

// The configuration on the route counts before that on the service, and that before
// the global one; what an auth plugin found is known to those that run later.
func TestMostSpecificConfig(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, withPDK(func(_ string, kong *pdk.PDK) {
		consumer, _ := kong.Client.GetConsumer()
		_ = kong.Response.SetHeaders(map[string][]string{"X-Consumer": {consumer.Username}})
	}))
	h := start(t, `
upstreams: [{name: up, targets: [{target: "UPSTREAM"}]}]
services:
- name: plain
  host: up
  routes: [{name: plain, paths: [/plain]}]
- name: special
  host: up
  plugins: [{name: probe, config: {limit: 2}}]
  routes:
  - {name: service, paths: [/service]}
  - {name: route, paths: [/route], plugins: [{name: probe, config: {limit: 3}}]}
consumers: [{username: u, keyauth_credentials: [{key: k}]}]
plugins: [{name: key-auth, config: {hide_credentials: true}}, {name: probe, config: {limit: 1}}]
`, s, nil)
	for _, path := range []string{"/plain", "/service", "/route"} {
		if res, _ := h.get(path, "apikey: k"); res.Header.Get("X-Consumer") != "u" {
			t.Errorf("consumer %q", res.Header.Get("X-Consumer"))
		}
		if got := h.upstream.last(t).Header; got.Get("X-Consumer-Username") != "u" || got.Get("Apikey") != "" {
			t.Errorf("upstream got %v", got)
		}
	}
	started, _ := s.instances()
	if len(started) != 3 || started[0]["limit"] != 1.0 || started[1]["limit"] != 2.0 || started[1]["service_id"] == nil ||
		started[2]["limit"] != 3.0 || started[2]["route_id"] == nil {
		t.Errorf("instances %v", started)
	}
	res, body := h.get("/plain")
	if res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != "Key" || !strings.Contains(body, "No API key found in request") {
		t.Errorf("without a key: %d %s", res.StatusCode, body)
	}
}

func TestLogEvent(t *testing.T) {
	t.Parallel()
	entries := make(chan string, 1)
	s := startFakeServer(t, []string{"access", "log"}, withPDK(func(phase string, k *pdk.PDK) {
		if phase == "access" {
			_ = k.Ctx.SetShared("note", "from access")
			v := structpb.NewStringValue("/scrubbed")
			_ = k.Log.Ask("kong.log.set_serialize_value", &kong.KV{K: "request.uri", V: v}, nil)
			return
		}
		note, _ := k.Ctx.GetSharedString("note")
		text, _ := k.Log.Serialize()
		entries <- note + "|" + text
	}))
	h := start(t, probed, s, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-From", "upstream") })
	h.get("/private?email=a")
	parts := strings.SplitN(<-entries, "|", 2)
	var entry struct {
		Request        struct{ URI string }
		Response       struct{ Headers map[string]any }
		Source         string
		UpstreamStatus string `json:"upstream_status"`
		Tries          []struct{ IP string }
		Route          struct{ Name string }
	}
	if err := json.Unmarshal([]byte(parts[1]), &entry); err != nil {
		t.Fatal(err)
	}
	if parts[0] != "from access" || entry.Response.Headers["x-from"] != "upstream" || entry.Request.URI != "/scrubbed" || entry.Source != "upstream" ||
		entry.UpstreamStatus != "200" || entry.Tries[0].IP != "127.0.0.1" || entry.Route.Name != "r" {
		t.Errorf("%q: %+v", parts, entry)
	}
}

// An exit in the rewrite phase ends the request before routing.
func TestExitInRewrite(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"rewrite", "access"}, withPDK(func(phase string, kong *pdk.PDK) {
		if phase == "access" {
			t.Error("access ran")
		}
		kong.Response.ExitStatus(503)
	}))
	h := start(t, probed, s, nil)
	res, body := h.get("/")
	if res.StatusCode != 503 || body != "" || res.Header.Get("Content-Type") != "" || res.ContentLength != 0 {
		t.Errorf("status %d, body %q, header %v", res.StatusCode, body, res.Header)
	}
}

// A body that came in chunks goes on with its length.
func TestChunkedBody(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	body := strings.Repeat("x", 8<<10+1)
	h.do(http.MethodPost, "/", io.MultiReader(strings.NewReader(body))) // of unknown length
	if got := h.upstream.last(t); got.ContentLength != 8193 || len(got.TransferEncoding) != 0 || h.upstream.body[0] != body {
		t.Errorf("upstream got %d bytes, %v", got.ContentLength, got.TransferEncoding)
	}
}

func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := start(t, oneService, nil, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultTransport.RoundTrip(req); err == nil {
		t.Fatal("an answer")
	}
	h.stop()
	if !strings.Contains(h.access.String(), `"GET / HTTP/1.1" 499 0 `) || h.errors.String() != "" {
		t.Errorf("access log %q, error log %q", h.access, h.errors)
	}
}

func TestUpstreamBreaksOff(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "part")
	})
	res, err := http.Get(h.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the body came to its end")
	}
	_ = res.Body.Close()
	h.stop()
	if !strings.Contains(h.errors.String(), "upstream prematurely closed connection while reading upstream, client: ") ||
		!strings.Contains(h.access.String(), `" 200 4 `) {
		t.Errorf("error log %q, access log %q", h.errors, h.access)
	}
}

// What a client asks for and the dev gateway has not is refused by name.
func TestNotSupported(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, nil)
	for _, tt := range []struct{ request, want string }{
		{"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "WebSockets"},
		{"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "request targets"},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "request targets"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, tt.request)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusNotImplemented || !strings.Contains(string(body), tt.want) || !strings.Contains(string(body), "make up") {
			t.Errorf("%q: %d %s", tt.request, res.StatusCode, body)
		}
		_ = conn.Close()
	}
	if h.upstream.count() != 0 {
		t.Errorf("upstream got %d requests", h.upstream.count())
	}
}

// Plugins after one that answers do not run, but their log phase does.
func TestPluginAfterAnswer(t *testing.T) {
	t.Parallel()
	var j journal
	s := startFakeServer(t, []string{"access", "log"}, withPDK(func(phase string, _ *pdk.PDK) { j.add("%s", phase) }))
	h := start(t, oneService+"plugins: [{name: key-auth}, {name: probe}]", s, nil)
	h.get("/")
	h.stop()
	if !slices.Equal(j.notes, []string{"log"}) {
		t.Errorf("events %q, want the log event only", j.notes)
	}
}

// A pooled connection that the server has closed is not used again.
func TestServerClosesIdleConnections(t *testing.T) {
	t.Parallel()
	var j journal
	s := startFakeServer(t, []string{"access"}, withPDK(func(phase string, _ *pdk.PDK) { j.add("%s", phase) }))
	s.hangUp = make(chan struct{})
	h := start(t, probed, s, nil)
	for range 3 {
		if res, _ := h.get("/"); res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
		<-s.hangUp
	}
	if len(j.notes) != 3 || h.errors.String() != "" {
		t.Errorf("%d events, error log %q", len(j.notes), h.errors)
	}
}
