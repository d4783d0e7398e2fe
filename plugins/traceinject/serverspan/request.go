package serverspan

import (
	"errors"
	"net/netip"
	"strings"
	"time"
)

// Request is a request that is over, as far as its span tells of it. The span has
// none of what the client chose to write (path, query, headers, user agent): personal
// data has no business in a trace. Of the path it says which of the route's paths fits.
type Request struct {
	// StartedAt is when the request came in, in milliseconds since the Unix epoch.
	StartedAt float64
	// Latency is how long the whole request took, GatewayLatency what of it the
	// gateway did, and UpstreamLatency how long the upstream took, below 0 if it
	// never answered. All are in milliseconds.
	Latency, GatewayLatency, UpstreamLatency float64

	ID, Method, URI string
	TLS             bool
	ClientIP        string
	// RouteName and RoutePaths are those of the matched route; empty if none matched.
	RouteName   string
	RoutePaths  []string
	ServiceName string
	// Status is the response's, and Source is who wrote it: upstream or kong.
	Status int
	Source string
	// Tries is how often an upstream was tried.
	Tries int
}

// The times that a request can plausibly have, in milliseconds: to 2286-11-20,
// and a request of at most a day.
const (
	maxStartedAt = 1e13
	maxLatency   = 24 * 60 * 60 * 1000
)

// ErrTime says that a request's times cannot be right, so that there is no span of it.
var ErrTime = errors.New("log record: started_at or latencies.request is no plausible time")

func (r *Request) plausible() bool {
	return r.StartedAt > 0 && r.StartedAt <= maxStartedAt && r.Latency <= maxLatency
}

// times are the start and the end of the request. Kong rounds both to
// milliseconds, so a child may end a moment after this span does.
func (r *Request) times() (start, end time.Time) {
	start = time.UnixMicro(int64(r.StartedAt * 1000))
	return start, start.Add(time.Duration(max(r.Latency, 0) * float64(time.Millisecond)))
}

// route is the low-cardinality form of the path: the longest of the matched
// route's path prefixes that the request begins with, else the first, which is
// all one can say of a regular expression (a path that begins with a tilde).
// It is empty if no route matched, or one without paths.
func (r *Request) route() string {
	best := ""
	for _, path := range r.RoutePaths {
		if len(path) > len(best) && strings.HasPrefix(r.URI, path) {
			best = path
		}
	}
	if best == "" && len(r.RoutePaths) > 0 {
		best = r.RoutePaths[0]
	}
	return best
}

// spanName is "{method} {route}" as OpenTelemetry's HTTP conventions ask.
func (r *Request) spanName() string {
	method := knownMethod(r.Method)
	if method == otherMethod {
		method = "HTTP"
	}
	switch route := r.route(); {
	case route != "":
		return method + " " + route
	case r.RouteName != "":
		return method + " " + r.RouteName
	}
	return method
}

// otherMethod stands for any method that the conventions do not list.
const otherMethod = "_OTHER"

func knownMethod(method string) string {
	switch method {
	case "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE":
		return method
	}
	return otherMethod
}

func (r *Request) scheme() string {
	if r.TLS {
		return "https"
	}
	return "http"
}

// clientNetwork is the client's address without the part that tells one person
// from another: the /24 of an IPv4 address, the /48 of an IPv6 address. It is
// empty where pii-log-scrub has already taken the address out.
func (r *Request) clientNetwork() string {
	address, err := netip.ParseAddr(r.ClientIP)
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	bits := 48
	if address.Is4() {
		bits = 24
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.Addr().String()
}
