// Package upstream sends requests to services as Kong's balancer and nginx's proxy
// module do: with their headers, timeouts and retries, each to the target that the
// balancer chooses.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/balancer"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// Call is one request for its service.
type Call struct {
	X          *exchange.Exchange
	Balancer   *balancer.Balancer
	Transports *Transports
	// LogError takes what nginx writes about an upstream, and the URL asked.
	LogError func(msg, upstream string)
	// Received takes the upstream's answer and returns the header to send. The body is
	// passed on as it comes.
	Received func(*http.Response) http.Header
	// Failed answers where the upstream did not.
	Failed func(status int)
}

// statusClientClosed is nginx's status for a client that went away.
const statusClientClosed = 499

// Serve sends the request upstream and its response back, as it comes.
func (c *Call) Serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // the whole of it: a second try sends it again
	c.X.BodyLength = int64(len(body))
	if err != nil {
		c.X.Status = statusClientClosed
		return
	}
	p := &httputil.ReverseProxy{
		Rewrite:        func(pr *httputil.ProxyRequest) { c.rewrite(pr.Out, body) },
		Transport:      c,
		ModifyResponse: c.received,
		FlushInterval:  -1, // pass on every piece as it comes
		ErrorHandler:   c.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // watchedBody logs it as nginx does
	}
	p.ServeHTTP(w, r)
}

// rewrite makes the request for the upstream.
func (c *Call) rewrite(out *http.Request, body []byte) {
	out.Method = c.X.Method
	retarget(c.X, out)
	out.Header = requestHeader(c.X)
	out.TransferEncoding = nil
	out.ContentLength = int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) {
		if len(body) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	out.Body, _ = out.GetBody()
}

// RoundTrip tries the upstream until a try gets an answer, or no more are
// allowed: nginx's proxy_next_upstream "error timeout". Each try counts for or against
// its target, the last one by the status that comes of it.
func (c *Call) RoundTrip(req *http.Request) (*http.Response, error) {
	for {
		res, failure := c.try(req)
		if failure == nil {
			c.ended(res.StatusCode)
			return res, nil
		}
		if errors.Is(failure, context.Canceled) { // the client is gone, which is nobody's failure
			return nil, failure
		}
		if len(c.X.Tries) > c.X.Service().Retries || !failure.retriable(req) {
			c.ended(failure.status)
			return nil, failure
		}
		c.X.Upstream.Statuses = append(c.X.Upstream.Statuses, failure.status)
		last := c.X.Tries[len(c.X.Tries)-1]
		last.State, last.Code = "failed", failure.status
		c.Balancer.Failed(c.X.Target, failure.kind())
		if c.X.Target = c.Balancer.Pick(); c.X.Target == nil {
			return nil, noTarget
		}
		target, err := Resolve(req.Context(), c.X.Target)
		if err != nil {
			return nil, noTarget
		}
		c.X.Target = target
		retarget(c.X, req)
		req.Body, _ = req.GetBody()
	}
}

// ended notes the status of the last try.
func (c *Call) ended(status int) {
	c.X.Upstream.Statuses = append(c.X.Upstream.Statuses, status)
	c.Balancer.Answered(c.X.Target, status)
}

// try sends the request once.
func (c *Call) try(req *http.Request) (*http.Response, *tryError) {
	x, target := c.X, c.X.Target
	start := time.Now()
	t := &exchange.Try{BalancerStart: start.UnixMilli(), BalancerStartNS: start.UnixNano(), IP: target.IP, Port: target.Port}
	x.Tries = append(x.Tries, t)
	x.Times.Balancer = time.Now()
	t.BalancerLatency = x.Times.Balancer.UnixMilli() - t.BalancerStart
	t.BalancerLatencyNS = x.Times.Balancer.UnixNano() - t.BalancerStartNS
	res, err := c.Transports.get(x.Service(), target.ServerName()).RoundTrip(req.Clone(withoutRepeat(req.Context())))
	if err == nil {
		// A copy, so that http.Transport adds no trailers to it: nginx passes none on.
		passed := *res
		passed.Body, passed.Trailer = &watchedBody{ReadCloser: res.Body, call: c}, nil
		return &passed, nil
	}
	failure := classify(err)
	if !errors.Is(err, context.Canceled) {
		c.logError(failure.message)
	}
	return nil, failure
}

func (c *Call) logError(msg string) {
	c.LogError(msg, c.X.Service().Protocol+"://"+address(c.X)+c.X.UpstreamURI)
}

func (c *Call) received(res *http.Response) error {
	res.Header = c.Received(res)
	return nil
}

func (c *Call) failed(_ http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		c.X.Status = statusClientClosed
		return
	}
	status := http.StatusBadGateway
	var failure *tryError
	if errors.As(err, &failure) {
		status = failure.status
	}
	c.Failed(status)
}

// watchedBody logs when the upstream stops in the middle of its response.
type watchedBody struct {
	io.ReadCloser
	call *Call
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
	b.call.logError(msg)
	return n, err
}
