package telemetry

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Client makes one client span of every request sent, named by its method, and
// puts the trace context into the request's headers. The span ends with the
// answer's body. It says who was asked, but not for what: a URL has ids in it, which
// have no business in a trace, and the server's span has the route.
type Client struct {
	telemetry *Telemetry
	transport http.RoundTripper
}

// Client sends requests by transport.
func (t *Telemetry) Client(transport http.RoundTripper) *Client { return &Client{t, transport} }

var clientSpan = trace.WithSpanKind(trace.SpanKindClient)

// Do sends r, which is its to change. It follows no redirect.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	ctx, span := c.telemetry.tracer.Start(r.Context(), spanName(r.Method), clientSpan)
	c.telemetry.propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
	if !span.IsRecording() {
		return c.transport.RoundTrip(r)
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		span.SetAttributes(request(r)...)
		fail(span, fmt.Sprintf("%T", err))
		span.End()
		return nil, err
	}
	span.SetAttributes(append(request(r), semconv.HTTPResponseStatusCode(resp.StatusCode))...)
	if resp.StatusCode >= http.StatusBadRequest {
		fail(span, strconv.Itoa(resp.StatusCode))
	}
	resp.Body = &body{resp.Body, span}
	return resp, nil
}

// request is what a span says of a request that is sent.
func request(r *http.Request) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 4) // and the status
	attributes = append(attributes, method(r.Method), semconv.ServerAddress(r.URL.Hostname()))
	if port, err := strconv.Atoi(r.URL.Port()); err == nil {
		attributes = append(attributes, semconv.ServerPort(port))
	}
	return attributes
}

// body ends the span of an answer that was read or given up.
type body struct {
	io.ReadCloser
	span trace.Span
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		fail(b.span, fmt.Sprintf("%T", err))
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.span.End()
	return b.ReadCloser.Close()
}
