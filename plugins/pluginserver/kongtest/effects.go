package kongtest

import (
	"net/http"

	"github.com/Kong/go-pdk/entities"
)

// Effects is everything that a handler did to a request. Compare it, or the
// part under test, with go-cmp.
type Effects struct {
	Service  ServiceRequest // the request towards the service, as the handler left it
	Response Response       // the response towards the client, as the handler left it
	Exit     *Exit          // kong.response.exit, nil if it was not called

	// Serialized holds the calls of kong.log.set_serialize_value in order.
	Serialized []KV
	// Shared and Ctx hold what the event itself set in kong.ctx.shared and
	// ngx.ctx. A key that was set to nil or false has the value nil: Kong's
	// unwrapping turns both into nil.
	Shared map[string]any
	Ctx    map[string]any

	Authenticated *Authenticated // kong.client.authenticate, nil if not called
	Logs          []LogLine      // kong.log.* in order
	Calls         []string       // every PDK method called, in order
	// Thrown is the Lua error that ended the event with a 500, or empty.
	Thrown string
}

// ServiceRequest is the request towards the service.
type ServiceRequest struct {
	Scheme, Method, Path, RawQuery string
	Headers                        http.Header // those of the client with Ops applied
	Ops                            []HeaderOp  // what the handler did to them, in order
	Body                           []byte
	Upstream                       string // kong.service.set_upstream
	TargetHost                     string // kong.service.set_target
	TargetPort                     int
}

// Response is the response towards the client.
type Response struct {
	Status  int
	Headers http.Header // Request.Sent with Ops applied
	Ops     []HeaderOp  // what the handler did to them, in order
}

// HeaderOp is one change of one header.
type HeaderOp struct {
	Op     string // "set", "add" or "clear"
	Name   string // canonical
	Values []string
}

// Exit is a response that ends the request at the gateway. Headers are those
// given to exit; those set before are in Response.
type Exit struct {
	Status  int
	Body    []byte
	Headers http.Header
}

// KV is a key with its value: nil, string, float64, bool, []any or
// map[string]any.
type KV struct {
	Key   string
	Value any
}

// LogLine is one line written with kong.log.
type LogLine struct {
	Level string // alert, crit, err, warn, notice, info or debug
	Args  []any
}

// Authenticated is what a plugin passed to kong.client.authenticate.
type Authenticated struct {
	Consumer     *entities.Consumer
	CredentialID string
}

// apply changes h and records the change in ops.
func apply(h http.Header, ops *[]HeaderOp, op HeaderOp) {
	op.Name = http.CanonicalHeaderKey(op.Name)
	switch op.Op {
	case "set":
		h[op.Name] = op.Values
	case "add":
		h[op.Name] = append(h[op.Name], op.Values...)
	case "clear":
		delete(h, op.Name)
	}
	*ops = append(*ops, op)
}
