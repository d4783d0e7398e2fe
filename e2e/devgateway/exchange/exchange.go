// Package exchange is one request and its response on their way through the
// gateway: what Kong keeps in ngx.var and ngx.ctx, and what its PDK does to it.
//
// An Exchange belongs to the goroutine that serves the request. What a log
// event needs after that is copied into a Saved.
package exchange

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

// ServerTokens is how Kong names itself in Server and Via.
const ServerTokens = "kong/" + Version

// Version is the Kong release that the dev gateway stands in for.
const Version = "3.9.1"

// Exchange is one request and its response.
type Exchange struct {
	Config *config.Config
	// ErrorTemplate is the body of the gateway's own answers in JSON, in which it writes
	// a message and the request's id.
	ErrorTemplate string

	Phase Phase
	Conn  Conn

	// The request as received. RequestURI has no scheme and host.
	ID          string // 32 hexadecimal digits
	Start       time.Time
	RequestLine string
	RequestURI  string
	Host        string // in lower case, without port
	HTTPVersion float64
	HeadLength  int64 // of the request line and the header, in bytes
	BodyLength  int64 // of what was read of the body, in bytes

	// The request as plugins left it.
	Method string
	Args   string      // the query, undecoded
	Header http.Header // with Host
	// Copied is Header as it was when the access phase began: by it Kong clears what the
	// client's Connection names, and it is in ngx.ctx.cached_request_headers.
	Copied http.Header

	// What routing found; Match is nil before.
	Match        *router.Match
	UpstreamURI  string         // escaped, with the query once the access phase is over
	UpstreamHost string         // what a plugin set in place of the target's, or ""
	ForwardedFor string         // the X-Forwarded-For header for the upstream
	Target       *config.Target // of the try under way, or of the last one
	Tries        []*Try

	// Who calls.
	Consumer   *config.Consumer
	Credential *Credential

	// The response as far as it is known.
	Status     int
	RespHeader http.Header
	// Sooner are the headers of which the service sent an earlier date than the gateway.
	Sooner   []string
	Answer   *Answer // what the gateway answers itself, or nil
	Upstream UpstreamResponse
	Sent     Sent

	// Where the response comes from.
	Unexpected bool // an error
	Exited     bool // an answer of a plugin or of the gateway
	Proxied    bool // the upstream was asked

	Times  Times
	Shared *Table // kong.ctx.shared

	serializeValues []serializeValue
	kept            map[string]string
}

// Conn is the client's connection.
type Conn struct {
	Number     uint64 // the *N of nginx's error log
	Requests   uint64 // that came on it so far
	PeerAddr   string
	RemoteAddr string // the client's: the peer's own, or what a peer says that is Trusted
	Trusted    bool
	RemotePort int
	ServerAddr string
	ServerPort int
	TLS        *tls.ConnectionState // nil for plain HTTP
}

// Scheme is nginx's $scheme.
func (c Conn) Scheme() string {
	if c.TLS != nil {
		return "https"
	}
	return "http"
}

// Credential is what an auth plugin found.
type Credential struct {
	ID  string
	Key string
}

// Try is one attempt to reach the upstream, as the log serializer writes it.
type Try struct {
	BalancerStart     int64  `json:"balancer_start"`
	BalancerStartNS   int64  `json:"balancer_start_ns"`
	BalancerLatency   int64  `json:"balancer_latency"`
	BalancerLatencyNS int64  `json:"balancer_latency_ns"`
	IP                string `json:"ip"`
	Port              int    `json:"port"`
	State             string `json:"state,omitempty"`
	Code              int    `json:"code,omitempty"`
}

// UpstreamResponse is what the upstream answered.
type UpstreamResponse struct {
	Statuses []int // of each try
	Header   http.Header
}

// Sent counts the bytes of the response.
type Sent struct{ Total, Body int64 }

// Times are the points at which a phase ended; zero if it did not.
type Times struct {
	Balancer time.Time // the last try was about to start
	Header   time.Time // the response's header was ready
	End      time.Time // its last byte was sent
}

// New starts an exchange. The caller fills in the request.
func New(cfg *config.Config) *Exchange {
	return &Exchange{
		Config:     cfg,
		Phase:      Rewrite,
		RespHeader: http.Header{},

		ErrorTemplate: DefaultErrorBody,
		Shared:        NewTable(),
	}
}

// Route is the matched route, or nil.
func (x *Exchange) Route() *config.Route {
	if x.Match == nil {
		return nil
	}
	return x.Match.Route
}

// Service is the matched route's service, or nil.
func (x *Exchange) Service() *config.Service {
	if x.Match == nil {
		return nil
	}
	return x.Match.Route.Service
}

// Keep remembers a value for a later phase of the same plugin, as kong.ctx.plugin does.
func (x *Exchange) Keep(name, value string) {
	if x.kept == nil {
		x.kept = map[string]string{}
	}
	x.kept[name] = value
}

// Kept is a value that an earlier phase kept, and whether one did.
func (x *Exchange) Kept(name string) (value string, ok bool) {
	value, ok = x.kept[name]
	return value, ok
}

// FromUpstream reports whether the response is the upstream's, as
// kong.response.get_source does.
func (x *Exchange) FromUpstream() bool { return x.Proxied && !x.Exited && !x.Unexpected }
