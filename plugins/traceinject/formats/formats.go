// Package formats reads and writes a span's place in a trace in other formats than W3C
// Trace Context, by the names that Kong's own plugins have for them.
//
// B3 (https://github.com/openzipkin/b3-propagation), Jaeger and OpenTracing's headers are
// read and written by OpenTelemetry's contrib propagators. Datadog's, Google's and AWS's
// are our own: contrib has none, or none that is kept.
package formats

import (
	"context"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/contrib/propagators/jaeger"
	"go.opentelemetry.io/contrib/propagators/ot"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Format is one that Kong's plugins know by that name.
type Format string

// The formats.
const (
	W3C      Format = "w3c"       // traceparent, tracestate
	B3       Format = "b3"        // to read: either of B3's; to write: X-B3-*
	B3Single Format = "b3-single" // b3; only to write
	Jaeger   Format = "jaeger"    // uber-trace-id
	OT       Format = "ot"        // ot-tracer-*, 64 bits of the trace id
	Datadog  Format = "datadog"   // x-datadog-*, 128 bits in _dd.p.tid
	AWS      Format = "aws"       // x-amzn-trace-id, X-Ray's
	GCP      Format = "gcp"       // x-cloud-trace-context
)

// Found is a span that a client says it is in.
type Found struct {
	Span tracecontext.Traceparent
	// Undecided says that the client left it to us whether the trace is recorded.
	Undecided bool
	// Format is the one that it was found in, as it is to be written: [B3Single] where
	// [B3] found a single header.
	Format Format
}

// codec reads and writes a format. read returns false where there is no valid span.
type codec struct {
	headers []string
	read    func(get func(string) string) (Found, bool)
	write   func(t tracecontext.Traceparent, set func(name, value string))
}

var codecs = map[Format]codec{
	W3C: {[]string{tracecontext.TraceparentHeader, tracecontext.TracestateHeader}, readW3C, writeW3C},
	B3: {append(slices.Clone(b3Multiple), b3Header), readB3,
		contribWrite(b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)))},
	B3Single: {[]string{b3Header}, readB3, contribWrite(b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)))},
	Jaeger: {[]string{"uber-trace-id"}, contribRead(Jaeger, jaeger.Jaeger{}, func(func(string) string) bool { return false }),
		contribWrite(jaeger.Jaeger{})},
	OT: {[]string{"ot-tracer-traceid", "ot-tracer-spanid", otSampled},
		contribRead(OT, ot.OT{}, func(get func(string) string) bool { return get(otSampled) == "" }), contribWrite(ot.OT{})},
	Datadog: {[]string{datadogTrace, datadogParent, datadogPriority, datadogTags}, readDatadog, writeDatadog},
	AWS:     {[]string{awsHeader}, readAWS, writeAWS},
	GCP:     {[]string{gcpHeader}, readGCP, writeGCP},
}

// All are the formats there are, in no order.
func All() []Format { return slices.Collect(maps.Keys(codecs)) }

// Valid reports whether there is such a format.
func (f Format) Valid() bool { return codecs[f].read != nil }

// Headers are the names of the headers that a format is in, in lower case.
func (f Format) Headers() []string { return codecs[f].headers }

// Read finds the span that a client says it is in. get returns a header's value by its
// name in lower case, several lines joined with commas; empty if there is none. It
// returns false where there is none, or one that is not valid.
func (f Format) Read(get func(name string) string) (Found, bool) {
	c := codecs[f]
	// No format is a list: of several lines neither can be believed. Datadog's tags are.
	for _, name := range c.headers {
		if name != datadogTags && name != tracecontext.TracestateHeader && strings.Contains(get(name), ",") {
			return Found{}, false
		}
	}
	return c.read(get)
}

// Write sets the headers of a format. What a format cannot say is left out.
func (f Format) Write(t tracecontext.Traceparent, set func(name, value string)) {
	codecs[f].write(t, func(name, value string) { set(strings.ToLower(name), value) })
}

func readW3C(get func(string) string) (Found, bool) {
	span, err := tracecontext.ParseTraceparent(get(tracecontext.TraceparentHeader))
	return Found{Span: span, Format: W3C}, err == nil
}

func writeW3C(t tracecontext.Traceparent, set func(name, value string)) {
	set(tracecontext.TraceparentHeader, t.String())
}

const (
	b3Header  = "b3"
	b3Sampled = "x-b3-sampled"
	b3Flags   = "x-b3-flags"
	otSampled = "ot-tracer-sampled"
)

var b3Multiple = []string{"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", b3Sampled, b3Flags}

// readB3 prefers the single header, as the specification of B3 has it.
func readB3(get func(string) string) (Found, bool) {
	single := get(b3Header)
	format := B3
	if single != "" {
		format = B3Single
	}
	return contribRead(format, b3.New(), func(get func(string) string) bool {
		if format == B3Single {
			return strings.Count(single, "-") == 1
		}
		return get(b3Sampled) == "" && get(b3Flags) != "1"
	})(get)
}

// contribRead is a propagator of contrib's as a reader of ours.
func contribRead(f Format, p propagation.TextMapPropagator, undecided func(get func(string) string) bool) func(func(string) string) (Found, bool) {
	return func(get func(string) string) (Found, bool) {
		sc := trace.SpanContextFromContext(p.Extract(context.Background(), getter(get)))
		span := tracecontext.Traceparent{
			TraceID: tracecontext.TraceID(sc.TraceID()), SpanID: tracecontext.SpanID(sc.SpanID()),
			Flags: tracecontext.Flags(0).WithSampled(sc.IsSampled()),
		}
		return Found{Span: span, Format: f, Undecided: undecided(get)}, sc.IsValid()
	}
}

// contribWrite is a propagator of contrib's as a writer of ours.
func contribWrite(p propagation.TextMapPropagator) func(tracecontext.Traceparent, func(name, value string)) {
	return func(t tracecontext.Traceparent, set func(name, value string)) {
		sc := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID(t.TraceID), SpanID: trace.SpanID(t.SpanID),
			TraceFlags: trace.TraceFlags(0).WithSampled(t.Flags.Sampled()),
		})
		p.Inject(trace.ContextWithSpanContext(context.Background(), sc), setter(set))
	}
}

// getter and setter are what contrib's propagators read from and write to.
type getter func(name string) string

func (g getter) Get(key string) string { return g(strings.ToLower(key)) }
func (getter) Set(string, string)      {}
func (getter) Keys() []string          { return nil }

type setter func(name, value string)

func (setter) Get(string) string       { return "" }
func (s setter) Set(key, value string) { s(key, value) }
func (setter) Keys() []string          { return nil }
