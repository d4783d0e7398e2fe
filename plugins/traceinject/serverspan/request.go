package serverspan

import (
	"errors"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/network"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// Request is a request that is over, as far as its span tells of it. What a client chose
// to write is in it as it came: [Scrubber] says what of it may be in the span.
type Request struct {
	// StartedAt is when the request came in, in milliseconds since the Unix epoch.
	StartedAt float64
	// HeardAt is when we heard that it is over, by our own clock; zero if unknown.
	HeardAt time.Time
	// HandledAt is when it had not gone to an upstream yet, likewise.
	HandledAt time.Time
	// Latency is how long the whole request took, GatewayLatency what of it the
	// gateway did, and UpstreamLatency how long the upstream took, below 0 if it
	// never answered. All are in milliseconds.
	Latency, GatewayLatency, UpstreamLatency float64

	ID, Method, URI string
	TLS             bool
	// Protocol is HTTP's version as nginx writes it, such as HTTP/1.1; empty if unknown.
	Protocol string
	// Host and Port are what the client asked for; empty and 0 if unknown.
	Host      string
	Port      int
	UserAgent string
	ClientIP  string
	// RouteName and RoutePaths are those of the matched route; empty if none matched.
	RouteName   string
	RoutePaths  []string
	ServiceName string
	// Status is the response's, and Source is who wrote it: upstream or kong.
	Status int
	Source string
	// Tries are how an upstream was tried, in order.
	Tries []kongrecord.Try

	// RateLimit is what the limiter decided, and Limit the limit that denied the request.
	// Deprecation is where the API version is in its life. Empty if nobody decided.
	RateLimit, Limit, Deprecation string
	// Kept is why there is a span although the trace is not sampled; empty if it is.
	Kept propagation.Reason
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

// nginxTick is how far nginx's clock may be behind: it has whole milliseconds, cut off.
const nginxTick = time.Millisecond

// times are the start and the end of the request. nginx cuts both to milliseconds, which
// would have the span end before what the upstream did in it. So the end is when we heard
// of it, which is later by the way here, or the end of nginx's millisecond if that is
// earlier. The start is up to a millisecond early.
func (r *Request) times() (start, end time.Time) {
	start = time.UnixMicro(int64(r.StartedAt * 1000))
	cut := start.Add(time.Duration(max(r.Latency, 0) * float64(time.Millisecond)))
	end = cut.Add(nginxTick)
	if r.HeardAt.After(cut) && r.HeardAt.Before(end) {
		end = r.HeardAt
	}
	return start, end
}

// path is the request's path as it came, without its query.
func (r *Request) path() string {
	path, _, _ := strings.Cut(r.URI, "?")
	return path
}

// route is the template of the path: the longest of the matched route's path prefixes
// that the request begins with, else the first regular expression (a path that begins
// with a tilde), which says which paths fit, else the first. It is empty if no route
// matched, or one without paths.
func (r *Request) route() string {
	best, pattern := "", ""
	for _, path := range r.RoutePaths {
		switch {
		case strings.HasPrefix(path, "~"):
			if pattern == "" {
				pattern = path
			}
		case len(path) > len(best) && strings.HasPrefix(r.URI, path):
			best = path
		}
	}
	switch {
	case best != "":
		return best
	case pattern != "":
		return pattern
	case len(r.RoutePaths) > 0:
		return r.RoutePaths[0]
	}
	return ""
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

// protocolVersion is as the conventions write it: 1.1, and 2 for HTTP/2.0.
func (r *Request) protocolVersion() string {
	version, ok := strings.CutPrefix(r.Protocol, "HTTP/")
	switch {
	case !ok:
		return ""
	case version == "2.0", version == "3.0":
		return version[:1]
	case version == "1.0", version == "1.1":
		return version
	}
	return ""
}

// failure is the status of a request that failed: for the gateway, or for the client, who
// went away before the answer (499). It is 0 for any other.
func (r *Request) failure() int {
	const clientGone = 499 // nginx's own
	if r.Status >= 500 || r.Status == clientGone {
		return r.Status
	}
	return 0
}

// clientNetwork is the client's address without the part that tells one person
// from another, written as the network that it is: the /24 of an IPv4 address, the
// /48 of an IPv6 address. It is empty where pii-log-scrub has already taken the address
// out.
func (r *Request) clientNetwork() string {
	of, err := network.Of(r.ClientIP)
	if err != nil {
		return ""
	}
	return of.String()
}
