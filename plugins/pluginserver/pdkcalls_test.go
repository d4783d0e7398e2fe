package pluginserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/client"
	"github.com/Kong/go-pdk/entities"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// args are the arguments of one call.
type args []any

// What several methods are called with. The first of each is taken by Kong.
var (
	nothing    = []args{{}}
	names      = []args{{"n"}, {"X-A"}, {"x_b"}, {"missing"}, {""}, {"ä\n"}}
	keys       = []args{{"s"}, {"n"}, {"on"}, {"off"}, {"list"}, {"map"}, {"missing"}, {""}}
	limits     = []args{{100}, {-1}, {1}, {1000}, {0}, {1001}, {-2}}
	texts      = []args{{"x"}, {""}, {"a b?c=%20&ä"}, {strings.Repeat("long", 10_000)}}
	headerSets = []args{
		{map[string][]string{"X-A": {"1"}}}, {map[string][]string{"X-A": {"1", "2"}}}, {map[string][]string{"X-A": {}}},
		{map[string][]string{"x-a": nil}}, {map[string][]string{}}, {map[string][]string(nil)}, {map[string][]string{"X": {"\xff"}}},
	}
	headerPairs = []args{{"X-A", "1"}, {"x_a", ""}, {"host", "other"}, {"", "1"}, {"X-A", strings.Repeat("v", 40_000)}}
	lines       = []args{
		{"said"}, {}, {""}, {"a", 1, 1.5, true, nil}, {[]any{"a", 1}, map[string]any{"k": "v"}}, {[]byte("bytes")},
		{struct{}{}}, {"\xff"}, {int64(1 << 60)},
	}
	values = []args{
		{"k", "v"}, {"k", ""}, {"", "v"}, {"k", 1}, {"k", 1.5}, {"k", true}, {"k", false}, {"k", nil}, {"k", []any{1, "x"}},
		{"k", map[string]any{"a": []any{}}}, {"k", []byte("b")}, {"k", []string{"x"}}, {"k", make(chan int)}, {"k", "\xff"},
	}
	nobody   = (*entities.Consumer)(nil)
	unproved = (*client.AuthenticatedCredential)(nil)
)

// pdkCalls is what every PDK method of go-pdk is called with by the tests, by
// the method's name under *pdk.PDK. Methods of the bridge under all of its
// parts are here once. The first call of each succeeds.
var pdkCalls = map[string][]args{
	"Client.Authenticate": {
		{&entities.Consumer{Id: "c", Username: "u", CustomId: "x", CreatedAt: 1 << 40, Tags: []string{"a"}}, &client.AuthenticatedCredential{Id: "k", ConsumerId: "c"}},
		{nobody, &client.AuthenticatedCredential{Id: "k"}}, {&entities.Consumer{}, unproved}, {nobody, unproved},
	},
	"Client.GetConsumer":      nothing,
	"Client.GetCredential":    nothing,
	"Client.GetForwardedIp":   nothing,
	"Client.GetForwardedPort": nothing,
	"Client.GetIp":            nothing,
	"Client.GetPort":          nothing,
	"Client.GetProtocol":      {{true}, {false}},
	"Client.LoadConsumer":     {{"d", true}, {"d", false}, {"named", true}, {"named", false}, {"", false}},

	"Ctx.GetSharedAny":    keys,
	"Ctx.GetSharedFloat":  keys,
	"Ctx.GetSharedString": keys,
	"Ctx.SetShared":       values,

	"IP.IsTrusted": {{"10.0.0.1"}, {"127.0.0.1"}, {"::1"}, {"none"}, {""}},

	"Log.Alert": lines, "Log.Crit": lines, "Log.Err": lines, "Log.Warn": lines, "Log.Notice": lines, "Log.Info": lines, "Log.Debug": lines,
	"Log.Serialize": nothing,

	"Nginx.GetCtxAny":         keys,
	"Nginx.GetCtxFloat":       keys,
	"Nginx.GetCtxInt":         keys,
	"Nginx.GetCtxString":      keys,
	"Nginx.GetSubsystem":      nothing,
	"Nginx.GetTLS1VersionStr": nothing,
	"Nginx.GetVar":            {{"v"}, {"http_x_b"}, {"arg_a"}, {"missing"}, {""}},
	"Nginx.ReqStartTime":      nothing,
	"Nginx.SetCtx":            values,

	"Node.GetId":          nothing,
	"Node.GetMemoryStats": nothing,

	"Request.GetForwardedHost":   nothing,
	"Request.GetForwardedPort":   nothing,
	"Request.GetForwardedScheme": nothing,
	"Request.GetHeader":          names,
	"Request.GetHeaders":         limits,
	"Request.GetHost":            nothing,
	"Request.GetHttpVersion":     nothing,
	"Request.GetMethod":          nothing,
	"Request.GetPath":            nothing,
	"Request.GetPathWithQuery":   nothing,
	"Request.GetPort":            nothing,
	"Request.GetQuery":           limits,
	"Request.GetQueryArg":        {{"a"}, {"b"}, {"missing"}, {""}, {"bare"}},
	"Request.GetRawBody":         nothing,
	"Request.GetRawQuery":        nothing,
	"Request.GetScheme":          nothing,
	"Request.GetUriCaptures":     nothing,

	"Response.AddHeader":   headerPairs,
	"Response.ClearHeader": names,
	"Response.Exit": {
		{403, []byte("no"), map[string][]string{"X": {"y", "z"}}}, {200, []byte(nil), map[string][]string(nil)},
		{503, []byte("\x00\xff"), map[string][]string{}}, {42, []byte("no"), map[string][]string(nil)},
		{200, []byte{}, map[string][]string{"X": {"\xff"}}},
	},
	"Response.ExitStatus": {{204}, {599}, {600}},
	"Response.GetHeader":  names,
	"Response.GetHeaders": limits,
	"Response.GetSource":  nothing,
	"Response.GetStatus":  nothing,
	"Response.SetHeader":  headerPairs,
	"Response.SetHeaders": headerSets,
	"Response.SetStatus":  {{202}, {100}, {599}, {99}, {-1}, {1 << 40}},

	"Router.GetRoute":   nothing,
	"Router.GetService": nothing,

	"Service.SetTarget":   {{"h", 80}, {"::1", 0}, {"h", 65536}, {"", 80}},
	"Service.SetUpstream": {{"u"}, {""}},

	"ServiceRequest.AddHeader":   headerPairs,
	"ServiceRequest.ClearHeader": names,
	"ServiceRequest.SetHeader":   headerPairs,
	"ServiceRequest.SetHeaders":  headerSets,
	"ServiceRequest.SetMethod":   texts,
	"ServiceRequest.SetPath":     texts,
	"ServiceRequest.SetQuery":    headerSets,
	"ServiceRequest.SetRawBody":  texts,
	"ServiceRequest.SetRawQuery": texts,
	"ServiceRequest.SetScheme":   texts,

	"ServiceResponse.GetHeader":  names,
	"ServiceResponse.GetHeaders": limits,
	"ServiceResponse.GetRawBody": nothing,
	"ServiceResponse.GetStatus":  nothing,

	"PdkBridge.Ask": {
		{"kong.log.set_serialize_value", &kpp.KV{K: "k", V: structpb.NewStringValue("v")}, proto.Message(nil)},
		{"kong.request.get_path", proto.Message(nil), &kpp.String{}},
		{"kong.request.get_headers", &kpp.Int{V: 5}, &structpb.Struct{}},
		{"kong.made.up", proto.Message(nil), &kpp.String{}},
		{"made up", &kpp.String{V: "x"}, proto.Message(nil)},
	},
	"PdkBridge.AskInt":    {{"kong.request.get_port", proto.Message(nil)}, {"kong.request.get_path", proto.Message(nil)}},
	"PdkBridge.AskNumber": {{"kong.nginx.req_start_time", proto.Message(nil)}, {"kong.request.get_path", proto.Message(nil)}},
	"PdkBridge.AskString": {{"kong.request.get_header", bridge.WrapString("X-A")}, {"kong.request.get_path", bridge.WrapByteString([]byte("\xff"))}},
	"PdkBridge.AskValue":  {{"kong.ctx.shared.get", bridge.WrapString("map")}, {"kong.request.get_port", proto.Message(nil)}},
}

// notCompared are the PDK methods that do something else here on purpose.
var notCompared = map[string]string{
	"PdkBridge.Close": "closes Kong's connection under go-pdk's server, which costs the request a 500; here it does nothing",
}

// pdkMethods finds every method that a handler can call: those of all exported
// parts of the PDK, at every depth, and those of the bridge that they embed.
func pdkMethods(kong *pdk.PDK) map[string]reflect.Value {
	methods := map[string]reflect.Value{}
	own := reflect.TypeFor[bridge.PdkBridge]()
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type != own && f.Type.Kind() == reflect.Struct {
				walk(f.Name, v.Field(i))
			}
		}
		for i := range v.Addr().NumMethod() {
			method, part := v.Addr().Type().Method(i).Name, name
			if _, inherited := own.MethodByName(method); inherited {
				part = own.Name()
			}
			methods[part+"."+method] = v.Addr().Method(i)
		}
	}
	walk("PDK", reflect.ValueOf(kong).Elem())
	return methods
}

// callPDK makes a call and returns its results as JSON.
func callPDK(method reflect.Value, a args) string {
	in := make([]reflect.Value, len(a))
	for i, arg := range a {
		t := method.Type().In(min(i, method.Type().NumIn()-1))
		if method.Type().IsVariadic() && i >= method.Type().NumIn()-1 {
			t = t.Elem()
		}
		if in[i] = reflect.ValueOf(arg); !in[i].IsValid() {
			in[i] = reflect.Zero(t)
		}
	}
	var results []any
	for _, out := range method.Call(in) {
		if err, ok := out.Interface().(error); ok {
			results = append(results, "error: "+err.Error())
			continue
		}
		results = append(results, out.Interface())
	}
	for _, arg := range a {
		if m, ok := arg.(proto.Message); ok && m != nil {
			results = append(results, fmt.Sprint(m))
		}
	}
	text, err := json.Marshal(results)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.500s %d", text, len(text)) // a line must fit a pipe
}

// everyCall makes every PDK call that go-pdk has, and records its results.
func everyCall(results *[]string) func(*pdk.PDK) {
	return func(kong *pdk.PDK) {
		methods := pdkMethods(kong)
		for _, name := range slices.Sorted(maps.Keys(pdkCalls)) {
			if !strings.HasPrefix(name, "Response.Exit") {
				*results = append(*results, name+callPDK(methods[name], pdkCalls[name][0]))
			}
		}
		kong.Response.Exit(403, []byte("no"), map[string][]string{"X": {"y"}})
		*results = append(*results, fmt.Sprint(kong.Log.Info("too late") != nil))
	}
}

// TestEveryMethodIsCalled fails when go-pdk has a method that the tests do not
// call, or the other way round.
func TestEveryMethodIsCalled(t *testing.T) {
	t.Parallel()
	covered := slices.Concat(slices.Collect(maps.Keys(pdkCalls)), slices.Collect(maps.Keys(notCompared)))
	slices.Sort(covered)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(pdkMethods(&pdk.PDK{}))), covered); diff != "" {
		t.Errorf("methods (-go-pdk's +called here): add calls to pdkCalls, and what Kong answers to kongtest:\n%s", diff)
	}
}
