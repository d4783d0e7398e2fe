package piilogscrub

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// Variable is the nginx variable that holds all of a request that the plugin
// reads but its headers. Where nginx has no such variable, the plugin reads the
// parts one by one, which costs five calls to Kong in place of one.
const Variable = "gatehouse_scrub"

// NginxInclude defines Variable. It belongs into a file that the http block
// includes (KONG_NGINX_HTTP_INCLUDE).
const NginxInclude = `map $host $gatehouse_scrub {
    volatile;
    default "$remote_addr\n$scheme\n$host\n$server_port\n$request_uri\n$upstream_uri";
}
`

// parts are the variables in Variable, in order.
var parts = [...]string{"remote_addr", "scheme", "host", "server_port", "request_uri", "upstream_uri"}

// request is what a client sent, as Kong's serializer would log it.
type request struct {
	clientIP, scheme, host, port string
	uri                          string // path and query, as they came
	upstream                     string // the path towards the service; empty before routing
	headers                      map[string][]string
}

// query is the query string, without its '?'.
func (r *request) query() string {
	_, query, _ := strings.Cut(r.uri, "?")
	return query
}

// upstreamURI is what Kong would log as upstream_uri: the client's query follows
// where the path has none of its own.
func (r *request) upstreamURI() string {
	_, query, found := strings.Cut(r.uri, "?")
	if r.upstream == "" || !found || strings.Contains(r.upstream, "?") {
		return r.upstream
	}
	return r.upstream + "?" + query
}

// probeEvery is how often Variable is looked for where it was missing: a Kong
// that is restarted with the include shall be noticed.
const probeEvery = time.Minute

// source reads requests from Kong.
type source struct {
	missing atomic.Int64 // when Variable was missing, in Unix nanoseconds; 0: never
}

// read reads all of the request but its headers.
func (s *source) read(kong *pdk.PDK, now time.Time) (*request, error) {
	if missing := s.missing.Load(); missing == 0 || now.Sub(time.Unix(0, missing)) > probeEvery {
		all, err := variable(kong, Variable)
		if err != nil {
			return nil, err
		}
		if v := strings.SplitN(all, "\n", len(parts)); len(v) == len(parts) {
			s.missing.Store(0)
			return newRequest(v), nil
		}
		s.missing.Store(now.UnixNano())
	}
	values := make([]string, len(parts))
	for i, name := range parts {
		var err error
		if values[i], err = variable(kong, name); err != nil {
			return nil, err
		}
	}
	return newRequest(values), nil
}

func newRequest(v []string) *request {
	return &request{clientIP: v[0], scheme: v[1], host: v[2], port: v[3], uri: v[4], upstream: v[5]}
}

// variable reads an nginx variable; it is empty where nginx has none.
func variable(kong *pdk.PDK, name string) (string, error) {
	return askText(kong.Nginx.PdkBridge, "kong.nginx.get_var", bridge.WrapString(name))
}

// askText calls a PDK method that returns text of a client's making. Kong sends
// it as it came, and go-pdk's own methods fail on what is not UTF-8.
func askText(b bridge.PdkBridge, method string, args proto.Message) (string, error) {
	out := new(kong_plugin_protocol.ByteString)
	if err := b.Ask(method, args, out); err != nil {
		return "", fmt.Errorf("ask %s: %w", method, err)
	}
	return string(out.V), nil
}

// maxHeaders is how many headers Kong's serializer logs.
const maxHeaders = 100

// requestHeaders reads the request's headers, by lower-case name.
func requestHeaders(kong *pdk.PDK) (map[string][]string, error) {
	headers, err := kong.Request.GetHeaders(maxHeaders)
	if err != nil {
		return nil, fmt.Errorf("read request headers: %w", err)
	}
	return headers, nil
}

// setSerialized replaces a field of what kong.log.serialize returns; dots in the
// key are steps into tables.
func setSerialized(kong *pdk.PDK, key string, v *structpb.Value) error {
	kv := &kong_plugin_protocol.KV{K: key, V: v}
	if err := kong.Log.Ask("kong.log.set_serialize_value", kv, nil); err != nil {
		return fmt.Errorf("set log field %s: %w", key, err)
	}
	return nil
}
