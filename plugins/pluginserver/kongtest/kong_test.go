package kongtest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestRunAnswersWithTheRequest(t *testing.T) {
	t.Parallel()
	req := kongtest.Request{
		Path: "/orders", RawQuery: "a=1&b&a=2",
		Headers:  http.Header{"x-list": {"one", "two"}, "X-One": {"1"}},
		Consumer: &entities.Consumer{Id: "c1", CustomId: "acme"}, CredentialID: "k1",
		Route:  &entities.Route{Name: "orders", Service: entities.ServiceKey{Id: "s1"}},
		Shared: map[string]any{"token": "abc"},
		Vars:   map[string]string{"gatehouse": "x\ny"},
	}
	var got []string
	say := func(s string, err error) {
		if err != nil {
			s = "error: " + err.Error()
		}
		got = append(got, s)
	}
	kongtest.Run(t, func(kong *pdk.PDK) {
		say(kong.Request.GetMethod())
		say(kong.Request.GetPathWithQuery())
		say(kong.Request.GetHeader("X_LIST"))
		say(kong.Request.GetQueryArg("a"))
		say(kong.Ctx.GetSharedString("token"))
		say(kong.Nginx.GetVar("gatehouse"))
		say(kong.Nginx.GetVar("http_x_one"))
		say(kong.Nginx.GetVar("unheard_of"))
		say(kong.Client.GetIp())
		consumer, err := kong.Client.GetConsumer()
		say(consumer.CustomId, err)
		cred, err := kong.Client.GetCredential()
		say(cred.Id+cred.ConsumerId, err)
		route, err := kong.Router.GetRoute()
		say(route.Name+" "+route.Service.Id, err)
		service, err := kong.Router.GetService()
		say(service.Name, err)
		headers, err := kong.Request.GetHeaders(-1)
		say(strings.Join(headers["x-list"], "+"), err)
	}, req)
	want := []string{
		"GET", "/orders?a=1&b&a=2", "one", "1", "abc", "x\ny", "1", "", "127.0.0.1",
		"acme", "k1", "orders s1", "", "one+two",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestRunRecordsEffects(t *testing.T) {
	t.Parallel()
	got := kongtest.Run(t, func(kong *pdk.PDK) {
		_ = kong.ServiceRequest.ClearHeader("x-tenant-id")
		_ = kong.ServiceRequest.SetHeaders(map[string][]string{"x-tenant-id": {"acme"}})
		_ = kong.ServiceRequest.AddHeader("via", "gatehouse")
		_ = kong.Response.SetHeader("Sunset", "tomorrow")
		_ = kong.Ctx.SetShared("tenant", "acme")
		_ = kong.Ctx.SetShared("off", false)
		_ = kong.Log.Ask("kong.log.set_serialize_value", &kpp.KV{K: "tenant", V: structpb.NewStringValue("acme")}, nil)
		_ = kong.Log.Warn("a", 1)
		kong.Response.Exit(429, []byte("slow down"), map[string][]string{"retry-after": {"1"}})
	}, kongtest.Request{Headers: http.Header{"X-Tenant-Id": {"forged"}}})

	want := kongtest.Effects{
		Service: kongtest.ServiceRequest{
			Scheme: "http", Method: "GET", Path: "/",
			Headers: http.Header{"X-Tenant-Id": {"acme"}, "Via": {"gatehouse"}},
			Ops: []kongtest.HeaderOp{
				{Op: "clear", Name: "X-Tenant-Id"},
				{Op: "set", Name: "X-Tenant-Id", Values: []string{"acme"}},
				{Op: "add", Name: "Via", Values: []string{"gatehouse"}},
			},
		},
		Response: kongtest.Response{
			Status: 429, Headers: http.Header{"Sunset": {"tomorrow"}},
			Ops: []kongtest.HeaderOp{{Op: "set", Name: "Sunset", Values: []string{"tomorrow"}}},
		},
		Exit:       &kongtest.Exit{Status: 429, Body: []byte("slow down"), Headers: http.Header{"Retry-After": {"1"}}},
		Shared:     map[string]any{"tenant": "acme", "off": nil},
		Ctx:        map[string]any{},
		Serialized: []kongtest.KV{{Key: "tenant", Value: "acme"}},
		Logs:       []kongtest.LogLine{{Level: "warn", Args: []any{"a", 1.0}}},
		Calls: []string{
			"kong.service.request.clear_header", "kong.service.request.set_headers", "kong.service.request.add_header",
			"kong.response.set_header", "kong.ctx.shared.set", "kong.ctx.shared.set",
			"kong.log.set_serialize_value", "kong.log.warn", "kong.response.exit",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestThrownEndsTheEvent(t *testing.T) {
	t.Parallel()
	var after error
	got := kongtest.Run(t, func(kong *pdk.PDK) {
		if _, err := kong.Nginx.GetVar("x"); err == nil {
			t.Error("GetVar succeeded, want an error")
		}
		after = kong.Log.Info("never arrives")
	}, kongtest.Request{Throws: []string{"kong.nginx.get_var"}})
	if got.Thrown == "" || after == nil || len(got.Calls) != 1 {
		t.Errorf("thrown %q, then %v, calls %v; want the event to end at the first call", got.Thrown, after, got.Calls)
	}
}

func TestQueryArgWithoutValueThrows(t *testing.T) {
	t.Parallel()
	k := kongtest.New(kongtest.Request{RawQuery: "x"})
	arg := []byte{0x0a, 1, 'x'}
	if _, err := k.Answer("kong.request.get_query_arg", arg); !errors.Is(err, kongtest.ErrThrown) {
		t.Errorf("get_query_arg of a bare name: %v, want ErrThrown", err)
	}
	if _, err := k.Answer("kong.made.up", nil); !errors.Is(err, kongtest.ErrNoMethod) {
		t.Errorf("unknown method: %v, want ErrNoMethod", err)
	}
}

func TestHeadersNeedNotBeUTF8(t *testing.T) {
	t.Parallel()
	k := kongtest.New(kongtest.Request{Headers: http.Header{"X": {"\xff"}}})
	reply, err := k.Answer("kong.request.get_headers", []byte{0x08, 100})
	if err != nil || !strings.Contains(string(reply), "\xff") {
		t.Errorf("get_headers = %q, %v; want the byte as it came", reply, err)
	}
}

func TestRunInsideSynctest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		kongtest.Run(t, func(kong *pdk.PDK) {
			time.Sleep(time.Hour)
			_ = kong.Log.Info("later")
		}, kongtest.Request{})
		if got := time.Since(start); got != time.Hour {
			t.Errorf("the event took %v of fake time, want 1h", got)
		}
	})
}
