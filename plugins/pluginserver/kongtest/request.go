package kongtest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Kong/go-pdk/entities"
)

// Request is what Kong knows about one request at the moment of an event.
// The zero value is a plain GET of http://localhost:8000/ over HTTP/1.1 from
// 127.0.0.1 that matched no route, with no consumer.
type Request struct {
	Method      string      // default GET
	Scheme      string      // default http
	Host        string      // default localhost
	Port        int         // default 8000
	Path        string      // normalised, without the query; default /
	RawQuery    string      // without the question mark
	HTTPVersion float64     // default 1.1
	Headers     http.Header // names in any case
	Body        []byte

	ClientIP      string // default 127.0.0.1
	ClientPort    int    // default 54321
	ForwardedIP   string // default ClientIP
	ForwardedHost string // default Host
	ForwardedPort int    // default Port
	// ForwardedScheme is also what kong.client.get_protocol(true) answers.
	ForwardedScheme string   // default Scheme
	TrustedIPs      []string // addresses for which kong.ip.is_trusted is true

	Route    *entities.Route    // nil: no route matched
	Service  *entities.Service  // nil: the route has no service
	Consumer *entities.Consumer // nil: not authenticated
	// CredentialID identifies the authenticated credential. There is no
	// consumer id beside it: Kong never fills that field on this protocol.
	CredentialID string
	// Consumers are those that kong.client.load_consumer finds.
	Consumers []entities.Consumer

	Shared  map[string]any    // kong.ctx.shared before the event
	Ctx     map[string]any    // ngx.ctx before the event
	Vars    map[string]string // nginx variables, before the few that are derived from this request
	Unnamed []string          // unnamed URI captures
	Named   map[string]string // named URI captures

	Status  int         // kong.response.get_status
	Source  string      // kong.response.get_source; default service
	Sent    http.Header // response headers before the event
	Log     string      // what kong.log.serialize answers; default {}
	Started float64     // kong.nginx.req_start_time, seconds since the epoch

	ServiceStatus  int         // kong.service.response.get_status
	ServiceHeaders http.Header // kong.service.response.get_headers
	ServiceBody    []byte      // kong.service.response.get_raw_body

	// Throws are PDK methods that raise a Lua error, by full name such as
	// "kong.nginx.get_var": Kong ends the request with a 500, and the plugin
	// finds its connection closed in mid-event.
	Throws []string
}

// withDefaults fills in what a test left out, and copies what an event writes.
func (r Request) withDefaults() Request {
	r.Method = cmp.Or(r.Method, http.MethodGet)
	r.Scheme = cmp.Or(r.Scheme, "http")
	r.Host = cmp.Or(r.Host, "localhost")
	r.Port = cmp.Or(r.Port, 8000)
	r.Path = cmp.Or(r.Path, "/")
	r.HTTPVersion = cmp.Or(r.HTTPVersion, 1.1)
	r.ClientIP = cmp.Or(r.ClientIP, "127.0.0.1")
	r.ClientPort = cmp.Or(r.ClientPort, 54321)
	r.ForwardedIP = cmp.Or(r.ForwardedIP, r.ClientIP)
	r.ForwardedHost = cmp.Or(r.ForwardedHost, r.Host)
	r.ForwardedPort = cmp.Or(r.ForwardedPort, r.Port)
	r.ForwardedScheme = cmp.Or(r.ForwardedScheme, r.Scheme)
	r.Source = cmp.Or(r.Source, "service")
	r.Log = cmp.Or(r.Log, "{}")
	r.Headers = canonical(r.Headers)
	r.Sent = canonical(r.Sent)
	r.ServiceHeaders = canonical(r.ServiceHeaders)
	return r
}

// pathWithQuery is the path as Kong forwards it.
func (r Request) pathWithQuery() string {
	if r.RawQuery == "" {
		return r.Path
	}
	return r.Path + "?" + r.RawQuery
}

// variable answers kong.nginx.get_var. $request_time is how long the request has taken
// so far, in seconds, unless a test says something else.
func (k *Kong) variable(name string) string {
	if _, ok := k.req.Vars[name]; !ok && name == "request_time" {
		return fmt.Sprintf("%.3f", time.Since(k.began).Seconds())
	}
	return k.req.variable(name)
}

// variable is a variable of the test first, then one of those which nginx derives
// from the request. An unknown one is empty.
func (r Request) variable(name string) string {
	if v, ok := r.Vars[name]; ok {
		return v
	}
	if header, ok := strings.CutPrefix(name, "http_"); ok {
		return strings.Join(r.Headers.Values(strings.ReplaceAll(header, "_", "-")), ", ")
	}
	if arg, ok := strings.CutPrefix(name, "arg_"); ok {
		return rawArg(r.RawQuery, arg)
	}
	return map[string]string{
		"args":           r.RawQuery,
		"host":           r.Host,
		"query_string":   r.RawQuery,
		"remote_addr":    r.ClientIP,
		"request_method": r.Method,
		"request_uri":    r.pathWithQuery(),
		"scheme":         r.Scheme,
		"uri":            r.Path,
	}[name]
}

// rawArg is nginx's $arg_name: the first value, still escaped.
func rawArg(query, name string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(pair, "="); strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// queryArgs is ngx.req.get_uri_args: a name without "=" has the value true.
func queryArgs(query string, limit int) map[string]any {
	args := map[string]any{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if limit--; limit < 0 {
			break
		}
		name, value := splitArg(pair)
		args[name] = appendValue(args[name], value)
	}
	return args
}

func splitArg(pair string) (name string, value any) {
	k, v, found := strings.Cut(pair, "=")
	if !found {
		return unescape(k), true
	}
	return unescape(k), unescape(v)
}

// unescape keeps a malformed escape as it is, as ngx.unescape_uri does.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// appendValue makes a list where a name occurs more than once.
func appendValue(old, value any) any {
	switch old := old.(type) {
	case nil:
		return value
	case []any:
		return append(old, value)
	default:
		return []any{old, value}
	}
}

// canonical copies headers under canonical names, so that tests may write
// them in any case.
func canonical(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		key := http.CanonicalHeaderKey(name)
		out[key] = append(out[key], values...)
	}
	return out
}
