package formats

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Datadog's headers
// (https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/). Ids
// are decimal numbers of 64 bits; the upper half of a trace id is a tag, in hex.
const (
	datadogTrace    = "x-datadog-trace-id"
	datadogParent   = "x-datadog-parent-id"
	datadogPriority = "x-datadog-sampling-priority"
	datadogTags     = "x-datadog-tags"
	datadogUpper    = "_dd.p.tid"
)

func readDatadog(get func(string) string) (f Found, ok bool) {
	f.Format = Datadog
	if !decimal(f.Span.TraceID[8:], get(datadogTrace)) || !decimal(f.Span.SpanID[:], get(datadogParent)) {
		return f, false
	}
	for tag := range strings.SplitSeq(get(datadogTags), ",") {
		if upper, found := strings.CutPrefix(strings.TrimSpace(tag), datadogUpper+"="); found && !lowerHex(f.Span.TraceID[:8], upper) {
			return f, false
		}
	}
	switch get(datadogPriority) {
	case "1", "2":
		f.Span.Flags = tracecontext.FlagSampled
	case "0", "-1":
	default:
		f.Undecided = true
	}
	return f, valid(f)
}

func writeDatadog(t tracecontext.Traceparent, set func(name, value string)) {
	set(datadogTrace, strconv.FormatUint(binary.BigEndian.Uint64(t.TraceID[8:]), 10))
	set(datadogParent, strconv.FormatUint(binary.BigEndian.Uint64(t.SpanID[:]), 10))
	set(datadogPriority, bit(t))
	if upper := t.TraceID[:8]; binary.BigEndian.Uint64(upper) != 0 {
		set(datadogTags, datadogUpper+"="+hex.EncodeToString(upper))
	}
}

// awsHeader is X-Ray's
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader):
// Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1. A load
// balancer writes one without a parent, which is no span.
const awsHeader = "x-amzn-trace-id"

func readAWS(get func(string) string) (f Found, ok bool) {
	f.Format, f.Undecided = AWS, true
	for field := range strings.SplitSeq(get(awsHeader), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch key {
		case "Root":
			version, id, _ := strings.Cut(value, "-")
			time, unique, _ := strings.Cut(id, "-")
			if version != "1" || len(time) != 8 || !lowerHex(f.Span.TraceID[:], time+unique) {
				return f, false
			}
		case "Parent":
			if !lowerHex(f.Span.SpanID[:], value) {
				return f, false
			}
		case "Sampled":
			f.Undecided = value != "0" && value != "1"
			f.Span.Flags = f.Span.Flags.WithSampled(value == "1")
		}
	}
	return f, valid(f)
}

func writeAWS(t tracecontext.Traceparent, set func(name, value string)) {
	id := t.TraceID.String()
	set(awsHeader, fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=%s", id[:8], id[8:], t.SpanID, bit(t)))
}

// gcpHeader is Google's
// (https://cloud.google.com/trace/docs/trace-context#legacy-http-header): a trace id in
// hex, a span id in decimal, and whether it is recorded: TRACE/SPAN;o=1.
const gcpHeader = "x-cloud-trace-context"

func readGCP(get func(string) string) (f Found, ok bool) {
	f.Format = GCP
	ids, options, decided := strings.Cut(get(gcpHeader), ";o=")
	id, span, _ := strings.Cut(ids, "/")
	if !lowerHex(f.Span.TraceID[:], id) || !decimal(f.Span.SpanID[:], span) {
		return f, false
	}
	f.Undecided = !decided
	f.Span.Flags = f.Span.Flags.WithSampled(options == "1")
	return f, valid(f)
}

func writeGCP(t tracecontext.Traceparent, set func(name, value string)) {
	set(gcpHeader, fmt.Sprintf("%s/%d;o=%s", t.TraceID, binary.BigEndian.Uint64(t.SpanID[:]), bit(t)))
}

func valid(f Found) bool { return !f.Span.TraceID.IsZero() && !f.Span.SpanID.IsZero() }

// bit is whether a span is sampled, as a digit.
func bit(t tracecontext.Traceparent) string {
	if t.Flags.Sampled() {
		return "1"
	}
	return "0"
}

// decimal reads a number of 64 bits into an id.
func decimal(id []byte, text string) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	binary.BigEndian.PutUint64(id, n)
	return err == nil
}

// lowerHex reads exactly as many digits as an id has.
func lowerHex(id []byte, text string) bool {
	if len(text) != hex.EncodedLen(len(id)) || strings.ToLower(text) != text {
		return false
	}
	_, err := hex.Decode(id, []byte(text))
	return err == nil
}
