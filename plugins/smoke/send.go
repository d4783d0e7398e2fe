package smoke

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// UserAgent is how the gateway's log tells these requests from others.
const UserAgent = "gatehouse-smoke"

// maxTries is how many requests a route may get until one of a trace that is recorded,
// where the gateway records a share of them.
const maxTries = 20

func isTLS(gateway string) bool { return strings.HasPrefix(gateway, "https://") }

// send asks every route that can be asked. Its error is that of a gateway that takes no
// connection.
func (r *run) send(ctx context.Context) error {
	first := true
	for _, c := range r.calls {
		switch {
		case c.Skipped != "":
			continue
		case c.Missing != "":
			c.found = append(c.found, hops.Finding{Hop: hops.Gateway, Kind: hops.NoCredential, Text: c.Missing})
			continue
		case !first:
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
		first = false
		if err := r.ask(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// wait returns after a time, or with the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends a route's request, again while its trace is none that is recorded.
func (r *run) ask(ctx context.Context, c *call) error {
	for range maxTries {
		header, err := r.try(ctx, c)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil && isDial(err):
			return fmt.Errorf("reach the gateway: %w", err)
		case err != nil:
			c.found = append(c.found, hops.Finding{Hop: hops.Gateway, Kind: hops.NotAnswered, Text: err.Error()})
			return nil
		}
		c.answered, c.found = true, c.judgeAnswer(header)
		if c.Trace == "" || c.recorded() || !c.safe() {
			break
		}
	}
	if r.o.Backend != nil && c.Trace != "" && !c.recorded() {
		c.found = append(c.found, hops.Finding{Hop: hops.Gateway, Kind: hops.Unsampled, Text: fmt.Sprintf(
			"trace %s is not recorded, since sample_ratio is %v: its spans were not looked for; smoke a gateway that records all, or again", c.Trace, c.Tracing.SampleRatio)})
	}
	return nil
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// safe reports whether the request changes nothing (RFC 9110, 9.2.1), and may be repeated.
func (c *call) safe() bool {
	return c.Method == http.MethodGet || c.Method == http.MethodHead || c.Method == http.MethodOptions
}

// recorded reports whether the gateway records the trace, as far as its id says: it decides
// as OpenTelemetry's sampler does.
func (c *call) recorded() bool {
	id, err := trace.TraceIDFromHex(c.Trace)
	if err != nil || c.Trace == c.ClientTrace && !c.Tracing.OverParent {
		return true // the client asked for it
	}
	decided := sdktrace.TraceIDRatioBased(c.Tracing.SampleRatio).ShouldSample(sdktrace.SamplingParameters{TraceID: id})
	return decided.Decision == sdktrace.RecordAndSample
}

// try sends a route's request once, and returns the answer's headers.
func (r *run) try(ctx context.Context, c *call) (http.Header, error) {
	req, err := c.request(ctx, r.o.Gateway)
	if err != nil {
		return nil, err
	}
	client := r.o.Client
	if client == nil {
		client = &http.Client{Timeout: DefaultAnswerTimeout}
	}
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.SNI != "" {
		once.Transport = named(client.Transport, c.SNI)
	}
	c.Sent = time.Now()
	resp, err := once.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	c.Answered, c.status = time.Now(), resp.StatusCode
	return resp.Header, err
}

// named is a transport that asks for a server by another name than the address'.
func named(transport http.RoundTripper, name string) http.RoundTripper {
	base, ok := cmp.Or(transport, http.DefaultTransport).(*http.Transport)
	if !ok {
		return transport
	}
	base = base.Clone()
	if base.TLSClientConfig == nil {
		base.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	base.TLSClientConfig.ServerName = name
	return base
}

// request is the probe with a client's trace in every format that we know.
func (c *call) request(ctx context.Context, gateway string) (*http.Request, error) {
	u, err := url.Parse(strings.TrimSuffix(gateway, "/") + c.Path)
	if err != nil {
		return nil, fmt.Errorf("path %q of route %s: %w", c.Path, c.Probe.Route, err)
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header = c.Header.Clone()
	req.Host = cmp.Or(req.Header.Get("Host"), c.Host, u.Host)
	req.Header.Del("Host")
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", UserAgent)
	}
	span := tracecontext.Traceparent{Flags: tracecontext.FlagRandom.WithSampled(true)}
	_, _ = rand.Read(span.TraceID[:]) // it never fails
	_, _ = rand.Read(span.SpanID[:])
	for _, format := range formats.All() {
		format.Write(span, req.Header.Set)
	}
	c.Call.Route, c.Call.Service = c.Probe.Route, c.Probe.Service
	c.ClientTrace, c.ClientSpan, c.Trace = span.TraceID.String(), span.SpanID.String(), ""
	return req, nil
}

// judgeAnswer says what is wrong with an answer, and notes which trace it is of.
func (c *call) judgeAnswer(header http.Header) (found []hops.Finding) {
	if c.status >= http.StatusBadRequest {
		found = append(found, hops.Finding{Hop: hops.Gateway, Kind: hops.NotAnswered, Text: c.refusal(c.status)})
	}
	told := header.Values(c.Tracing.ResponseHeader)
	continues := c.Tracing.Incoming == "continue"
	finding := func(kind hops.Kind, format string, args ...any) {
		found = append(found, hops.Finding{Hop: hops.Gateway, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	switch {
	case !c.Tracing.On:
		finding(hops.Drops, "the config runs no trace-inject on this route, so that a client's trace goes on as it came, or none does")
	case c.Tracing.ResponseHeader == "" && continues:
		c.Trace = c.ClientTrace
	case c.Tracing.ResponseHeader == "":
		finding(hops.Unsampled, "which trace it put the request in is not known: response_header of trace-inject is empty")
	case len(told) == 0:
		finding(hops.Drops, "the answer has no %s: trace-inject did not run, or somebody else answered", c.Tracing.ResponseHeader)
	case len(told) > 1 || !isTraceID(told[0]):
		finding(hops.Drops, "the answer's %s is %.80q, and not one id of a trace", c.Tracing.ResponseHeader, told)
	case continues && told[0] != c.ClientTrace:
		c.Trace = told[0]
		finding(hops.Restarts, "incoming is continue, and it put the request in trace %s in place of the client's", c.Trace)
	case !continues && told[0] == c.ClientTrace && !c.Tracing.Trusting:
		c.Trace = told[0]
		finding(hops.Leaks, "incoming is %s, and it went on with the client's trace", c.Tracing.Incoming)
	default:
		c.Trace = told[0]
	}
	return found
}

func isTraceID(text string) bool {
	_, err := trace.TraceIDFromHex(text)
	return err == nil
}

// refusal is what to look at where the answer's status says that it failed.
func (c *call) refusal(status int) string {
	text := fmt.Sprintf("%s %s is answered %d", c.Method, c.Path, status)
	switch {
	case status == http.StatusUnauthorized:
		return text + ": the credential is refused: is it expired, or another environment's?"
	case status == http.StatusForbidden:
		return text + ": the credential's consumer may not ask this route"
	case status == http.StatusTooManyRequests:
		return text + ": a limit is used up: smoke with a tenant of its own"
	case status < http.StatusInternalServerError:
		return fmt.Sprintf("%s: name a path that is answered with --path '%s=/…'", text, c.Probe.Route)
	}
	return text
}
