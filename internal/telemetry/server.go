package telemetry

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/internal/statuswriter"
)

var serverSpan = trace.WithSpanKind(trace.SpanKindServer)

// Handler makes one server span of every request, as a child of the trace
// context that the request brings. route gives the path pattern that serves a
// request ("/v1/users/{user_id}"), or "" if none does: the span's name must not
// hold ids, and a path that nobody serves must not become a name.
//
// Where nothing is recorded, the context is passed on and nothing else is done.
func (t *Telemetry) Handler(next http.Handler, route func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, spanName(r.Method), serverSpan)
		defer span.End()
		r = r.WithContext(ctx)
		if !span.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		attributes := received(r)
		if pattern := route(r); pattern != "" {
			span.SetName(spanName(r.Method) + " " + pattern)
			attributes = append(attributes, semconv.HTTPRoute(pattern))
		}
		answered := statuswriter.New(w)
		next.ServeHTTP(answered, r)
		span.SetAttributes(append(attributes, semconv.HTTPResponseStatusCode(answered.Status))...)
		if answered.Status >= http.StatusInternalServerError {
			fail(span, strconv.Itoa(answered.Status))
		}
	})
}

// received is what a span says of a request, by the conventions for HTTP servers. The
// query is not among it: it is where clients put secrets, and the route says enough.
func received(r *http.Request) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 12) // and the route, the status, a failure's type
	attributes = append(attributes, method(r.Method), semconv.URLScheme(scheme(r)), semconv.URLPath(r.URL.Path))
	if !known(r.Method) {
		attributes = append(attributes, semconv.HTTPRequestMethodOriginal(r.Method))
	}
	if host, port := splitHost(r.Host); host != "" {
		attributes = append(attributes, semconv.ServerAddress(host))
		if port != 0 {
			attributes = append(attributes, semconv.ServerPort(port))
		}
	}
	if address := client(r); address != "" {
		attributes = append(attributes, semconv.ClientAddress(address))
	}
	if agent := r.UserAgent(); agent != "" {
		attributes = append(attributes, semconv.UserAgentOriginal(agent))
	}
	return append(attributes, semconv.NetworkProtocolVersion(protocolVersion(r)))
}

// splitHost takes a Host header apart. The port is 0 where there is none.
func splitHost(host string) (name string, port int) {
	name, text, err := net.SplitHostPort(host)
	if err != nil {
		return host, 0
	}
	port, _ = strconv.Atoi(text)
	return name, port
}

// client is the address of the client: Kong says in X-Real-IP which it believes it to be,
// where clients may write into X-Forwarded-For what they like. Without it, it is the peer's.
func client(r *http.Request) string {
	if address := r.Header.Get("X-Real-Ip"); address != "" {
		return address
	}
	address, _ := splitHost(r.RemoteAddr)
	return address
}

func protocolVersion(r *http.Request) string {
	if r.ProtoAtLeast(2, 0) {
		return strconv.Itoa(r.ProtoMajor)
	}
	return strings.TrimPrefix(r.Proto, "HTTP/")
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// fail marks a span as failed, by a type of which there are few.
func fail(span trace.Span, kind string) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
}

// known tells whether a method is one of RFC 9110 or PATCH: any other must not
// become a name.
func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func spanName(method string) string {
	if known(method) {
		return method
	}
	return "HTTP"
}

func method(name string) attribute.KeyValue {
	if known(name) {
		return semconv.HTTPRequestMethodKey.String(name)
	}
	return semconv.HTTPRequestMethodOther
}
