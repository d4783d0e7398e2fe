package devgateway

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
)

// prepare sets what the upstream will see of the request, before the plugins
// run: they may change it.
func (f *flow) prepare(host string) {
	x := f.x
	s := x.Service()
	x.Balancer = &exchange.Balancer{
		Retries: 5, ConnectTimeout: time.Minute, WriteTimeout: time.Minute, ReadTimeout: time.Minute,
	}
	if s != nil {
		_, err := netip.ParseAddr(s.Host)
		x.Balancer = &exchange.Balancer{
			HostIsIP: err == nil, Host: s.Host, Port: s.Port, Retries: s.Retries,
			ConnectTimeout: time.Duration(s.ConnectTimeout) * time.Millisecond,
			WriteTimeout:   time.Duration(s.WriteTimeout) * time.Millisecond,
			ReadTimeout:    time.Duration(s.ReadTimeout) * time.Millisecond,
		}
		x.UpstreamScheme = s.Protocol
	}
	x.UpstreamURI = x.Match.Escaped()
	if x.Route().PreserveHost {
		x.UpstreamHost = host
	}
	x.Forwarded = exchange.Forwarded{
		For:    x.Conn.RemoteAddr,
		Proto:  "http",
		Host:   x.Host,
		Port:   strconv.Itoa(x.Conn.ServerPort),
		Path:   uri.WithoutQuery(x.RequestURI),
		Prefix: x.Match.Prefix,
	}
	if earlier, ok := x.RequestHeader("X-Forwarded-For"); ok {
		x.Forwarded.For = earlier + ", " + x.Conn.RemoteAddr
	}
	if x.Forwarded.Prefix == "/" {
		x.Forwarded.Prefix = ""
	}
}

// target ends the access phase: it fixes the URI, picks the first peer and
// removes the headers that are between the client and the gateway only.
func (f *flow) target() {
	x := f.x
	if x.Args != "" || strings.HasSuffix(x.RequestURI, "?") {
		x.UpstreamURI += "?" + x.Args
	}
	f.preserveHost = x.UpstreamHost != ""
	first, err := f.snap.peer(f.r.Context(), f.g.resolver, x.Balancer)
	var failed *balancerError
	if errors.As(err, &failed) {
		x.Fail(failed.status, failed.message, nil)
		return
	}
	if err != nil {
		x.Fail(http.StatusInternalServerError, err.Error(), nil)
		return
	}
	f.first = first
	f.setUpstreamHost(first)
	f.clearHopByHop()
	x.Proxied = true
}

// setUpstreamHost makes the Host header of a peer's name, and its port unless
// that is the scheme's own.
func (f *flow) setUpstreamHost(p peer) {
	if f.preserveHost {
		return
	}
	f.x.UpstreamHost = p.name
	own := map[string]int{"http": 80, "https": 443}[f.x.UpstreamScheme]
	if p.port != own {
		f.x.UpstreamHost += ":" + strconv.Itoa(p.port)
	}
}

func (f *flow) clearHopByHop() {
	x := f.x
	if connection, _ := x.RequestHeader("Connection"); !slices.Contains([]string{"keep-alive", "close", "upgrade"}, connection) {
		for name := range strings.SplitSeq(connection, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if name != "" && (name != "upgrade" || !f.upgrades()) {
				x.ClearRequestHeader(name)
			}
		}
	}
	for _, name := range []string{"Proxy", "Proxy-Connection"} {
		x.ClearRequestHeader(name)
	}
}

// upgrades tells whether the client asks for a WebSocket.
func (f *flow) upgrades() bool {
	upgrade, _ := f.x.RequestHeader("Upgrade")
	return strings.EqualFold(upgrade, "websocket")
}

// upstreamHeader is the header of the request for the upstream: the client's, as
// plugins left it, and what nginx sets (proxy_set_header in nginx_kong.lua).
func (f *flow) upstreamHeader() http.Header {
	x := f.x
	h := x.Header.Clone()
	for _, name := range []string{"Host", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Expect"} {
		h.Del(name)
	}
	via := strconv.FormatFloat(x.HTTPVersion, 'g', -1, 64) + " " + exchange.ServerTokens
	if earlier, ok := x.RequestHeader("Via"); ok {
		via = earlier + ", " + via
	}
	set := map[string]string{
		"Te":                 f.te(),
		"Via":                via,
		"Upgrade":            "",
		"Connection":         "keep-alive",
		"X-Forwarded-For":    x.Forwarded.For,
		"X-Forwarded-Proto":  x.Forwarded.Proto,
		"X-Forwarded-Host":   x.Forwarded.Host,
		"X-Forwarded-Port":   x.Forwarded.Port,
		"X-Forwarded-Path":   x.Forwarded.Path,
		"X-Forwarded-Prefix": x.Forwarded.Prefix,
		"X-Real-Ip":          x.Conn.RemoteAddr,
		"X-Kong-Request-Id":  x.ID,
	}
	if f.upgrades() {
		set["Connection"], set["Upgrade"] = "keep-alive, Upgrade", "websocket"
	}
	for name, value := range set {
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

// te passes "trailers" on, and nothing else of a TE header.
func (f *flow) te() string {
	te, _ := f.x.RequestHeader("Te")
	for word := range strings.SplitSeq(te, ",") {
		if strings.TrimSpace(word) == "trailers" {
			return "trailers"
		}
	}
	return ""
}
