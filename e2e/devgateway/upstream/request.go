package upstream

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

// Route sets what the upstream will see of a request whose route is found, before
// the plugins run: they may change it.
func Route(x *exchange.Exchange) {
	x.UpstreamURI = x.Match.UpstreamURI
	x.ForwardedFor = x.Conn.RemoteAddr
	if earlier, ok := x.RequestHeader("X-Forwarded-For"); ok {
		x.ForwardedFor = earlier + ", " + x.Conn.PeerAddr
	}
}

// Prepare ends the access phase: it fixes the URI, and removes the
// headers that are between the client and the gateway only.
func Prepare(x *exchange.Exchange) {
	if x.Args != "" || strings.HasSuffix(x.RequestURI, "?") {
		x.UpstreamURI += "?" + x.Args
	}
	clearHopByHop(x)
	x.Proxied = true
}

// retarget points a request at its target: the address, and the Host header unless a
// plugin has set one.
func retarget(x *exchange.Exchange, out *http.Request) {
	out.URL, out.Host = upstreamURL(x), x.UpstreamHost
	if out.Host == "" {
		out.Host = host(x.Service().Protocol, x.Target)
	}
}

// host is a Host header: the upstream's, or the target's, without the port if that is the
// scheme's own.
func host(scheme string, t *config.Target) string {
	own := map[string]int{"http": 80, "https": 443}[scheme]
	switch {
	case t.HostHeader != "":
		return t.HostHeader
	case t.Port == own:
		return t.Host
	default:
		return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
	}
}

func clearHopByHop(x *exchange.Exchange) {
	if connection := x.Copied.Get("Connection"); !slices.Contains([]string{"keep-alive", "close", "upgrade"}, connection) {
		for name := range strings.SplitSeq(connection, ",") {
			if name = strings.TrimSpace(name); name != "" {
				x.ClearRequestHeader(name)
			}
		}
	}
	for _, name := range []string{"Proxy", "Proxy-Connection"} {
		x.ClearRequestHeader(name)
	}
}

// address is where the target listens.
func address(x *exchange.Exchange) string {
	t := x.Target
	return net.JoinHostPort(t.IP, strconv.Itoa(t.Port))
}

// upstreamURL keeps the bytes of the URI: it is escaped already.
func upstreamURL(x *exchange.Exchange) *url.URL {
	u := &url.URL{Scheme: x.Service().Protocol, Host: address(x)}
	path, query, hasQuery := strings.Cut(x.UpstreamURI, "?")
	u.RawQuery, u.ForceQuery = query, hasQuery
	if strings.HasPrefix(path, "//") {
		u.Path, u.RawPath = path, path
	} else {
		u.Opaque = path
	}
	return u
}

// requestHeader is the header of the request for the upstream: the client's, as
// plugins left it, and what nginx sets (proxy_set_header in nginx_kong.lua).
func requestHeader(x *exchange.Exchange) http.Header {
	h := x.Header.Clone()
	for _, name := range []string{"Host", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Expect", "Upgrade"} {
		h.Del(name)
	}
	via := strconv.FormatFloat(x.HTTPVersion, 'g', -1, 64) + " " + exchange.ServerTokens
	if earlier, ok := x.RequestHeader("Via"); ok {
		via = earlier + ", " + via
	}
	for name, value := range map[string]string{
		"Te":                 trailers(x),
		"Via":                via,
		"Connection":         "keep-alive",
		"X-Forwarded-For":    x.ForwardedFor,
		"X-Forwarded-Proto":  forwarded(x, "Proto", x.Conn.Scheme()),
		"X-Forwarded-Host":   forwarded(x, "Host", x.Host),
		"X-Forwarded-Port":   forwarded(x, "Port", strconv.Itoa(x.Conn.ServerPort)),
		"X-Forwarded-Path":   forwarded(x, "Path", router.WithoutQuery(x.RequestURI)),
		"X-Forwarded-Prefix": forwarded(x, "Prefix", forwardedPrefix(x)),
		"X-Real-Ip":          x.Conn.RemoteAddr,
		"X-Kong-Request-Id":  x.ID,
	} {
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
	}
	if _, given := h["User-Agent"]; !given {
		h["User-Agent"] = nil // or net/http adds its own
	}
	return h
}

// forwarded is a header of the X-Forwarded family: what a trusted peer says, else what
// the gateway itself knows.
func forwarded(x *exchange.Exchange, what, own string) string {
	if given, ok := x.RequestHeader("X-Forwarded-" + what); ok && x.Conn.Trusted {
		return given
	}
	return own
}

func forwardedPrefix(x *exchange.Exchange) string {
	if x.Match.Prefix == "/" {
		return ""
	}
	return x.Match.Prefix
}

// trailers passes that word on, and nothing else of a TE header.
func trailers(x *exchange.Exchange) string {
	te, _ := x.RequestHeader("Te")
	for word := range strings.SplitSeq(te, ",") {
		if strings.TrimSpace(word) == "trailers" {
			return "trailers"
		}
	}
	return ""
}
