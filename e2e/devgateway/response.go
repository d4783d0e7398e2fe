package devgateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// answer sends what the gateway answers itself.
func (f *flow) answer() {
	f.x.ApplyAnswer()
	f.headerFilter()
	h := f.w.Header()
	for name, vals := range f.x.RespHeader {
		h[name] = vals
	}
	if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil // or net/http guesses one
	}
	f.w.WriteHeader(f.x.Status)
	_, _ = f.w.Write(f.x.Answer.Body) // the client may be gone
}

// headerFilter adds Kong's own headers to the response
// (header_filter in kong/runloop/handler.lua).
func (f *flow) headerFilter() {
	x := f.x
	x.Phase = exchange.HeaderFilter
	x.Times.Header = time.Now()
	f.markLastTry()
	if f.g.useSooner {
		x.UseSooner()
	}
	f.filter()
	set := func(name string, n int64) { x.RespHeader[name] = []string{strconv.FormatInt(n, 10)} }
	if x.Proxied {
		set("X-Kong-Upstream-Latency", x.UpstreamLatency())
		set("X-Kong-Proxy-Latency", x.ProxyLatency())
		via := "1.1 " + exchange.ServerTokens
		if earlier := x.Upstream.Header.Get("Via"); earlier != "" {
			via = earlier + ", " + via
		}
		x.RespHeader["Via"] = []string{via}
		if x.RespHeader.Get("Server") == "" {
			x.RespHeader["Server"] = []string{exchange.ServerTokens}
		}
	} else {
		set("X-Kong-Response-Latency", x.ResponseLatency())
		x.RespHeader["Server"] = []string{exchange.ServerTokens}
	}
	x.RespHeader["X-Kong-Request-Id"] = []string{x.ID}
	f.g.addHeader.addTo(x.RespHeader, x)
	if x.RespHeader.Get("Connection") == "" {
		x.RespHeader["Connection"] = []string{"keep-alive"}
	}
}

// filter runs the plugins' header filters. Where one fails, nginx goes on without it.
func (f *flow) filter() {
	for _, b := range f.filters {
		if err := b.phases.headerFilter(f.x); err != nil {
			f.logError("failed to run header_filter_by_lua*: " + err.Error())
		}
	}
}

// markLastTry notes that the last of all tries failed.
func (f *flow) markLastTry() {
	tries := f.x.Tries
	if len(tries) == 0 || f.x.Status < 500 || len(tries) <= f.x.Service().Retries {
		return
	}
	last := tries[len(tries)-1]
	last.State, last.Code = "failed", f.x.Status
}

// received turns the upstream's response into the client's.
func (f *flow) received(res *http.Response) http.Header {
	f.x.Upstream.Header = res.Header.Clone()
	f.x.Status = res.StatusCode
	f.mergeUpstreamHeader(res.Header)
	f.headerFilter()
	f.g.gzip.compress(f.r, res, f.x.RespHeader)
	return f.x.RespHeader
}

// failed answers where the upstream did not.
func (f *flow) failed(status int) {
	f.x.ErrorPage(status)
	f.answer()
}

// mergeUpstreamHeader adds the upstream's headers to those that plugins set in the access
// phase. A header that both set is sent twice, but for the few that nginx keeps once.
func (f *flow) mergeUpstreamHeader(upstream http.Header) {
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if upstream.Get(name) != "" {
			f.x.RespHeader.Del(name)
		}
	}
	for name, vals := range upstream {
		if name != "Trailer" && !strings.HasPrefix(name, "X-Accel-") && name != "X-Pad" && !strings.EqualFold(name, f.g.opts.HideHeader) {
			f.x.RespHeader[name] = append(f.x.RespHeader[name], vals...)
		}
	}
	addCharset(f.x.RespHeader)
}

// addCharset does what nginx's "charset UTF-8" does, which Kong sets: it adds the charset
// to the types of text, where it is missing.
func addCharset(h http.Header) {
	switch h.Get("Content-Type") {
	case "text/html", "text/xml", "text/plain", "text/vnd.wap.wml", "application/javascript", "application/rss+xml":
		h.Set("Content-Type", h.Get("Content-Type")+"; charset=UTF-8")
	}
}

// log ends the request: the access line, and the log phase of the plugins, each
// on its own copy after the request is over.
func (f *flow) log() {
	aborted := recover()
	x := f.x
	if x.Status == 0 {
		x.Status = f.w.status
	}
	x.Times.End = time.Now()
	x.Sent = exchange.Sent{Total: f.w.head + f.w.body, Body: f.w.body}
	f.g.logs.access.Line(nginxlog.Info, f.g.logs.format.Line(func(name string) string {
		v, _ := x.Var(name) // every name in the format is known
		return v
	}))
	x.Phase = exchange.Log
	for _, b := range f.loggers {
		f.startLogEvent(b)
	}
	if aborted != nil {
		panic(aborted) // net/http's way to break off a response
	}
}

func (f *flow) startLogEvent(b *bound) {
	saved, err := f.x.Save()
	if err != nil {
		f.logError("failed to run log_by_lua*: " + err.Error())
		return
	}
	f.g.logEvents.Go(func() {
		err := f.handleEvent(b, "log", saved, timerContext)
		if err != nil {
			f.g.logs.errors.Log(nginxlog.Err, "lua entry thread aborted: runtime error: "+err.Error(), timerContext(f.x))
		}
	})
}

// recorder counts what is sent.
type recorder struct {
	http.ResponseWriter
	status int
	head   int64
	body   int64
}

// WriteHeader counts the bytes of the header as HTTP/1.1 has them.
func (r *recorder) WriteHeader(status int) {
	if status >= 200 {
		r.status = status
		r.head = int64(len("HTTP/1.1 200 ") + len(http.StatusText(status)) + 4)
		for name, vals := range r.Header() {
			for _, v := range vals {
				r.head += int64(len(name) + len(v) + 4)
			}
		}
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.body += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController the real writer, for flushing.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
