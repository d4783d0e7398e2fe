package devgateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Kong/go-pdk"
	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

const probed = oneService + `
plugins: [{name: probe, config: {limit: 7}}]
`

// journal is what events write down.
type journal struct {
	mu    sync.Mutex
	notes []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, fmt.Sprintf(format, args...))
}

func TestAccessEvent(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, withPDK(func(_ string, kong *pdk.PDK) {
		method, _ := kong.Nginx.GetVar("request_method")
		path, _ := kong.Request.GetPath()
		header, _ := kong.Nginx.GetVar("http_x_given")
		all, _ := kong.Request.GetHeaders(-1)
		ip, _ := kong.Nginx.GetVar("remote_addr")
		route, _ := kong.Router.GetRoute()
		service, _ := kong.Router.GetService()
		id, _ := kong.Nginx.GetVar("request_id")
		seen := strings.Join([]string{method, path, header, all["x-given"][0], ip, route.Name, service.Name, id}, "|")
		_ = kong.ServiceRequest.SetHeaders(map[string][]string{"X-Seen": {seen}, "X-Given": {}})
		_ = kong.Response.SetHeaders(map[string][]string{"X-From-Plugin": {"yes"}})
		_ = kong.Log.Warn("hello ", "there")
		_ = kong.Log.Info("not at this level")
	}))
	h := start(t, probed, s, nil)
	res, _ := h.do(http.MethodPost, "/a/../b?q=1", strings.NewReader("data"), "X-Given: v")
	got := h.upstream.last(t)
	want := strings.Join([]string{"POST", "/b", "v", "v", "127.0.0.1", "r", "s", res.Header.Get("X-Kong-Request-Id")}, "|")
	if seen := got.Header.Get("X-Seen"); seen != want {
		t.Errorf("the plugin saw %q, want %q", seen, want)
	}
	if got.Header.Get("X-Given") != "" || h.upstream.body[0] != "data" {
		t.Errorf("upstream got %q, %v, body %q", got.RequestURI, got.Header, h.upstream.body[0])
	}
	if res.Header.Get("X-From-Plugin") != "yes" {
		t.Errorf("response header %v", res.Header)
	}
	if log := h.errors.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, `[warn] `) ||
		!strings.Contains(log, `[kong] pb_rpc.lua:233 hello there, client: 127.0.0.1, server: kong, request: "POST /a/../b?q=1 HTTP/1.1", host: "`) {
		t.Errorf("error log:\n%s", log)
	}
}

func TestInstanceConfig(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, withPDK(func(string, *pdk.PDK) {}))
	h := start(t, probed, s, nil)
	for range 3 {
		h.get("/")
	}
	text, err := os.ReadFile(h.gateway.opts.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.gateway.loadPosted(text); err != nil {
		t.Fatal(err)
	}
	h.get("/")
	started, closed := s.instances()
	if len(started) != 2 || !slices.Equal(closed, []int32{1}) {
		t.Fatalf("%d instances started, closed %v; want one for each load, and the first one closed", len(started), closed)
	}
	id := h.gateway.current.Load().config.Plugins[0].ID
	want := map[string]any{
		"limit": 7.0, "names": []any{},
		"__plugin_id": id, "__ws_id": "0dc6f45b-8f8d-40d2-a504-473544ee190b", "__seq__": 2.0,
		"__key__": "plugins:probe:::::0dc6f45b-8f8d-40d2-a504-473544ee190b",
	}
	if diff := cmp.Diff(want, started[1]); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if s.conns != 1 {
		t.Errorf("%d connections, want one that is used again", s.conns)
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	var j journal
	s := startFakeServer(t, []string{"access", "log"}, withPDK(func(phase string, kong *pdk.PDK) {
		if phase == "access" {
			_ = kong.Response.SetHeaders(map[string][]string{"X-Before": {"1"}})
			kong.Response.Exit(429, []byte(`{"type":"limit"}`), map[string][]string{"Content-Type": {"application/problem+json"}, "Retry-After": {"7"}})
			return
		}
		j.add("%s", phase)
	}))
	h := start(t, probed, s, nil)
	for range 2 {
		res, body := h.get("/")
		if res.StatusCode != 429 || body != `{"type":"limit"}` || res.Header.Get("Content-Type") != "application/problem+json" ||
			res.Header.Get("Retry-After") != "7" || res.Header.Get("X-Before") != "1" || res.Header.Get("X-Kong-Response-Latency") == "" {
			t.Errorf("status %d, body %q, header %v", res.StatusCode, body, res.Header)
		}
	}
	h.stop()
	if !slices.Equal(j.notes, []string{"log", "log"}) || h.upstream.count() != 0 {
		t.Errorf("log events %q, upstream requests %d", j.notes, h.upstream.count())
	}
	if h.errors.String() != "" {
		t.Errorf("error log:\n%s", h.errors)
	}
}

// A connection that ends in the middle of an event makes it run again, on a new
// instance.
func TestEventRunsAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	runs := 0
	s := startFakeServer(t, []string{"access"}, func(string, net.Conn) error {
		mu.Lock()
		defer mu.Unlock()
		if runs++; runs < 3 {
			return errors.New("gone")
		}
		return nil
	})
	h := start(t, probed, s, nil)
	if res, _ := h.get("/"); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	if started, _ := s.instances(); len(started) != 3 || runs != 3 {
		t.Errorf("%d instances for %d runs, want 3 for 3", len(started), runs)
	}
	if got := strings.Count(h.errors.String(), "[kong] pb_rpc.lua:378 [probe] closed"); got != 2 {
		t.Errorf("error log:\n%s", h.errors)
	}
}

func TestPluginFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, phase string
		on          func(string, net.Conn) error
		logged      string
	}{
		{"header without a value", "access", withPDK(func(_ string, k *pdk.PDK) {
			_ = k.ServiceRequest.Ask("kong.service.request.set_headers", &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStructValue(nil)}}, nil)
		}), "[kong] init.lua:406 [probe] kong.service.request.set_headers: invalid header value"},
		{"consumer in rewrite", "rewrite", withPDK(func(_ string, kong *pdk.PDK) { _, _ = kong.Client.GetConsumer() }), "function cannot be called in rewrite phase (only in: access, response, header_filter, body_filter, log)"},
		{"log entry in access", "access", withPDK(func(_ string, kong *pdk.PDK) { _, _ = kong.Log.Serialize() }), "function cannot be called in access phase"},
		{"unknown method", "access", func(_ string, conn net.Conn) error { return ask(conn, "kong.request.get_raw_path", nil) }, `pluginserver error: method "kong.request.get_raw_path" not found`},
		{"method that nobody here uses", "access", withPDK(func(_ string, kong *pdk.PDK) { _ = kong.Service.SetTarget("a", 1) }), `pluginserver error: method "kong.service.set_target" not found`},
		{"variable that nobody here uses", "access", withPDK(func(_ string, kong *pdk.PDK) { _, _ = kong.Nginx.GetVar("upstream_bytes_sent") }), `the dev gateway has no nginx variable $upstream_bytes_sent`},
		{"header limit", "access", withPDK(func(_ string, kong *pdk.PDK) { _, _ = kong.Request.GetHeaders(0) }), "max_headers must be >= 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, probed, startFakeServer(t, []string{tt.phase}, tt.on), nil)
			res, body := h.get("/?x", "Accept: application/json")
			want := "{\n  \"message\":\"An unexpected error occurred\",\n  \"request_id\":\"" + res.Header.Get("X-Kong-Request-Id") + "\"\n}"
			if res.StatusCode != 500 || body != want || res.Header.Get("X-Kong-Response-Latency") == "" {
				t.Errorf("status %d, body %s", res.StatusCode, body)
			}
			if !strings.Contains(h.errors.String(), tt.logged) {
				t.Errorf("error log without %q:\n%s", tt.logged, h.errors)
			}
		})
	}
}

func TestNoPluginServer(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, nil)
	s.socket += ".gone"
	h := start(t, probed, s, nil)
	res, body := h.get("/")
	if res.StatusCode != 500 || !strings.Contains(body, `"message":"An unexpected error occurred"`) {
		t.Errorf("status %d, body %s", res.StatusCode, body)
	}
	if log := h.errors.String(); !strings.Contains(log, "[probe] trying to connect: no such file or directory") || !strings.Contains(log, "plugin.lua:283 [probe] starting instance: ") {
		t.Errorf("error log:\n%s", log)
	}
}

// A global plugin's rewrite sees requests without a route too, and so does its
// log event.
func TestGlobalPhases(t *testing.T) {
	t.Parallel()
	var j journal
	s := startFakeServer(t, []string{"rewrite", "access", "log"}, withPDK(func(phase string, kong *pdk.PDK) {
		if phase != "log" {
			j.add("%s", phase)
			return
		}
		text, _ := kong.Log.Serialize()
		var entry struct {
			Response struct{ Status int }
			Source   string
			Tries    any
		}
		_ = json.Unmarshal([]byte(text), &entry)
		j.add("log %d %s %v", entry.Response.Status, entry.Source, entry.Tries)
	}))
	h := start(t, strings.ReplaceAll(probed, "paths: [/]", "paths: [/there]"), s, nil)
	h.get("/nowhere")
	h.stop()
	if want := []string{"rewrite", "log 404 kong <nil>"}; !slices.Equal(j.notes, want) {
		t.Errorf("events %q, want %q", j.notes, want)
	}
}

// A plugin may send calls without waiting for their replies.
func TestPipelinedCalls(t *testing.T) {
	t.Parallel()
	s := startFakeServer(t, []string{"access"}, func(_ string, conn net.Conn) error {
		var batch bytes.Buffer
		call := func(method string, arg []byte) {
			_ = errors.Join(kongtest.WriteFrame(&batch, []byte(method)), kongtest.WriteFrame(&batch, arg))
		}
		for i := range 3 {
			header, err := proto.Marshal(&structpb.Struct{Fields: map[string]*structpb.Value{fmt.Sprintf("X-P%d", i): structpb.NewStringValue("v")}})
			if err != nil {
				return err
			}
			call("kong.service.request.set_headers", header)
		}
		call("kong.request.get_path", nil)
		if _, err := conn.Write(batch.Bytes()); err != nil {
			return err
		}
		var last []byte
		for range 4 {
			reply, err := kongtest.ReadFrame(conn)
			if err != nil {
				return err
			}
			last = reply
		}
		var path kong.String
		if err := proto.Unmarshal(last, &path); err != nil || path.GetV() != "/" {
			t.Errorf("last reply %q, %v", path.GetV(), err)
		}
		return nil
	})
	h := start(t, probed, s, nil)
	h.get("/")
	got := slices.Sorted(maps.Keys(h.upstream.last(t).Header))
	if !slices.Contains(got, "X-P0") || !slices.Contains(got, "X-P2") {
		t.Errorf("upstream got %v", got)
	}
}

// ask sends one call and drops its reply.
func ask(conn net.Conn, method string, arg []byte) error {
	if err := errors.Join(kongtest.WriteFrame(conn, []byte(method)), kongtest.WriteFrame(conn, arg)); err != nil {
		return err
	}
	_, err := kongtest.ReadFrame(conn)
	return err
}
