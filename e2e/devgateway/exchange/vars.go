package exchange

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
)

// Var is an nginx variable by its name without "$", and whether it has a value.
// It knows nginx's common ones and those that Kong sets, not those of a map.
func (x *Exchange) Var(name string) (string, bool) {
	name = strings.ToLower(name)
	for _, family := range []struct {
		prefix string
		get    func(string) (string, bool)
	}{
		{"http_", func(n string) (string, bool) { return some(joined(n, values(x.Header, n))) }},
		{"arg_", x.arg},
		{"cookie_", x.cookie},
		{"sent_http_", func(n string) (string, bool) { return some(first(x.RespHeader, n)) }},
		{"upstream_http_", func(n string) (string, bool) { return some(first(x.Upstream.Header, n)) }},
	} {
		if rest, ok := strings.CutPrefix(name, family.prefix); ok {
			return family.get(rest)
		}
	}
	if v, ok := x.requestVars()[name]; ok {
		return some(v)
	}
	return some(x.responseVars()[name])
}

// joined is how nginx writes several headers of one name.
func joined(name string, vals []string) string {
	if name == "cookie" {
		return strings.Join(vals, "; ")
	}
	return strings.Join(vals, ", ")
}

// some says that an empty variable has no value: nginx logs it as "-".
func some(v string) (string, bool) { return v, v != "" }

func (x *Exchange) requestVars() map[string]string {
	port := strconv.Itoa(x.Conn.ServerPort)
	return map[string]string{
		"request_id":         x.ID,
		"kong_request_id":    x.ID,
		"remote_addr":        x.Conn.RemoteAddr,
		"realip_remote_addr": x.Conn.RemoteAddr,
		"remote_port":        strconv.Itoa(x.Conn.RemotePort),
		"realip_remote_port": strconv.Itoa(x.Conn.RemotePort),
		"server_addr":        x.Conn.ServerAddr,
		"server_port":        port,
		"server_name":        "kong",
		"server_protocol":    x.RequestLine[strings.LastIndexByte(x.RequestLine, ' ')+1:],
		"connection":         strconv.FormatUint(x.Conn.Number, 10),
		"request":            x.RequestLine,
		"request_method":     x.Method,
		"request_uri":        x.RequestURI,
		"request_length":     strconv.FormatInt(x.requestLength(), 10),
		"uri":                uri.Normalize(uri.WithoutQuery(x.RequestURI)),
		"document_uri":       uri.Normalize(uri.WithoutQuery(x.RequestURI)),
		"args":               x.Args,
		"query_string":       x.Args,
		"is_args":            map[bool]string{true: "?"}[x.Args != ""],
		"scheme":             "http",
		"host":               x.Host,
		"content_type":       first(x.Header, "Content-Type"),
		"content_length":     first(x.Header, "Content-Length"),
		"pid":                strconv.Itoa(os.Getpid()),
		"kong_proxy_mode":    "http",
	}
}

func (x *Exchange) responseVars() map[string]string {
	end := x.Times.End
	if end.IsZero() {
		end = time.Now()
	}
	return map[string]string{
		"status":                      fmt.Sprintf("%03d", x.Status),
		"bytes_sent":                  strconv.FormatInt(x.Sent.Total, 10),
		"body_bytes_sent":             strconv.FormatInt(x.Sent.Body, 10),
		"request_time":                seconds(end.UnixMilli() - x.Start.UnixMilli()),
		"msec":                        seconds(end.UnixMilli()),
		"time_local":                  end.Format("02/Jan/2006:15:04:05 -0700"),
		"time_iso8601":                end.Format("2006-01-02T15:04:05-07:00"),
		"upstream_status":             x.UpstreamStatus(),
		"upstream_header_time":        x.upstreamTimes("-", x.Times.Header),
		"upstream_response_time":      x.upstreamTimes("0.000", end),
		"upstream_addr":               x.upstreamAddr(),
		"upstream_scheme":             x.UpstreamScheme,
		"upstream_uri":                x.UpstreamURI,
		"upstream_host":               x.UpstreamHost,
		"upstream_x_forwarded_for":    x.Forwarded.For,
		"upstream_x_forwarded_proto":  x.Forwarded.Proto,
		"upstream_x_forwarded_host":   x.Forwarded.Host,
		"upstream_x_forwarded_port":   x.Forwarded.Port,
		"upstream_x_forwarded_path":   x.Forwarded.Path,
		"upstream_x_forwarded_prefix": x.Forwarded.Prefix,
	}
}

// seconds writes milliseconds as nginx does, as seconds.
func seconds(milliseconds int64) string {
	return fmt.Sprintf("%d.%03d", milliseconds/1000, milliseconds%1000)
}

// upstreamTimes is a time of each try: failed for those without an answer, until
// for the last one if it has one.
func (x *Exchange) upstreamTimes(failed string, until time.Time) string {
	times := slices.Repeat([]string{failed}, len(x.Upstream.Statuses))
	if n := len(times); n > 0 && x.Upstream.Header != nil {
		times[n-1] = seconds(until.UnixMilli() - x.Times.Balancer.UnixMilli())
	}
	return strings.Join(times, ", ")
}

func (x *Exchange) upstreamAddr() string {
	if x.Balancer == nil {
		return ""
	}
	addrs := make([]string, len(x.Balancer.Tries))
	for i, try := range x.Balancer.Tries {
		addrs[i] = fmt.Sprintf("%s:%d", try.IP, try.Port)
	}
	return strings.Join(addrs, ", ")
}

// arg is the raw value of a query argument, the first of that name.
func (x *Exchange) arg(name string) (string, bool) {
	for part := range strings.SplitSeq(x.Args, "&") {
		key, value, found := strings.Cut(part, "=")
		if found && strings.EqualFold(key, name) {
			return some(value)
		}
	}
	return "", false
}

func (x *Exchange) cookie(name string) (string, bool) {
	header, _ := x.RequestHeader("Cookie")
	for part := range strings.SplitSeq(header, ";") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if found && strings.EqualFold(key, name) {
			return some(value)
		}
	}
	return "", false
}
