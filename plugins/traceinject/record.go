package traceinject

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// served is a request that a span is made of. What the client chose to write
// (path, query, headers, user agent) is left unread, the path's choice of a route
// excepted: personal data has no business in a trace.
type served struct{ *kongrecord.Record }

// The times that a record can plausibly have, in milliseconds: to 2286-11-20,
// and a request of at most a day.
const (
	maxStartedAt = 1e13
	maxLatency   = 24 * 60 * 60 * 1000
)

var errRecordTime = errors.New("log record: started_at or latencies.request is no plausible time")

func (r served) plausible() bool {
	return r.StartedAt > 0 && r.StartedAt <= maxStartedAt && r.Latencies.Request <= maxLatency
}

// times are the start and the end of the request. Kong rounds both to
// milliseconds, so a child may end a moment after this span does.
func (r served) times() (start, end time.Time) {
	start = time.UnixMicro(int64(r.StartedAt * 1000))
	return start, start.Add(time.Duration(max(r.Latencies.Request, 0) * float64(time.Millisecond)))
}

// route is the low-cardinality form of the path: the longest of the matched
// route's path prefixes that the request begins with, else the first, which is
// all one can say of a regular expression (a path that begins with a tilde).
// It is empty if no route matched, or one without paths.
func (r served) route() string {
	best := ""
	for _, path := range r.Route.Paths {
		if len(path) > len(best) && strings.HasPrefix(r.Request.URI, path) {
			best = path
		}
	}
	if best == "" && len(r.Route.Paths) > 0 {
		best = r.Route.Paths[0]
	}
	return best
}

// spanName is "{method} {route}" as OpenTelemetry's HTTP conventions ask.
func (r served) spanName() string {
	method := knownMethod(r.Request.Method)
	if method == otherMethod {
		method = "HTTP"
	}
	switch route := r.route(); {
	case route != "":
		return method + " " + route
	case r.Route.Name != "":
		return method + " " + r.Route.Name
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

func (r served) scheme() string {
	if r.Request.TLS {
		return "https"
	}
	return "http"
}

// clientNetwork is the client's address without the part that tells one person
// from another: the /24 of an IPv4 address, the /48 of an IPv6 address. It is
// empty where pii-log-scrub has already taken the address out.
func (r served) clientNetwork() string {
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
