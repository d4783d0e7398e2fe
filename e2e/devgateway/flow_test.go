package devgateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/types/known/structpb"
)

// After an auth plugin has set a consumer, the configuration for that consumer
// counts.
func TestConfigOfConsumer(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, withPDK(func(_ string, kong *pdk.PDK) {
		consumer, _ := kong.Client.GetConsumer()
		_ = kong.Response.SetHeader("X-Consumer", consumer.Username)
	}))
	h := start(t, oneService+`
consumers:
- username: plain
  keyauth_credentials: [{key: k1}]
- username: special
  keyauth_credentials: [{key: k2}]
  plugins: [{name: probe, config: {limit: 2}}]
plugins: [{name: key-auth, config: {hide_credentials: true}}, {name: probe, config: {limit: 1}}]
`, s, nil)
	for i, user := range []string{"plain", "special"} {
		res, _ := h.get("/", fmt.Sprintf("apikey: k%d", i+1))
		if res.Header.Get("X-Consumer") != user {
			t.Errorf("consumer %q, want %q", res.Header.Get("X-Consumer"), user)
		}
		got := h.upstream.last(t).Header
		if got.Get("X-Consumer-Username") != user || got.Get("Apikey") != "" {
			t.Errorf("upstream got %v", got)
		}
	}
	started, _ := s.instances()
	if len(started) != 2 || started[0]["limit"] != 1.0 || started[1]["limit"] != 2.0 || started[1]["consumer_id"] == nil {
		t.Errorf("instances %v", started)
	}
	res, body := h.get("/")
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
		header, _ := k.Response.GetHeader("x-from")
		entries <- note + "|" + header + "|" + text
	}))
	h := start(t, probed, s, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-From", "upstream") })
	h.get("/private?email=a")
	parts := strings.SplitN(<-entries, "|", 3)
	var entry struct {
		Request        struct{ URI string }
		Source         string
		UpstreamStatus string `json:"upstream_status"`
		Tries          []struct{ IP string }
		Route          struct{ Name string }
	}
	if err := json.Unmarshal([]byte(parts[2]), &entry); err != nil {
		t.Fatal(err)
	}
	if parts[0] != "from access" || parts[1] != "upstream" || entry.Request.URI != "/scrubbed" || entry.Source != "upstream" ||
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

func TestSetTarget(t *testing.T) {
	t.Parallel()
	other := startUpstream(t, nil)
	s := startFakeServer(t, []string{"access"}, withPDK(func(_ string, kong *pdk.PDK) {
		_ = kong.Service.SetTarget("127.0.0.1", other.Listener.Addr().(*net.TCPAddr).Port)
		_ = kong.ServiceRequest.SetPath("/other path")
		_ = kong.ServiceRequest.SetMethod("PUT")
		_ = kong.ServiceRequest.SetRawBody("new body")
	}))
	h := start(t, probed, s, nil)
	h.do(http.MethodPost, "/?a=1", strings.NewReader("old"))
	got := other.last(t)
	if got.Method != "PUT" || got.RequestURI != "/other%20path?a=1" || got.Host != "127.0.0.1" || other.body[0] != "new body" {
		t.Errorf("%s %s, host %s, body %q", got.Method, got.RequestURI, got.Host, other.body)
	}
}

// nginx spools a body of more than 8 KiB to a file, and sends one that came in
// chunks with its length.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	var file string
	s := startFakeServer(t, []string{"access"}, withPDK(func(_ string, k *pdk.PDK) {
		var raw kong.RawBodyResult
		_ = k.Request.Ask("kong.request.get_raw_body", nil, &raw)
		file = raw.GetBodyFilepath()
		data, _ := os.ReadFile(file)
		_ = k.Response.SetHeader("X-Length", fmt.Sprint(len(data)))
	}))
	h := start(t, probed, s, nil)
	body := strings.Repeat("x", 8<<10+1)
	res, _ := h.do(http.MethodPost, "/", io.MultiReader(strings.NewReader(body))) // of unknown length
	got := h.upstream.last(t)
	if res.Header.Get("X-Length") != "8193" || got.ContentLength != 8193 || len(got.TransferEncoding) != 0 {
		t.Errorf("spooled %q, upstream got %d bytes, %v", res.Header.Get("X-Length"), got.ContentLength, got.TransferEncoding)
	}
	h.stop()
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

func TestUnbufferedRequest(t *testing.T) {
	t.Parallel()
	h := start(t, strings.ReplaceAll(oneService, "strip_path: false", "strip_path: false, request_buffering: false"), nil, nil)
	h.do(http.MethodPost, "/", io.MultiReader(strings.NewReader("data")))
	if got := h.upstream.last(t); !slices.Equal(got.TransferEncoding, []string{"chunked"}) || h.upstream.body[0] != "data" {
		t.Errorf("upstream got %v, body %q", got.TransferEncoding, h.upstream.body)
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

func TestWebSocket(t *testing.T) {
	t.Parallel()
	h := start(t, oneService, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "keep-alive, Upgrade" {
			t.Errorf("upstream got %v", r.Header)
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, "echo "+line)
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v, error %v", res, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := r.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q, %v", line, err)
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
