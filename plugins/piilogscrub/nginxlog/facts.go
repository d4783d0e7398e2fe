package nginxlog

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// FormatName is the name of the log_format that [Include] defines.
const FormatName = "gatehouse"

// factsVersion begins a line of that format. It changes with the list of
// variables, so that a line of another release is not taken for one of this.
const factsVersion = "gatehouse/4"

// fact is a part of a line.
type fact int

// The parts of a line, in its order. $remote_user is not among them: a client may
// have it hold anything, a line feed included, and no log has it anyway.
const (
	factEnd            fact = iota // when the request ended, seconds since 1970
	factTook                       // seconds from its first byte to its end
	factStatus                     // of the response
	factSent                       // bytes of the response
	factBody                       // bytes of its body
	factClient                     // the client's address, by Kong's real_ip settings
	factScheme                     // http or https
	factRequest                    // the request line
	factReferrer                   // of the request's headers
	factAgent                      // of the request's headers
	factID                         // Kong's id of the request
	factUpstreamAddr               // a list, one for each try: address and port
	factUpstreamStatus             // likewise
	factUpstreamHeader             // seconds until the response's headers, likewise
	factUpstreamTook               // seconds until its end, likewise
	factHost                       // the requested host, in lower case
	factPort                       // the port that the request came in on
	factTrace                      // the trace id that the client was told
	factSooner                     // the headers of which a service's date was the earlier
	factCount
)

var factVariables = [factCount]string{
	factEnd:            "msec",
	factTook:           "request_time",
	factStatus:         "status",
	factSent:           "bytes_sent",
	factBody:           "body_bytes_sent",
	factClient:         "remote_addr",
	factScheme:         "scheme",
	factRequest:        shortened("request"),
	factReferrer:       shortened("http_referer"),
	factAgent:          shortened("http_user_agent"),
	factID:             "kong_request_id",
	factUpstreamAddr:   "upstream_addr",
	factUpstreamStatus: "upstream_status",
	factUpstreamHeader: "upstream_header_time",
	factUpstreamTook:   "upstream_response_time",
	factHost:           "host",
	factPort:           "server_port",
	factTrace:          "sent_http_x_trace_id",
	factSooner:         "gatehouse_service_sooner",
}

// Include is the nginx configuration that defines the log_format, for the http
// block of a Kong (KONG_NGINX_HTTP_INCLUDE). It needs deploy/kong/gatehouse-sunset.conf
// beside it, which defines the last part.
func Include() string {
	var parts strings.Builder
	for _, name := range factVariables {
		fmt.Fprintf(&parts, "\n    '\\n$%s'", name)
	}
	return fmt.Sprintf(include, FormatName, factsVersion, parts.String()) + maps()
}

// Longest is how much of a text that a client wrote is in a line, in bytes: the kernel
// holds few long datagrams of one sender, and refuses it the next. What is as long was cut,
// and is dropped.
const Longest = 2048

func cut(text []byte) bool { return len(text) >= Longest }

// shortPrefix begins the name of a variable that has the first bytes of another.
const shortPrefix = "gatehouse_short_"

func shortened(variable string) string { return shortPrefix + variable }

// Shortened returns the variable of which another has the first [Longest] bytes, if it is
// one of those that [Include] defines.
func Shortened(name string) (of string, ok bool) { return strings.CutPrefix(name, shortPrefix) }

const shortener = `map $%[1]s $%[2]s {
    default $%[1]s;
    "~^(?<gatehouse_cut_%[1]s>[\s\S]{%[3]d})" $gatehouse_cut_%[1]s;
}
`

// maps define the variables that are shortened.
func maps() string {
	var text strings.Builder
	for _, variable := range []string{"request", "http_referer", "http_user_agent"} {
		fmt.Fprintf(&text, shortener, variable, shortened(variable), Longest)
	}
	return text.String()
}

const include = `# What the plugin gatehouse needs to know of a request that is over, so that it
# need not be called for it: a log event costs a worker some 85 microseconds.
# Kong writes it to the plugin server with
#
#   KONG_PROXY_ACCESS_LOG="syslog:server=unix:/path,nohostname gatehouse"
#
# It needs gatehouse-sunset.conf, which defines its last part.
log_format %s escape=none
    '%s'%s;
`

// facts are the parts of a line. They share its memory.
type facts [factCount][]byte

// parseFacts takes a line apart, and reports whether it is of the format. A line
// with a part too few or too many is not: one part could pass for the next.
func parseFacts(line []byte) (f facts, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(factsVersion+"\n"))
	if !ok || bytes.Count(rest, []byte("\n")) != len(f)-1 {
		return f, false
	}
	for i := range f {
		f[i], rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	return f, true
}

// end is when the request ended.
func (f *facts) end() time.Time {
	return time.UnixMilli(int64(seconds(f[factEnd]) * 1000)).UTC()
}

// record is the request, as far as nginx knows it: who was asking, and which
// route it took, is Kong's to know.
func (f *facts) record() *kongrecord.Record {
	r := new(kongrecord.Record)
	r.Request.ID = string(f[factID])
	r.Request.Method, r.Request.URI, r.Request.Protocol = requestLine(f[factRequest])
	if cut(f[factRequest]) {
		r.Request.URI, r.Request.Protocol = scrub.Dropped.Marker(), ""
	}
	r.Request.TLS = string(f[factScheme]) == "https"
	r.Request.Host = string(f[factHost])
	r.Request.Port, _ = strconv.Atoi(string(f[factPort]))
	if r.Request.UserAgent = string(f[factAgent]); cut(f[factAgent]) {
		r.Request.UserAgent = scrub.Dropped.Marker()
	}
	r.Response.Status, _ = strconv.Atoi(string(f[factStatus]))
	r.Response.Size = seconds(f[factSent])
	took := seconds(f[factTook]) * 1000
	r.StartedAt = seconds(f[factEnd])*1000 - took
	r.ClientIP = string(f[factClient])
	r.Tries = f.tries()
	upstream, _ := sum(f[factUpstreamTook])
	header, answered := sum(f[factUpstreamHeader])
	r.Latencies = kongrecord.Latencies{Request: took, Kong: max(took-upstream*1000, 0), Proxy: -1}
	r.Source = "kong"
	if id := string(f[factTrace]); tracePattern.MatchString(id) {
		r.TraceID = id
	}
	if answered > 0 {
		r.Latencies.Proxy = header * 1000
	}
	if isNumber(last(f[factUpstreamHeader])) && last(f[factUpstreamStatus]) == string(f[factStatus]) {
		r.Source = "upstream"
	}
	return r
}

// tracePattern is a trace id. What a service has put beside it makes it none.
var tracePattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// requestLine is the method, the target and the protocol of a request line, which a
// client may have written in any way.
func requestLine(line []byte) (method, target, protocol string) {
	first, rest, _ := bytes.Cut(line, []byte(" "))
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 {
		rest, protocol = rest[:i], string(rest[i+1:])
	}
	return string(first), string(rest), protocol
}

// seconds is a number of nginx's, 0 where there is none.
func seconds(text []byte) float64 {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0
	}
	return n
}

// tries are how an upstream was tried. Where none could be chosen, nginx has a name in
// the place of an address, and there was no try.
func (f *facts) tries() []kongrecord.Try {
	addresses, statuses := elements(f[factUpstreamAddr]), elements(f[factUpstreamStatus])
	headers, took := elements(f[factUpstreamHeader]), elements(f[factUpstreamTook])
	var tries []kongrecord.Try
	for i, address := range addresses {
		t := kongrecord.Try{Took: -1, Answered: isNumber(at(headers, i))}
		if n := at(took, i); isNumber(n) {
			t.Took = seconds([]byte(n)) * 1000
		}
		t.Status, _ = strconv.Atoi(at(statuses, i))
		if strings.HasPrefix(address, "unix:") {
			t.Address = address
		} else if peer, err := netip.ParseAddrPort(address); err == nil {
			t.Address, t.Port = peer.Addr().String(), int(peer.Port())
		} else {
			continue
		}
		tries = append(tries, t)
	}
	return tries
}

func elements(list []byte) []string { return kongrecord.Elements(string(list)) }

func at(list []string, i int) string {
	if i >= 0 && i < len(list) {
		return list[i]
	}
	return ""
}

// sum adds the numbers of a list up and counts them.
func sum(list []byte) (total float64, count int) {
	for _, text := range elements(list) {
		if isNumber(text) {
			total += seconds([]byte(text))
			count++
		}
	}
	return total, count
}

func last(list []byte) string {
	all := elements(list)
	return at(all, len(all)-1)
}

func isNumber(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }
