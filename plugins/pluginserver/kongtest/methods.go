package kongtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Kong/go-pdk/entities"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// nodeID is the id of the node that every fake Kong is.
const nodeID = "a9777ac2-57e6-482b-a3c4-ef3d6ca41a1f"

// answers are the methods of service Kong in pluginsocket.proto, by the names
// that pb_rpc.lua gives them.
var answers = map[string]answer{
	"kong.client.get_ip":             text(func(k *Kong) string { return k.req.ClientIP }),
	"kong.client.get_forwarded_ip":   text(func(k *Kong) string { return k.req.ForwardedIP }),
	"kong.client.get_port":           integer(func(k *Kong) int { return k.req.ClientPort }),
	"kong.client.get_forwarded_port": integer(func(k *Kong) int { return k.req.ForwardedPort }),
	"kong.client.get_credential":     on(getCredential),
	"kong.client.load_consumer":      on(loadConsumer),
	"kong.client.get_consumer":       on(getConsumer),
	"kong.client.authenticate":       on(authenticate),
	"kong.client.get_protocol":       on(getProtocol),

	"kong.ctx.shared.set": put(func(e *Effects) map[string]any { return e.Shared }),
	"kong.ctx.shared.get": get(
		func(e *Effects) map[string]any { return e.Shared },
		func(r *Request) map[string]any { return r.Shared }),

	"kong.ip.is_trusted": on(isTrusted),

	"kong.log.alert":               logLine("alert"),
	"kong.log.crit":                logLine("crit"),
	"kong.log.err":                 logLine("err"),
	"kong.log.warn":                logLine("warn"),
	"kong.log.notice":              logLine("notice"),
	"kong.log.info":                logLine("info"),
	"kong.log.debug":               logLine("debug"),
	"kong.log.set_serialize_value": on(setSerializeValue),
	"kong.log.serialize":           text(func(k *Kong) string { return k.req.Log }),

	"kong.nginx.get_var":              lookup(func(k *Kong, name string) string { return k.variable(name) }),
	"kong.nginx.get_tls1_version_str": text(func(*Kong) string { return "TLSv1.3" }),
	"kong.nginx.set_ctx":              put(func(e *Effects) map[string]any { return e.Ctx }),
	"kong.nginx.get_ctx": get(
		func(e *Effects) map[string]any { return e.Ctx },
		func(r *Request) map[string]any { return r.Ctx }),
	"kong.nginx.req_start_time": number(func(k *Kong) float64 { return k.req.Started }),
	"kong.nginx.get_subsystem":  text(func(*Kong) string { return "http" }),

	"kong.node.get_id":           text(func(*Kong) string { return nodeID }),
	"kong.node.get_memory_stats": on(memoryStats),

	"kong.request.get_scheme":           text(func(k *Kong) string { return k.req.Scheme }),
	"kong.request.get_host":             text(func(k *Kong) string { return k.req.Host }),
	"kong.request.get_port":             integer(func(k *Kong) int { return k.req.Port }),
	"kong.request.get_forwarded_scheme": text(func(k *Kong) string { return k.req.ForwardedScheme }),
	"kong.request.get_forwarded_host":   text(func(k *Kong) string { return k.req.ForwardedHost }),
	"kong.request.get_forwarded_port":   integer(func(k *Kong) int { return k.req.ForwardedPort }),
	"kong.request.get_http_version":     number(func(k *Kong) float64 { return k.req.HTTPVersion }),
	"kong.request.get_method":           text(func(k *Kong) string { return k.req.Method }),
	"kong.request.get_path":             text(func(k *Kong) string { return k.req.Path }),
	"kong.request.get_path_with_query":  text(func(k *Kong) string { return k.req.pathWithQuery() }),
	"kong.request.get_raw_query":        text(func(k *Kong) string { return k.req.RawQuery }),
	"kong.request.get_query_arg":        on(getQueryArg),
	"kong.request.get_query":            limited("max_args", func(k *Kong, limit int) map[string]any { return queryArgs(k.req.RawQuery, limit) }),
	"kong.request.get_header":           lookup(func(k *Kong, name string) string { return header(k.req.Headers, name) }),
	"kong.request.get_headers":          headers(func(k *Kong) http.Header { return k.req.Headers }),
	"kong.request.get_raw_body":         on(getRawBody),
	"kong.request.get_uri_captures":     on(getURICaptures),

	"kong.response.get_status":   integer(func(k *Kong) int { return k.effects.Response.Status }),
	"kong.response.get_header":   lookup(func(k *Kong, name string) string { return header(k.effects.Response.Headers, name) }),
	"kong.response.get_headers":  headers(func(k *Kong) http.Header { return k.effects.Response.Headers }),
	"kong.response.get_source":   text(func(k *Kong) string { return k.req.Source }),
	"kong.response.set_status":   on(setStatus),
	"kong.response.set_header":   operate("set", towardsClient),
	"kong.response.add_header":   operate("add", towardsClient),
	"kong.response.clear_header": clearHeader(towardsClient),
	"kong.response.set_headers":  setHeaders(towardsClient),
	"kong.response.exit":         on(exit),

	"kong.router.get_route":   on(getRoute),
	"kong.router.get_service": on(getService),

	"kong.service.set_upstream": on(setUpstream),
	"kong.service.set_target":   on(setTarget),

	"kong.service.request.set_scheme":    take(func(k *Kong, v string) { k.effects.Service.Scheme = v }),
	"kong.service.request.set_path":      take(func(k *Kong, v string) { k.effects.Service.Path = v }),
	"kong.service.request.set_raw_query": take(func(k *Kong, v string) { k.effects.Service.RawQuery = v }),
	"kong.service.request.set_method":    take(func(k *Kong, v string) { k.effects.Service.Method = v }),
	"kong.service.request.set_query":     on(setQuery),
	"kong.service.request.set_header":    operate("set", towardsService),
	"kong.service.request.add_header":    operate("add", towardsService),
	"kong.service.request.clear_header":  clearHeader(towardsService),
	"kong.service.request.set_headers":   setHeaders(towardsService),
	"kong.service.request.set_raw_body":  take(func(k *Kong, v string) { k.effects.Service.Body = []byte(v) }),

	"kong.service.response.get_status":   integer(func(k *Kong) int { return k.req.ServiceStatus }),
	"kong.service.response.get_header":   lookup(func(k *Kong, name string) string { return header(k.req.ServiceHeaders, name) }),
	"kong.service.response.get_headers":  headers(func(k *Kong) http.Header { return k.req.ServiceHeaders }),
	"kong.service.response.get_raw_body": text(func(k *Kong) string { return string(k.req.ServiceBody) }),
}

// Methods lists the PDK methods that the fake answers, sorted: all those of
// Kong 3.9.
func Methods() []string {
	names := make([]string, 0, len(answers))
	for name := range answers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func getCredential(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	if k.req.CredentialID == "" {
		return nil, nil
	}
	return &kpp.AuthenticatedCredential{Id: k.req.CredentialID}, nil
}

func getConsumer(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	return consumerMessage(k.req.Consumer), nil
}

func loadConsumer(k *Kong, in *kpp.ConsumerSpec) (proto.Message, error) {
	for _, c := range k.req.Consumers {
		if c.Id == in.Id || in.ByUsername && c.Username == in.Id {
			return consumerMessage(&c), nil
		}
	}
	return nil, nil
}

func authenticate(k *Kong, in *kpp.AuthenticateArgs) (proto.Message, error) {
	a := &Authenticated{CredentialID: in.GetCredential().GetId()}
	if c := in.Consumer; c != nil {
		a.Consumer = &entities.Consumer{
			Id: c.Id, CreatedAt: int(c.CreatedAt), Username: c.Username, CustomId: c.CustomId, Tags: c.Tags,
		}
	}
	k.effects.Authenticated = a
	return nil, nil
}

func getProtocol(k *Kong, in *kpp.Bool) (proto.Message, error) {
	if in.V {
		return &kpp.String{V: k.req.ForwardedScheme}, nil
	}
	return &kpp.String{V: k.req.Scheme}, nil
}

func isTrusted(k *Kong, in *kpp.String) (proto.Message, error) {
	return &kpp.Bool{V: slices.Contains(k.req.TrustedIPs, in.V)}, nil
}

func setSerializeValue(k *Kong, in *kpp.KV) (proto.Message, error) {
	k.effects.Serialized = append(k.effects.Serialized, KV{Key: in.K, Value: unwrapped(in.V)})
	return nil, nil
}

func memoryStats(*Kong, *emptypb.Empty) (proto.Message, error) {
	dict := &kpp.MemoryStats_LuaSharedDicts_DictStats{AllocatedSlabs: 1027, Capacity: 4423543}
	return &kpp.MemoryStats{
		LuaSharedDicts: &kpp.MemoryStats_LuaSharedDicts{Kong: dict, KongDbCache: dict},
		WorkersLuaVms:  []*kpp.MemoryStats_WorkerLuaVm{{HttpAllocatedGc: 123456, Pid: 543}},
	}, nil
}

// getQueryArg throws for "?x", as Kong does: the value is true there, which
// no String can hold.
func getQueryArg(k *Kong, in *kpp.String) (proto.Message, error) {
	value := queryArgs(k.req.RawQuery, 100)[in.V]
	if list, ok := value.([]any); ok {
		value = list[0]
	}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return &kpp.ByteString{V: []byte(value)}, nil
	default:
		return nil, fmt.Errorf("string expected for field 'v', got boolean: argument %q has no value", in.V)
	}
}

func getRawBody(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	return &kpp.RawBodyResult{Kind: &kpp.RawBodyResult_Content{Content: k.req.Body}}, nil
}

func getURICaptures(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	out := &kpp.UriCapturesResult{Named: map[string][]byte{}}
	for _, v := range k.req.Unnamed {
		out.Unnamed = append(out.Unnamed, []byte(v))
	}
	for name, v := range k.req.Named {
		out.Named[name] = []byte(v)
	}
	return out, nil
}

func setStatus(k *Kong, in *kpp.Int) (proto.Message, error) {
	if in.V < 100 || in.V > 599 {
		return nil, fmt.Errorf("code must be a number between 100 and 599, was %d", in.V)
	}
	k.effects.Response.Status = int(in.V)
	return nil, nil
}

func exit(k *Kong, in *kpp.ExitArgs) (proto.Message, error) {
	if in.Status < 100 || in.Status > 599 {
		return nil, fmt.Errorf("code must be a number between 100 and 599, was %d", in.Status)
	}
	given, err := headerTable(in.Headers)
	if err != nil {
		return nil, err
	}
	k.effects.Exit = &Exit{Status: int(in.Status), Body: in.Body, Headers: given}
	k.effects.Response.Status = int(in.Status)
	return nil, ErrExit
}

func getRoute(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	r := k.req.Route
	if r == nil {
		return nil, nil
	}
	return &kpp.Route{
		Id: r.Id, CreatedAt: int64(r.CreatedAt), UpdatedAt: int64(r.UpdatedAt), Name: r.Name,
		Protocols: r.Protocols, Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, Headers: r.Headers,
		HttpsRedirectStatusCode: int32(r.HTTPSRedirectStatusCode), RegexPriority: int32(r.RegexPriority),
		StripPath: r.StripPath, PreserveHost: r.PreserveHost, Snis: r.SNIs, Sources: r.Sources,
		Destinations: r.Destinations, Tags: r.Tags, Service: &kpp.ServiceKey{Id: r.Service.Id},
	}, nil
}

func getService(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
	s := k.req.Service
	if s == nil {
		return nil, nil
	}
	return &kpp.Service{
		Id: s.Id, CreatedAt: int64(s.CreatedAt), UpdatedAt: int64(s.UpdatedAt), Name: s.Name,
		Retries: int32(s.Retries), Protocol: s.Protocol, Host: s.Host, Port: int32(s.Port), Path: s.Path,
		ConnectTimeout: int32(s.ConnectTimeout), WriteTimeout: int32(s.WriteTimeout),
		ReadTimeout: int32(s.ReadTimeout), Tags: s.Tags,
	}, nil
}

func setUpstream(k *Kong, in *kpp.String) (proto.Message, error) {
	if in.V == "" {
		return nil, errors.New("host must not be empty")
	}
	k.effects.Service.Upstream = in.V
	return &kpp.Bool{V: true}, nil
}

func setTarget(k *Kong, in *kpp.Target) (proto.Message, error) {
	if in.Host == "" || in.Port < 0 || in.Port > 65535 {
		return nil, fmt.Errorf("target %q port %d is not a host with a port", in.Host, in.Port)
	}
	k.effects.Service.TargetHost, k.effects.Service.TargetPort = in.Host, int(in.Port)
	return nil, nil
}

func setQuery(k *Kong, in *structpb.Struct) (proto.Message, error) {
	var pairs []string
	for name, value := range in.AsMap() {
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		for _, v := range values {
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(fmt.Sprint(v)))
		}
	}
	slices.Sort(pairs)
	k.effects.Service.RawQuery = strings.Join(pairs, "&")
	return nil, nil
}
