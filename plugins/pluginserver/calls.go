package pluginserver

import (
	"slices"
	"strings"
)

// Call says how a PDK method is treated on the connection under *pdk.PDK.
type Call struct {
	Method string
	// Pipelined calls return to the plugin at once: they leave with the next
	// call that is answered, or with the end of the event, in one write, and
	// their replies are read and dropped later.
	Pipelined bool
	// Reason says why, by what pb_rpc.lua replies.
	Reason string
}

const (
	repliesEmpty  = "returns google.protobuf.Empty: every reply is an empty frame"
	repliesString = "declared to return a String, but Kong's function returns nothing: every reply is empty"
	repliesResult = "replies whether it worked, which a plugin may want to know"
	answers       = "its reply is the answer"
	neverReplies  = "Kong answers the client instead and drops the connection; the plugin reads io.EOF at once"
)

// exitCall ends an event without a reply.
const exitCall = "kong.response.exit"

// pipelined are the methods whose reply says nothing. One that fails raises a
// Lua error in Kong, which ends the request with a 500 and the connection with
// it, pipelined or not: no reply ever tells of a failure.
var pipelined = map[string]string{
	"kong.client.authenticate":     repliesEmpty,
	"kong.ctx.shared.set":          repliesEmpty,
	"kong.log.alert":               repliesEmpty,
	"kong.log.crit":                repliesEmpty,
	"kong.log.err":                 repliesEmpty,
	"kong.log.warn":                repliesEmpty,
	"kong.log.notice":              repliesEmpty,
	"kong.log.info":                repliesEmpty,
	"kong.log.debug":               repliesEmpty,
	"kong.log.set_serialize_value": repliesEmpty,
	"kong.nginx.set_ctx":           repliesString,

	"kong.response.set_status":   repliesEmpty,
	"kong.response.set_header":   repliesEmpty,
	"kong.response.add_header":   repliesEmpty,
	"kong.response.clear_header": repliesEmpty,
	"kong.response.set_headers":  repliesEmpty,

	"kong.service.set_target":            repliesEmpty,
	"kong.service.request.set_scheme":    repliesEmpty,
	"kong.service.request.set_path":      repliesEmpty,
	"kong.service.request.set_raw_query": repliesEmpty,
	"kong.service.request.set_method":    repliesEmpty,
	"kong.service.request.set_query":     repliesEmpty,
	"kong.service.request.set_header":    repliesEmpty,
	"kong.service.request.add_header":    repliesEmpty,
	"kong.service.request.clear_header":  repliesEmpty,
	"kong.service.request.set_headers":   repliesEmpty,
	"kong.service.request.set_raw_body":  repliesEmpty,
}

// awaited are the methods that a plugin waits for.
var awaited = map[string]string{
	exitCall:                    neverReplies,
	"kong.service.set_upstream": repliesResult,

	"kong.client.get_ip":             answers,
	"kong.client.get_forwarded_ip":   answers,
	"kong.client.get_port":           answers,
	"kong.client.get_forwarded_port": answers,
	"kong.client.get_credential":     answers,
	"kong.client.load_consumer":      answers,
	"kong.client.get_consumer":       answers,
	"kong.client.get_protocol":       answers,
	"kong.ctx.shared.get":            answers,
	"kong.ip.is_trusted":             answers,
	"kong.log.serialize":             answers,

	"kong.nginx.get_var":              answers,
	"kong.nginx.get_tls1_version_str": answers,
	"kong.nginx.get_ctx":              answers,
	"kong.nginx.req_start_time":       answers,
	"kong.nginx.get_subsystem":        answers,
	"kong.node.get_id":                answers,
	"kong.node.get_memory_stats":      answers,

	"kong.request.get_scheme":           answers,
	"kong.request.get_host":             answers,
	"kong.request.get_port":             answers,
	"kong.request.get_forwarded_scheme": answers,
	"kong.request.get_forwarded_host":   answers,
	"kong.request.get_forwarded_port":   answers,
	"kong.request.get_http_version":     answers,
	"kong.request.get_method":           answers,
	"kong.request.get_path":             answers,
	"kong.request.get_path_with_query":  answers,
	"kong.request.get_raw_query":        answers,
	"kong.request.get_query_arg":        answers,
	"kong.request.get_query":            answers,
	"kong.request.get_header":           answers,
	"kong.request.get_headers":          answers,
	"kong.request.get_raw_body":         answers,
	"kong.request.get_uri_captures":     answers,

	"kong.response.get_status":  answers,
	"kong.response.get_header":  answers,
	"kong.response.get_headers": answers,
	"kong.response.get_source":  answers,
	"kong.router.get_route":     answers,
	"kong.router.get_service":   answers,

	"kong.service.response.get_status":   answers,
	"kong.service.response.get_header":   answers,
	"kong.service.response.get_headers":  answers,
	"kong.service.response.get_raw_body": answers,
}

// Calls lists every PDK method of Kong 3.9's ProtoBuf:1 protocol, sorted, and
// how it is treated. Any other method is awaited: Kong refuses it.
func Calls() []Call {
	calls := make([]Call, 0, len(pipelined)+len(awaited))
	for method, reason := range pipelined {
		calls = append(calls, Call{Method: method, Pipelined: true, Reason: reason})
	}
	for method, reason := range awaited {
		calls = append(calls, Call{Method: method, Reason: reason})
	}
	slices.SortFunc(calls, func(a, b Call) int { return strings.Compare(a.Method, b.Method) })
	return calls
}
