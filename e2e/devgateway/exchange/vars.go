package exchange

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
)

// Var is an nginx variable by its name without "$", empty where it has no value.
// The error says that the dev gateway has no such variable; nginx may.
func (x *Exchange) Var(name string) (string, error) {
	name = strings.ToLower(name)
	if header, ok := strings.CutPrefix(name, "http_"); ok {
		return joined(header, lines(x.Header, header)), nil
	}
	if header, ok := strings.CutPrefix(name, "sent_http_"); ok {
		return joined(header, lines(x.RespHeader, header)), nil
	}
	if long, ok := nginxlog.Shortened(name); ok {
		text, err := x.Var(long)
		return text[:min(len(text), nginxlog.Longest)], err
	}
	get, ok := variables[name]
	if !ok {
		return "", CheckVar(name)
	}
	return get(x), nil
}

// CheckVar returns an error unless the dev gateway has a variable.
func CheckVar(name string) error {
	if long, ok := nginxlog.Shortened(name); ok {
		return CheckVar(long)
	}
	if variables[name] == nil && !strings.HasPrefix(name, "http_") && !strings.HasPrefix(name, "sent_http_") {
		return fmt.Errorf("the dev gateway has no nginx variable $%s", name)
	}
	return nil
}

// joined is how nginx writes several headers of one name.
func joined(name string, vals []string) string {
	if name == "cookie" {
		return strings.Join(vals, "; ")
	}
	return strings.Join(vals, ", ")
}

// variables are those that this repository's plugins and log format read.
var variables = map[string]func(*Exchange) string{
	"request_id":      func(x *Exchange) string { return x.ID },
	"kong_request_id": func(x *Exchange) string { return x.ID },
	"remote_addr":     func(x *Exchange) string { return x.Conn.RemoteAddr },
	"server_port":     func(x *Exchange) string { return strconv.Itoa(x.Conn.ServerPort) },
	"request":         func(x *Exchange) string { return x.RequestLine },
	"request_method":  func(x *Exchange) string { return x.Method },
	"request_uri":     func(x *Exchange) string { return x.RequestURI },
	"scheme":          func(x *Exchange) string { return x.Conn.Scheme() },
	"host":            func(x *Exchange) string { return x.Host },
	"status":          func(x *Exchange) string { return fmt.Sprintf("%03d", x.Status) },
	"bytes_sent":      func(x *Exchange) string { return strconv.FormatInt(x.Sent.Total, 10) },
	"body_bytes_sent": func(x *Exchange) string { return strconv.FormatInt(x.Sent.Body, 10) },
	"msec":            func(x *Exchange) string { return seconds(x.end().UnixMilli()) },
	"request_time":    func(x *Exchange) string { return seconds(x.end().UnixMilli() - x.Start.UnixMilli()) },

	"upstream_uri":           func(x *Exchange) string { return x.UpstreamURI },
	"upstream_addr":          (*Exchange).upstreamAddr,
	"upstream_status":        func(x *Exchange) string { return x.UpstreamStatus() },
	"upstream_header_time":   (*Exchange).upstreamHeader,
	"upstream_response_time": (*Exchange).upstreamTook,

	"gatehouse_retry_after":    (*Exchange).retryAfter,
	"gatehouse_service_sooner": (*Exchange).serviceSooner,

	// A map in our plugins' include file defines this one. The dev gateway reads no
	// maps, so that it is empty, as on a Kong without the file.
	"gatehouse_request": func(*Exchange) string { return "" },
}

// retryAfter is what the map of this name in deploy/kong makes of a response of the
// gateway's own that does not say so itself, in seconds.
func (x *Exchange) retryAfter() string {
	if x.RespHeader.Get("Retry-After") != "" || x.FromUpstream() {
		return ""
	}
	lastBrownout := x.RespHeader.Get("Sunset") != "" && x.RespHeader.Get("Cache-Control") == "no-store"
	switch {
	case x.Status == http.StatusServiceUnavailable && !lastBrownout:
		return "10"
	case x.Status == http.StatusBadGateway, x.Status == http.StatusGatewayTimeout:
		return "1"
	default:
		return ""
	}
}

// end is when the response was sent, or now.
func (x *Exchange) end() time.Time {
	if x.Times.End.IsZero() {
		return time.Now()
	}
	return x.Times.End
}

// seconds writes milliseconds as nginx does, as seconds.
func seconds(milliseconds int64) string {
	return fmt.Sprintf("%d.%03d", milliseconds/1000, milliseconds%1000)
}

// upstreamAddr is the target of each try.
func (x *Exchange) upstreamAddr() string {
	addresses := make([]string, len(x.Tries))
	for i, t := range x.Tries {
		addresses[i] = net.JoinHostPort(t.IP, strconv.Itoa(t.Port))
	}
	return strings.Join(addresses, ", ")
}

// upstreamHeader is the time until the header of each try, which only the last one may have.
func (x *Exchange) upstreamHeader() string {
	times := slices.Repeat([]string{"-"}, len(x.Upstream.Statuses))
	if n := len(times); n > 0 && x.Upstream.Header != nil {
		times[n-1] = seconds(x.Times.Header.UnixMilli() - x.Times.Balancer.UnixMilli())
	}
	return strings.Join(times, ", ")
}

// upstreamTook is the time that each try took.
func (x *Exchange) upstreamTook() string {
	times := make([]string, len(x.Upstream.Statuses))
	for i := range times {
		end := x.end().UnixMilli()
		if i+1 < len(x.Tries) {
			end = x.Tries[i+1].BalancerStart
		}
		times[i] = seconds(end - x.Tries[i].BalancerStart)
	}
	return strings.Join(times, ", ")
}
