package pdkserver

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func session(phase exchange.Phase) *Session {
	u := &config.Consumer{Meta: config.Meta{ID: "7b9c3a52-6a0e-4d31-8f52-0a7f0a3a2f11", CreatedAt: 5, Tags: []string{"t"}}, Username: "u", CustomID: "c"}
	x := exchange.New(&config.Config{})
	x.Phase, x.ID, x.Method, x.Host, x.HTTPVersion = phase, "abc", "GET", "shop.example", 1.1
	x.Start = time.UnixMilli(1795490021500)
	x.RequestLine, x.RequestURI, x.Args = "GET /a/../b?q=1&f HTTP/1.1", "/a/../b?q=1&f", "q=1&f"
	x.Header = http.Header{"Host": {"shop.example:8000"}, "X-Two": {"1", "2"}, "X-Empty": {""}}
	x.Conn = exchange.Conn{RemoteAddr: "127.0.0.1", RemotePort: 4711, ServerPort: 8000}
	x.Match = &router.Match{Route: &config.Route{Meta: config.Meta{ID: "r1"}, Name: "r", Protocols: []string{"http", "https"},
		ServiceRef: config.Ref{ID: "s1"}, Service: &config.Service{Meta: config.Meta{ID: "s1"}, Name: "s", Host: "h", Port: 80}}}
	x.Consumer, x.Credential = u, &exchange.Credential{ID: "k1", Key: "secret"}
	s := &Session{X: x}
	if phase == exchange.Log {
		s.Saved = &exchange.Saved{Serialized: `{"a":1}`}
	}
	return s
}

func kv(k string, v any) proto.Message { return &kong.KV{K: k, V: toValue(v)} }

func TestReplies(t *testing.T) {
	t.Parallel()
	const access, log = exchange.Access, exchange.Log
	headers := toStruct(map[string]any{"host": "shop.example:8000", "x-two": []any{"1", "2"}, "x-empty": ""})
	consumer := &kong.Consumer{Id: "7b9c3a52-6a0e-4d31-8f52-0a7f0a3a2f11", CreatedAt: 5, Username: "u", CustomId: "c", Tags: []string{"t"}}
	tests := []struct {
		method string
		phase  exchange.Phase
		arg    proto.Message
		want   proto.Message
	}{
		{"kong.client.get_credential", access, nil, &kong.AuthenticatedCredential{Id: "k1"}},
		{"kong.client.get_consumer", log, nil, consumer},
		{"kong.ctx.shared.get", access, &kong.String{V: "none"}, &structpb.Value{Kind: &structpb.Value_NullValue{NullValue: 1}}},
		{"kong.log.serialize", log, nil, &kong.String{V: `{"a":1}`}},
		{"kong.nginx.get_var", access, &kong.String{V: "request_id"}, &kong.String{V: "abc"}},
		{"kong.nginx.get_ctx", access, &kong.String{V: "KONG_PHASE"}, toValue(32.0)},
		{"kong.nginx.get_ctx", log, &kong.String{V: "KONG_PHASE"}, toValue(8192.0)},
		{"kong.request.get_path", access, nil, &kong.String{V: "/b"}},
		{"kong.request.get_headers", access, &kong.Int{V: 100}, headers},
		{"kong.router.get_route", log, nil, &kong.Route{Id: "r1", Name: "r", Protocols: []string{"http", "https"}, Service: &kong.ServiceKey{Id: "s1"}}},
		{"kong.router.get_service", access, nil, &kong.Service{Id: "s1", Name: "s", Host: "h", Port: 80}},
		{"kong.service.request.set_headers", access, toStruct(map[string]any{"X-A": "b"}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			t.Parallel()
			arg, err := marshal(tt.arg)
			if err != nil {
				t.Fatal(err)
			}
			reply, err := session(tt.phase).Answer(tt.method, arg)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if len(reply) != 0 {
					t.Errorf("reply %q, want none", reply)
				}
				return
			}
			got := tt.want.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(reply, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func marshal(m proto.Message) ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	return proto.Marshal(m)
}

// noValues is how a plugin removes a header.
func noValues(name string) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{name: structpb.NewListValue(&structpb.ListValue{})}}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		arg    proto.Message
		got    func(x *exchange.Exchange) any
		want   any
	}{
		{"kong.service.request.set_headers", toStruct(map[string]any{"X-A": []any{"1", "2"}}), func(x *exchange.Exchange) any { return x.Header["X-A"] }, []string{"1", "2"}},
		{"kong.service.request.set_headers", toStruct(map[string]any{"X-A": 1.5}), func(x *exchange.Exchange) any { return x.Header["X-A"] }, []string{"1.5"}},
		{"kong.service.request.set_headers", toStruct(map[string]any{"X-A": ""}), func(x *exchange.Exchange) any { return x.Header["X-A"] }, []string{" "}},
		{"kong.service.request.set_headers", toStruct(map[string]any{"host": "h2"}), func(x *exchange.Exchange) any { return x.UpstreamHost }, "h2"},
		{"kong.service.request.set_headers", noValues("x-two"), func(x *exchange.Exchange) any { return len(x.Header["X-Two"]) }, 0},
		{"kong.service.request.set_headers", toStruct(map[string]any{"X-A": "b"}), func(x *exchange.Exchange) any { return x.Header["X-A"] }, []string{"b"}},
		{"kong.response.set_headers", toStruct(map[string]any{"x_under": "v"}), func(x *exchange.Exchange) any { return x.RespHeader["X-Under"] }, []string{"v"}},
		{"kong.response.set_headers", toStruct(map[string]any{"Transfer-Encoding": "x"}), func(x *exchange.Exchange) any { return len(x.RespHeader) }, 1},
		{"kong.ctx.shared.set", kv("k", map[string]any{"a": "b"}), func(x *exchange.Exchange) any { return x.Shared.Get("k") }, map[string]any{"a": "b"}},
		{"kong.ctx.shared.set", kv("k", false), func(x *exchange.Exchange) any { return x.Shared.Get("k") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			t.Parallel()
			s := session(exchange.Access)
			s.X.RespHeader = http.Header{"X-Old": {"1"}}
			arg, err := marshal(tt.arg)
			if err != nil {
				t.Fatal(err)
			}
			if reply, err := s.Answer(tt.method, arg); err != nil || len(reply) != 0 {
				t.Fatalf("reply %q, error %v", reply, err)
			}
			if diff := cmp.Diff(tt.want, tt.got(s.X)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestThrows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		phase  exchange.Phase
		arg    proto.Message
		want   string
	}{
		{"kong.request.get_path", exchange.Log, nil, "API disabled in the context of ngx.timer"},
		{"kong.nginx.get_var", exchange.Log, &kong.String{V: "host"}, "API disabled in the context of ngx.timer"},
		{"kong.service.request.set_headers", exchange.Log, toStruct(map[string]any{"a": "b"}), "function cannot be called in log phase (only in: rewrite, access)"},
		{"kong.nginx.get_var", exchange.Access, &kong.String{V: "upstream_bytes_sent"}, "the dev gateway has no nginx variable $upstream_bytes_sent"},
		{"kong.nginx.get_ctx", exchange.Access, &kong.String{V: "balancer_data"}, "the dev gateway has no ngx.ctx.balancer_data"},
		{"kong.log.serialize", exchange.Access, nil, "function cannot be called in access phase (only in: log)"},
		{"kong.request.get_headers", exchange.Access, &kong.Int{V: 1001}, "max_headers must be <= 1000"},
		{"kong.request.get_headers", exchange.Access, &kong.Int{}, "max_headers must be >= 1"},
		{"kong.request.get_headers", exchange.Log, &kong.Int{V: 1}, "the dev gateway does not support it in the log phase"},
		{"kong.service.request.set_headers", exchange.Access, toStruct(map[string]any{"a": map[string]any{}}), "invalid header value"},
		{"kong.response.set_headers", exchange.Access, toStruct(map[string]any{"a": []any{1.0}}), "invalid header value in array"},
		{"kong.response.exit", exchange.Access, &kong.ExitArgs{Status: 20}, "code must be a number between 100 and 599"},
	}
	for _, tt := range tests {
		arg, err := marshal(tt.arg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session(tt.phase).Answer(tt.method, arg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s in %s: error %v, want %q", tt.method, tt.phase.Names(), err, tt.want)
		}
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	s := session(exchange.Access)
	arg, err := marshal(&kong.ExitArgs{Status: 429, Body: []byte("no"), Headers: toStruct(map[string]any{"Retry-After": 7.0})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Answer("kong.response.exit", arg); !errors.Is(err, kongtest.ErrExit) {
		t.Errorf("error %v", err)
	}
	if a := s.X.Answer; a == nil || a.Status != 429 || string(a.Body) != "no" || a.Header["Retry-After"][0] != "7" || !s.X.Exited {
		t.Errorf("answer %+v", a)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	s := session(exchange.Access)
	var got []string
	s.Log = func(severity nginxlog.Severity, msg string) { got = append(got, severity.String()+" "+msg) }
	for _, level := range []string{"alert", "crit", "err", "warn", "notice", "info", "debug"} {
		arg, err := marshal(&structpb.ListValue{Values: []*structpb.Value{toValue("a"), toValue(1.0), toValue(true)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Answer("kong.log."+level, arg); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 7 || got[2] != "error [kong] pb_rpc.lua:233 a1true" {
		t.Errorf("%q", got)
	}
}

// The table has functions of the protocol only, by the names that Kong makes of
// them.
func TestMethodsOfProtocol(t *testing.T) {
	t.Parallel()
	camel := regexp.MustCompile(`([a-z]\d*)([A-Z])`)
	known := []string{"kong.ctx.shared.set", "kong.ctx.shared.get"} // these have the option MethodName
	for i, service := 0, kong.File_server_kong_plugin_protocol_pluginsocket_proto.Services().Get(0); i < service.Methods().Len(); i++ {
		name := "Kong." + string(service.Methods().Get(i).Name())
		known = append(known, strings.ToLower(camel.ReplaceAllString(strings.ReplaceAll(name, "_", "."), "${1}_$2")))
	}
	for name := range methods {
		if !slices.Contains(known, name) {
			t.Errorf("the protocol has no method %s", name)
		}
	}
	for _, name := range []string{"kong.request.get_body", "kong.request.get_raw_body", "kong.service.set_target"} {
		if _, err := session(exchange.Access).Answer(name, nil); !errors.Is(err, kongtest.ErrNoMethod) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for name := range methods {
		f.Add(name, []byte("\x0a\x01x"))
	}
	f.Fuzz(func(t *testing.T, name string, arg []byte) {
		for _, phase := range []exchange.Phase{exchange.Rewrite, exchange.Access, exchange.Log} {
			s := session(phase)
			s.Log = func(nginxlog.Severity, string) {}
			if reply, err := s.Answer(name, arg); err != nil && reply != nil {
				t.Errorf("%s: reply %q with error %v", name, reply, err)
			}
		}
	})
}
