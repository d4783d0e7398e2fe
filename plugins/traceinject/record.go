package traceinject

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// record is the part of kong.log.serialize that a span is made of. What the
// client chose to write (path, query, headers, user agent) is left unread, the
// path's choice of a route excepted: personal data has no business in a trace.
type record struct {
	// StartedAt is in milliseconds since the Unix epoch.
	StartedAt float64 `json:"started_at"`
	// Latencies are in milliseconds; Proxy is -1 if the upstream never answered.
	Latencies struct {
		Request float64 `json:"request"`
		Kong    float64 `json:"kong"`
		Proxy   float64 `json:"proxy"`
	} `json:"latencies"`
	Request struct {
		ID     string          `json:"id"`
		Method string          `json:"method"`
		URI    string          `json:"uri"`
		TLS    json.RawMessage `json:"tls"`
	} `json:"request"`
	Response struct {
		Status int `json:"status"`
	} `json:"response"`
	Route struct {
		Name  string   `json:"name"`
		Paths []string `json:"paths"`
	} `json:"route"`
	Service struct {
		Name string `json:"name"`
	} `json:"service"`
	Tries    []json.RawMessage `json:"tries"`
	ClientIP string            `json:"client_ip"`
	// Source is who wrote the response: upstream, exit (a plugin) or error.
	Source string `json:"source"`
}

// The times that a record can plausibly have, in milliseconds: to 2286-11-20,
// and a request of at most a day.
const (
	maxStartedAt = 1e13
	maxLatency   = 24 * 60 * 60 * 1000
)

var errRecordTime = errors.New("started_at or latencies.request is no plausible time")

// parseRecord reads the JSON text of kong.log.serialize. A field of an
// unexpected type is left zero: Lua's empty table may come as {} or as [].
func parseRecord(text []byte) (record, error) {
	var r record
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(text, &r); err != nil && !errors.As(err, &mismatch) {
		return record{}, fmt.Errorf("decode log record: %w", err)
	}
	if r.StartedAt <= 0 || r.StartedAt > maxStartedAt || r.Latencies.Request > maxLatency {
		return record{}, fmt.Errorf("decode log record: %w", errRecordTime)
	}
	return r, nil
}

// times are the start and the end of the request. Kong rounds both to
// milliseconds, so a child may end a moment after this span does.
func (r record) times() (start, end time.Time) {
	start = time.UnixMicro(int64(r.StartedAt * 1000))
	return start, start.Add(time.Duration(max(r.Latencies.Request, 0) * float64(time.Millisecond)))
}

// route is the low-cardinality form of the path: the longest of the matched
// route's path prefixes that the request begins with, else the first, which is
// all one can say of a regular expression (a path that begins with a tilde).
// It is empty if no route matched, or one without paths.
func (r record) route() string {
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
func (r record) spanName() string {
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

func (r record) scheme() string {
	if len(r.Request.TLS) > 0 && string(r.Request.TLS) != "null" {
		return "https"
	}
	return "http"
}

// clientNetwork is the client's address without the part that tells one person
// from another: the /24 of an IPv4 address, the /48 of an IPv6 address. It is
// empty where pii-log-scrub has already taken the address out.
func (r record) clientNetwork() string {
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
