package devgateway

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/balancer"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pdkserver"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/upstream"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// flow takes one request through Kong's phases (kong/init.lua and
// kong/runloop/handler.lua).
type flow struct {
	g    *Gateway
	snap *snapshot
	x    *exchange.Exchange
	w    *recorder
	r    *http.Request
	// filters and loggers are the plugins whose header filter and whose log phase run:
	// those of the access phase, or the global ones if it did not get that far.
	filters, loggers []*bound
}

func (g *Gateway) serveProxy(w http.ResponseWriter, r *http.Request) {
	serve(r)
	snap := g.current.Load()
	f := &flow{g: g, snap: snap, r: r, x: g.newExchange(snap, r), w: &recorder{ResponseWriter: w}}
	f.filters, f.loggers = snap.chain.global("header_filter"), snap.chain.global("log")
	defer f.log()
	if !f.refuse() {
		f.rewrite()
	}
	if f.x.Answer == nil {
		f.access()
	}
	if f.x.Answer != nil {
		f.answer()
		return
	}
	call := upstream.Call{
		X: f.x, Balancer: f.balancer(), Transports: &g.transports, LogError: f.logUpstream, Received: f.received, Failed: f.failed,
	}
	call.Serve(f.w, r)
}

// refuse answers what nginx does not take, and what the dev gateway does not support.
func (f *flow) refuse() bool {
	if f.r.Method == http.MethodTrace || f.r.Method == http.MethodConnect {
		f.x.ErrorPage(http.StatusMethodNotAllowed)
	} else if twice(f.r.Header) {
		f.x.ErrorPage(http.StatusBadRequest)
	} else if what := notSupported(f.r); what != "" {
		f.x.Exit(http.StatusNotImplemented, []byte("the dev gateway does not support "+what+"; `make up` runs Kong\n"),
			http.Header{"Content-Type": {"text/plain; charset=utf-8"}})
	}
	return f.x.Answer != nil
}

// once are headers that nginx takes in one line only (ngx_http_headers_in, with
// ngx_http_process_unique_header_line), but for those that net/http minds itself.
var once = []string{
	"Authorization", "Content-Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
}

// twice reports whether one of these is there more than once.
func twice(h http.Header) bool {
	return slices.ContainsFunc(once, func(name string) bool { return len(h[name]) > 1 })
}

// notSupported names what a request asks for and the dev gateway does not support.
func notSupported(r *http.Request) string {
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return "WebSockets"
	case !strings.HasPrefix(r.RequestURI, "/"):
		return "request targets that do not begin with a slash"
	default:
		return ""
	}
}

func (g *Gateway) newExchange(snap *snapshot, r *http.Request) *exchange.Exchange {
	x := exchange.New(snap.config)
	x.ErrorTemplate = g.errorBody
	x.ID = newRequestID()
	x.Start = time.Now()
	x.RequestLine = r.Method + " " + r.RequestURI + " " + r.Proto
	x.RequestURI = r.RequestURI
	x.HTTPVersion = float64(r.ProtoMajor) + float64(r.ProtoMinor)/10
	x.Method = r.Method
	_, x.Args, _ = strings.Cut(x.RequestURI, "?")
	x.Header = r.Header.Clone()
	x.Header["Host"] = []string{r.Host}
	x.HeadLength = exchange.HeadLength(x.RequestLine, x.Header)
	x.Host = hostWithoutPort(r.Host)
	x.Conn = connOf(r)
	x.Conn.RemoteAddr, x.Conn.Trusted = g.realIP.client(x.Conn.PeerAddr, r.Header)
	return x
}

func newRequestID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

func hostWithoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "" {
		return "kong" // nginx's server_name
	}
	return strings.ToLower(host)
}

func connOf(r *http.Request) exchange.Conn {
	c := exchange.Conn{TLS: r.TLS}
	if counted, ok := r.Context().Value(connNumber{}).(*connCount); ok {
		c.Number, c.Requests = counted.number, counted.requests.Add(1)
	}
	c.PeerAddr, c.RemotePort = splitAddr(r.RemoteAddr)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		c.ServerAddr, c.ServerPort = splitAddr(local.String())
	}
	return c
}

func splitAddr(addr string) (string, int) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, 0
	}
	n, _ := strconv.Atoi(port)
	return host, n
}

// rewrite runs the global plugins of the plugin server. An answer ends it.
func (f *flow) rewrite() {
	for _, b := range f.snap.chain.global("rewrite") {
		if err := f.event(b, "rewrite"); err != nil {
			f.pluginFailed(b, err)
		}
		if f.x.Answer != nil {
			return
		}
	}
}

// access routes the request and runs the plugins, until one answers. Those after
// it do not run, but their log phase will.
func (f *flow) access() {
	f.x.Phase = exchange.Access
	f.x.Copied = f.x.Header.Clone()
	if !f.route() {
		return
	}
	f.filters, f.loggers = nil, nil
	for _, name := range f.snap.chain.order {
		b := f.snap.chain.pick(name, f.x.Match.Route)
		if b == nil {
			continue
		}
		if b.handles("header_filter") {
			f.filters = append(f.filters, b)
		}
		if b.handles("log") {
			f.loggers = append(f.loggers, b)
		}
		if b.handles("access") && f.x.Answer == nil {
			f.runAccess(b)
		}
	}
	if f.x.Answer == nil {
		f.balance()
	}
}

// balance ends the access phase with the target of the first try.
func (f *flow) balance() {
	if f.x.Target = f.balancer().Pick(); f.x.Target == nil {
		f.x.Fail(http.StatusServiceUnavailable, "failure to get a peer from the ring-balancer", nil)
		return
	}
	var err error
	if f.x.Target, err = upstream.Resolve(f.r.Context(), f.x.Target); err != nil {
		f.logError("[kong] balancer: " + err.Error())
		f.x.Fail(http.StatusServiceUnavailable, "name resolution failed", nil)
		return
	}
	upstream.Prepare(f.x)
}

func (f *flow) balancer() *balancer.Balancer {
	return f.snap.balancers.Of(f.x.Service().Upstream.Name)
}

func (f *flow) runAccess(b *bound) {
	run := b.phases.access
	if run == nil {
		run = func(*exchange.Exchange) error { return f.event(b, "access") }
	}
	if err := run(f.x); err != nil {
		f.pluginFailed(b, err)
	}
}

// pluginFailed answers in the place of a plugin that failed. A failure of the plugin
// server is in the log already. What a plugin throws Kong catches in the access phase,
// and nginx in the rewrite phase.
func (f *flow) pluginFailed(b *bound, err error) {
	var server *kongtest.ServerError
	switch {
	case errors.As(err, &server):
		f.x.Fail(http.StatusInternalServerError, "", nil)
	case f.x.Phase == exchange.Rewrite:
		f.logError("rewrite_by_lua(nginx-kong.conf): " + err.Error())
		f.x.ErrorPage(http.StatusInternalServerError)
	default:
		f.logError("[kong] init.lua:406 [" + b.Name + "] " + err.Error())
		f.x.Unexpected = true
		f.x.Fail(http.StatusInternalServerError, "", nil)
	}
}

// event runs a phase of an external plugin on this request.
func (f *flow) event(b *bound, phase string) error {
	return f.handleEvent(b, phase, nil, requestContext)
}

// handleEvent runs a phase of an external plugin. saved is what a log event works on,
// and context is what nginx adds to error lines.
func (f *flow) handleEvent(b *bound, phase string, saved *exchange.Saved, context func(*exchange.Exchange) nginxlog.Context) error {
	log := func(s nginxlog.Severity, msg string) { f.g.logs.errors.Log(s, msg, context(f.x)) }
	return f.g.plugins.HandleEvent(pluginclient.Event{
		Plugin: *b.remote,
		Phase:  phase,
		PDK:    &pdkserver.Session{X: f.x, Saved: saved, Log: log},
		Log: func(s nginxlog.Severity, source, msg string) {
			log(s, "[kong] "+source+" ["+b.Name+"] "+msg)
		},
	})
}

func (f *flow) logError(msg string) { f.g.logs.errors.Log(nginxlog.Err, msg, requestContext(f.x)) }

// logUpstream writes nginx's error line about an upstream.
func (f *flow) logUpstream(msg, upstream string) {
	c := requestContext(f.x)
	c.Upstream = upstream
	f.g.logs.errors.Log(nginxlog.Err, msg, c)
}

// route finds the route, and prepares what the upstream gets to know.
func (f *flow) route() bool {
	x := f.x
	x.Match = f.snap.router.Match(router.Request{Method: x.Method, URI: x.RequestURI, Header: x.Header})
	if x.Match == nil {
		x.Fail(http.StatusNotFound, "no Route matched with those values", nil)
		return false
	}
	upstream.Route(x)
	return true
}
