package tracecontext_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// TestTraceparentAgreesWithOpenTelemetry mutates valid headers and asks both
// parsers. They are expected to differ in four things only, in which the
// specification is with this package: OpenTelemetry refuses reserved flags in
// version 00 (to be ignored), lets version 00 end in a dash (55 characters are
// all), does not trim whitespace (its carrier does), and reads a header with a
// comma in a future version's tail.
func TestTraceparentAgreesWithOpenTelemetry(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	valid := 0
	for range 20_000 {
		value := mutate(random, "00-"+traceID+"-"+spanID+"-0"+string("0123"[random.IntN(4)]))
		if strings.ContainsAny(value, ", \t") || reservedFlags(value) || bareDash(value) {
			continue
		}
		ours, err := tracecontext.ParseTraceparent(value)
		theirs := extract(value, "")
		if theirs.IsValid() != (err == nil) {
			t.Fatalf("%q: OpenTelemetry finds it valid: %v; we: %v", value, theirs.IsValid(), err)
		}
		if err != nil {
			continue
		}
		valid++
		if ours.TraceID != tracecontext.TraceID(theirs.TraceID()) ||
			ours.SpanID != tracecontext.SpanID(theirs.SpanID()) ||
			ours.Flags != tracecontext.Flags(theirs.TraceFlags()) {
			t.Fatalf("%q: OpenTelemetry reads %v, we %v", value, theirs, ours)
		}
		if injected := inject(theirs); injected != ours.String() {
			t.Fatalf("%q: OpenTelemetry writes %q, we %q", value, injected, ours)
		}
	}
	if valid < 1000 {
		t.Errorf("only %d of the mutated headers were valid: the test proves little", valid)
	}
}

// TestTracestateAgreesWithOpenTelemetry: OpenTelemetry implements Level 1, so
// it may refuse keys that Level 2 allows, and it refuses duplicates where we
// drop them. Whatever it accepts, we accept, and read the same.
func TestTracestateAgreesWithOpenTelemetry(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	accepted := 0
	for range 20_000 {
		value := mutate(random, "rojo=00f067aa0ba902b7, fw529a3039@dt=FfAd ,congo= t61rcWkgMzE")
		theirs, err := trace.ParseTraceState(value)
		if err != nil {
			continue
		}
		accepted++
		ours, err := tracecontext.ParseTracestate(value)
		if err != nil {
			t.Fatalf("%q: OpenTelemetry accepts it, we: %v", value, err)
		}
		if ours.String() != theirs.String() {
			t.Fatalf("%q: OpenTelemetry reads %q, we %q", value, theirs, ours)
		}
	}
	if accepted < 1000 {
		t.Errorf("OpenTelemetry accepted only %d of the mutated headers: the test proves little", accepted)
	}
}

// mutate changes up to two characters of value, or none.
func mutate(random *rand.Rand, value string) string {
	const alphabet = "0123456789abcdefABCDEFzg-_.@=*/, \t\x00\xff"
	b := []byte(value)
	for range random.IntN(3) {
		at, c := random.IntN(len(b)), alphabet[random.IntN(len(alphabet))]
		switch random.IntN(4) {
		case 0:
			b = append(b[:at], b[at+1:]...)
		case 1:
			b = append(b[:at], append([]byte{c}, b[at:]...)...)
		case 2:
			b = append(b, '-', c)
		default:
			b[at] = c
		}
	}
	return string(b)
}

func reservedFlags(value string) bool {
	return strings.HasPrefix(value, "00-") && len(value) == 55 &&
		(value[53] != '0' || value[54] < '0' || value[54] > '3')
}

func bareDash(value string) bool {
	return strings.HasPrefix(value, "00-") && len(value) == 56 && value[55] == '-'
}

func extract(traceparent, tracestate string) trace.SpanContext {
	carrier := propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

func inject(sc trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), carrier)
	return carrier["traceparent"]
}
