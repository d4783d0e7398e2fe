package pluginserver

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// Which reads may be made ahead is a list of what is allowed: those that Kong answers
// from what it has at hand, whatever they are called with (they do not throw, wait, or
// cost much), and whose answer is the same at the beginning of an event and later in
// it. Kong runs nothing else of a request while it waits for a plugin, so that what it
// knows of the request changes by the handler's own calls only, and those end what is
// foreseen; but time goes on, and bytes arrive.

// constancy says when the answer to a method is constant.
type constancy uint8

const (
	never      constancy = iota
	always               // in any phase
	inLog                // in the log phase, for which Kong has made a copy
	byVariable           // if its nginx variable is
)

// constants are the methods whose answer may be constant. kong.log.serialize has the
// time that the request took so far, until that is over.
var constants = map[string]constancy{
	"kong.client.get_consumer":     always,
	"kong.client.get_credential":   always,
	"kong.client.get_forwarded_ip": always,
	"kong.client.get_ip":           always,
	"kong.ctx.shared.get":          always,
	"kong.log.serialize":           inLog,
	"kong.nginx.get_var":           byVariable,
	"kong.request.get_header":      always,
	"kong.request.get_host":        always,
	"kong.request.get_method":      always,
	"kong.request.get_path":        always,
	"kong.request.get_raw_query":   always,
	"kong.request.get_scheme":      always,
	"kong.router.get_route":        always,
	"kong.router.get_service":      always,
}

// constantVars are nginx's and Kong's variables that are facts of the request: its
// line, its addresses, and where it goes.
var constantVars = []string{
	"args", "binary_remote_addr", "content_length", "content_type", "document_uri", "host", "hostname", "https", "is_args",
	"kong_request_id", "query_string", "realip_remote_addr", "realip_remote_port", "remote_addr", "remote_port",
	"request_id", "request_method", "request_uri", "scheme", "server_addr", "server_name", "server_port", "server_protocol",
	"upstream_host", "upstream_scheme", "upstream_uri", "uri",
}

// constantPrefixes begin the names of variables that are a part of the request each.
var constantPrefixes = [][]byte{[]byte("arg_"), []byte("cookie_"), []byte("http_")}

// constantNames are the variables of a server that are constant.
func constantNames(own []string) map[string]bool {
	names := map[string]bool{}
	for _, list := range [][]string{constantVars, own} {
		for _, name := range list {
			names[name] = true
		}
	}
	return names
}

// constant reports whether the call that was just written is a constant read.
func (c *eventConn) constant(entry callEntry) bool {
	switch entry.constant {
	case always:
		return true
	case inLog:
		return c.event.phase == logging
	case byVariable:
		return c.link.srv.constantVar(c.link.out[c.method:c.frame])
	default:
		return false
	}
}

// constantVar reports whether a call of kong.nginx.get_var is for a constant. It does
// not allocate.
func (s *Server) constantVar(call []byte) bool {
	args := call[2*frameHead+len("kong.nginx.get_var"):]
	num, typ, n := protowire.ConsumeTag(args)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return false
	}
	name, length := protowire.ConsumeBytes(args[n:])
	if length < 0 || n+length != len(args) {
		return false
	}
	if s.constantVars[string(name)] {
		return true
	}
	for _, prefix := range constantPrefixes {
		if bytes.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
