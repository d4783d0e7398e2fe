package devgateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// statusClientClosed is nginx's status for a client that went away.
const statusClientClosed = 499

// proxy sends the request upstream and its response back, as it comes.
func (f *flow) proxy() {
	if f.x.Route().RequestBuffering {
		if _, err := f.x.Body.Read(); err != nil {
			f.x.Status = statusClientClosed
			return
		}
	}
	p := &httputil.ReverseProxy{
		Rewrite:        f.rewriteRequest,
		Transport:      f,
		ModifyResponse: f.received,
		FlushInterval:  -1, // pass on every piece as it comes
		ErrorHandler:   f.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // watchedBody says it in nginx's words
	}
	p.ServeHTTP(f.w, f.r)
}

// rewriteRequest makes the request for the upstream. RoundTrip adds the address.
func (f *flow) rewriteRequest(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.Method = f.x.Method
	out.URL = upstreamURL(f.x)
	out.Host = f.x.UpstreamHost
	out.Header = f.upstreamHeader()
	out.TransferEncoding = nil
	if !f.x.Body.Known() {
		out.Body = io.NopCloser(f.x.Body.Stream())
		out.ContentLength = f.r.ContentLength
		return
	}
	data, _ := f.x.Body.Read() // it is in memory
	out.ContentLength = int64(len(data))
	out.GetBody = func() (io.ReadCloser, error) {
		if len(data) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	out.Body, _ = out.GetBody()
}

// upstreamURL keeps the bytes of the URI: it is escaped already.
func upstreamURL(x *exchange.Exchange) *url.URL {
	u := &url.URL{Scheme: x.UpstreamScheme}
	path, query, hasQuery := strings.Cut(x.UpstreamURI, "?")
	u.RawQuery, u.ForceQuery = query, hasQuery
	if strings.HasPrefix(path, "//") {
		u.Path, u.RawPath = path, path
	} else {
		u.Opaque = path
	}
	return u
}

// RoundTrip tries the upstream until a try gets an answer, or no more are
// allowed: nginx's proxy_next_upstream "error timeout".
func (f *flow) RoundTrip(req *http.Request) (*http.Response, error) {
	b := f.x.Balancer
	next := f.first
	for {
		res, failure := f.try(req, next)
		if failure == nil {
			f.x.Upstream.Statuses = append(f.x.Upstream.Statuses, res.StatusCode)
			return res, nil
		}
		f.x.Upstream.Statuses = append(f.x.Upstream.Statuses, failure.status)
		if len(b.Tries) > b.Retries || !failure.retriable(req) {
			return nil, failure
		}
		last := b.Tries[len(b.Tries)-1]
		last.State, last.Code = "failed", failure.status
		var err error
		if next, err = f.snap.peer(req.Context(), f.g.resolver, b); err != nil {
			f.logError("failed to retry the dns/balancer resolver for " + b.Host + "' with: " + err.Error())
			return nil, &tryError{status: statusOf(err), sent: true, err: err}
		}
		f.setUpstreamHost(next)
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, failure
			}
		}
	}
}

func statusOf(err error) int {
	var failed *balancerError
	if errors.As(err, &failed) {
		return failed.status
	}
	return http.StatusInternalServerError
}

// try sends the request to one peer.
func (f *flow) try(req *http.Request, to peer) (*http.Response, *tryError) {
	start := time.Now()
	addr := net.JoinHostPort(to.ip, strconv.Itoa(to.port))
	t := &exchange.Try{BalancerStart: start.UnixMilli(), BalancerStartNS: start.UnixNano(), IP: to.ip, Port: to.port}
	f.x.Balancer.Tries = append(f.x.Balancer.Tries, t)
	out := req.Clone(withoutRepeat(req.Context()))
	out.URL.Host, out.Host = addr, f.x.UpstreamHost
	f.x.Times.Balancer = time.Now()
	t.BalancerLatency = f.x.Times.Balancer.UnixMilli() - t.BalancerStart
	t.BalancerLatencyNS = f.x.Times.Balancer.UnixNano() - t.BalancerStartNS
	res, err := f.g.transports.get(f.x.Balancer, f.x.UpstreamHost).RoundTrip(out)
	if err == nil {
		if res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil // its body is the connection
		}
		// A copy, to which http.Transport adds no trailers: nginx passes none on.
		passed := *res
		passed.Body, passed.Trailer = &watchedBody{ReadCloser: res.Body, f: f}, nil
		return &passed, nil
	}
	failure := classify(err)
	if !errors.Is(err, context.Canceled) {
		f.logUpstream(failure.message)
	}
	return nil, failure
}

// logUpstream writes nginx's error line about the upstream of the last try.
func (f *flow) logUpstream(msg string) {
	c := requestContext(f.x)
	tries := f.x.Balancer.Tries
	last := tries[len(tries)-1]
	addr := net.JoinHostPort(last.IP, strconv.Itoa(last.Port))
	c.Upstream = f.x.UpstreamScheme + "://" + addr + f.x.UpstreamURI
	f.g.logs.errors.Log(nginxlog.Err, msg, c)
}

// received turns the upstream's response into the client's.
func (f *flow) received(res *http.Response) error {
	f.x.Upstream.Header = res.Header.Clone()
	f.x.Status = res.StatusCode
	f.mergeUpstreamHeader(res.Header)
	f.headerFilter()
	for name := range res.Header {
		delete(res.Header, name)
	}
	for name, vals := range f.x.RespHeader {
		res.Header[name] = vals
	}
	return nil
}

// failed answers in the upstream's place.
func (f *flow) failed(_ http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		f.x.Status = statusClientClosed
		return
	}
	status := http.StatusBadGateway
	var failure *tryError
	if errors.As(err, &failure) {
		status = failure.status
	}
	f.x.ErrorPage(status)
	f.answer()
}

// watchedBody logs when the upstream stops in the middle of its response.
type watchedBody struct {
	io.ReadCloser
	f *flow
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) {
		return n, err
	}
	msg := "upstream prematurely closed connection while reading upstream"
	if isTimeout(err) {
		msg = "upstream timed out (110: Connection timed out) while reading upstream"
	}
	b.f.logUpstream(msg)
	return n, err
}
