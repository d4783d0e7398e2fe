package kongrequest

import (
	"errors"
	"fmt"
	"strings"
)

// Variable is an nginx variable that is part of the composite one.
type Variable int

// The parts of the composite variable, in its order. A header's variable holds
// all of its lines, joined with commas.
//
// Nothing in it says who is asking. Kong's auth plugins write X-Consumer-* and
// X-Credential-Identifier on requests that they let through, but on a route
// without one a client may write them, and nothing tells the two apart: identity
// is [Event.Token], [Event.Consumer], [Event.Credential] and [Event.Groups].
const (
	RemoteAddr  Variable = iota // the client's address, by Kong's trusted_ips and real_ip_header
	Method                      // the request's method
	Scheme                      // http or https
	Host                        // the requested host, in lower case
	ServerPort                  // the port that the request came in on
	RequestID                   // Kong's id of the request, 32 hexadecimal digits
	Traceparent                 // W3C Trace Context
	Tracestate                  // W3C Trace Context
	RequestURI                  // path and query, as they came
	Connection                  // the headers that the client has removed behind Kong
	UpstreamURI                 // the path towards the service; empty before routing

	firstTraceHeader
	count = firstTraceHeader + Variable(len(traceHeaders))
)

// traceHeaders are the headers that carry a trace in another format than W3C's: whoever
// traces a request has to know whether its client sent one.
var traceHeaders = [...]string{
	"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", // Zipkin
	"uber-trace-id", "jaeger-debug-id", "jaeger-baggage", // Jaeger
	"ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled", // OpenTracing
	"x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority", "x-datadog-origin", "x-datadog-tags",
	"x-amzn-trace-id",       // AWS X-Ray
	"x-cloud-trace-context", // Google
	"sentry-trace",
	"x-instana-t", "x-instana-s", "x-instana-l",
	"elastic-apm-traceparent",
	"newrelic",
}

// TraceHeaders are the names of those headers, in lower case, and the variables that have
// their values.
func TraceHeaders() map[string]Variable {
	list := make(map[string]Variable, len(traceHeaders))
	for i, name := range traceHeaders {
		list[name] = firstTraceHeader + Variable(i)
	}
	return list
}

// names are the variables by nginx's names, without the dollar sign.
var names = withTraceHeaders([count]string{
	RemoteAddr:  "remote_addr",
	Method:      "request_method",
	Scheme:      "scheme",
	Host:        "host",
	ServerPort:  "server_port",
	RequestID:   "kong_request_id",
	Traceparent: "http_traceparent",
	Tracestate:  "http_tracestate",
	RequestURI:  "request_uri",
	Connection:  "http_connection",
	UpstreamURI: "upstream_uri",
})

func withTraceHeaders(names [count]string) [count]string {
	for i, name := range traceHeaders {
		names[int(firstTraceHeader)+i] = headerVariable(name)
	}
	return names
}

// String is the variable's name in nginx.
func (v Variable) String() string {
	if v < 0 || v >= count {
		return fmt.Sprintf("Variable(%d)", int(v))
	}
	return names[v]
}

// Variables lists the parts of the composite variable, in order.
func Variables() []Variable {
	list := make([]Variable, count)
	for i := range list {
		list[i] = Variable(i)
	}
	return list
}

// Composite is the name of the nginx variable that holds all the others.
const Composite = "gatehouse_request"

// version begins the composite's value. It changes with the list of variables,
// so that an include file of another release counts as none.
const version = "gatehouse/5"

// separator stands between the parts. No header's value holds it, nor a request
// line: nginx refuses both.
const separator = "\n"

// Include is the nginx configuration that defines [Composite], for the http
// block of a Kong that proxies (KONG_NGINX_HTTP_INCLUDE).
func Include() string {
	template := version
	for _, name := range names {
		template += `\n$` + name
	}
	return fmt.Sprintf(include, Composite, template)
}

const include = `# One variable that holds all that Gatehouse's plugins read of a request, so that
# they ask Kong once. Kong includes it with KONG_NGINX_HTTP_INCLUDE; without it
# the plugins ask for each part, 9 to 15 microseconds of a worker's time each.
#
# It is for nodes that proxy: elsewhere nginx has no $upstream_uri.
map $host $%s {
    volatile; # the upstream's part is known only after routing
    default "%s";
}
`

var (
	// errAbsent: nginx has no such variable, or one of another version.
	errAbsent = errors.New("the composite variable is not installed")
	// errMalformed: a part holds what no request can.
	errMalformed = errors.New("the composite variable is malformed")
)

// values are the parts of the composite variable.
type values [count]string

// decode takes the composite variable's value apart. A value with a part too few
// or too many is refused whole: whoever could write a separator could otherwise
// move one part into the next.
func decode(text string) (values, error) {
	var v values
	rest, found := strings.CutPrefix(text, version+separator)
	if !found {
		return v, errAbsent
	}
	if strings.Count(rest, separator) != len(v)-1 {
		return v, errMalformed
	}
	for i := range v {
		v[i], rest, _ = strings.Cut(rest, separator)
	}
	if v[RemoteAddr] == "" || v[Method] == "" {
		return values{}, errMalformed
	}
	return v, nil
}
