package serverspan

import (
	"net/netip"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Attributes of Kong's that OpenTelemetry has no convention for.
const (
	attrRouteName       = attribute.Key("kong.route.name")
	attrServiceName     = attribute.Key("kong.service.name")
	attrRequestID       = attribute.Key("kong.request.id")
	attrResponseSource  = attribute.Key("kong.response.source")
	attrKongLatency     = attribute.Key("kong.latency.gateway_ms")
	attrUpstreamLatency = attribute.Key("kong.latency.upstream_ms")
	attrUpstreamTries   = attribute.Key("kong.upstream.tries")
)

// Attributes of our own: what our plugins decided, and why there is a span of a trace that
// is not sampled.
const (
	attrRateLimit   = attribute.Key("gatehouse.rate_limit.decision")
	attrLimit       = attribute.Key("gatehouse.rate_limit.limit")
	attrDeprecation = attribute.Key("gatehouse.deprecation.state")
	attrKept        = attribute.Key("gatehouse.trace.kept")
)

// Scrubber takes personal data out of what a client wrote.
type Scrubber interface {
	// ScrubPath scrubs a path, and ScrubText any other text.
	ScrubPath(path string) string
	ScrubText(text string) string
}

// attributes follow OpenTelemetry's HTTP server conventions
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server), but that a
// query is never among them. Without a scrubber nothing is that the client wrote.
func (r *Request) attributes(s Scrubber) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(knownMethod(r.Method)),
		semconv.URLScheme(r.scheme()),
		semconv.HTTPResponseStatusCode(r.Status),
		attrKongLatency.Float64(r.GatewayLatency),
	}
	if r.UpstreamLatency >= 0 {
		attrs = append(attrs, attrUpstreamLatency.Float64(r.UpstreamLatency))
	}
	if status := r.failure(); status != 0 {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
	if n := len(r.Tries); n > 0 {
		attrs = append(attrs, attrUpstreamTries.Int(n))
	}
	attrs = appendTexts(attrs, map[attribute.Key]string{
		semconv.HTTPRouteKey:              r.route(),
		semconv.NetworkProtocolVersionKey: r.protocolVersion(),
		semconv.ClientAddressKey:          r.clientNetwork(),
		attrRouteName:                     r.RouteName,
		attrServiceName:                   r.ServiceName,
		attrRequestID:                     r.ID,
		attrResponseSource:                r.Source,
		attrRateLimit:                     r.RateLimit,
		attrLimit:                         r.Limit,
		attrDeprecation:                   r.Deprecation,
		attrKept:                          string(r.Kept),
	})
	if s != nil {
		attrs = append(attrs, r.written(s)...)
	}
	return attrs
}

// written is what the client wrote, scrubbed.
func (r *Request) written(s Scrubber) []attribute.KeyValue {
	texts := map[attribute.Key]string{
		semconv.URLPathKey:           s.ScrubPath(r.path()),
		semconv.UserAgentOriginalKey: s.ScrubText(r.UserAgent),
		semconv.ServerAddressKey:     r.server(s),
	}
	if knownMethod(r.Method) == otherMethod {
		texts[semconv.HTTPRequestMethodOriginalKey] = s.ScrubText(r.Method)
	}
	attrs := appendTexts(nil, texts)
	if r.Host != "" && r.Port != 0 {
		attrs = append(attrs, semconv.ServerPort(r.Port))
	}
	return attrs
}

// server is the host that the client asked for. An address is the gateway's, and nobody's
// that a scrubber knows of.
func (r *Request) server(s Scrubber) string {
	if _, err := netip.ParseAddr(strings.Trim(r.Host, "[]")); err == nil {
		return r.Host
	}
	return s.ScrubText(r.Host)
}

// told are the headers that the config asks for, which came scrubbed.
func told(headers map[string]string) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, len(headers))
	for name, value := range headers {
		attrs = append(attrs, semconv.HTTPRequestHeader(name, value))
	}
	return attrs
}

// appendTexts appends the attributes that have a value.
func appendTexts(attrs []attribute.KeyValue, texts map[attribute.Key]string) []attribute.KeyValue {
	for key, value := range texts {
		if value != "" {
			attrs = append(attrs, key.String(value))
		}
	}
	return attrs
}
