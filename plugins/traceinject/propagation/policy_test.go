package propagation

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const (
	clientTraceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpanID  = "00f067aa0ba902b7"
	sampledParent = "00-" + clientTraceID + "-" + clientSpanID + "-01"
	droppedParent = "00-" + clientTraceID + "-" + clientSpanID + "-00"
)

// counting yields 1, 2, 3 and so on, so that ids are told apart in tests.
func counting() Random {
	var n uint64
	return func() uint64 { n++; return n }
}

func TestPolicyStart(t *testing.T) {
	t.Parallel()
	const ownTrace = "00000000000000010000000000000002"
	inside, outside := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1")
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		name    string
		policy  Policy
		request Request
		want    string // traceparent for the upstream
		state   string
		origin  Origin
		parent  string
		link    string
	}{
		{name: "nothing sent", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1},
			want: "00-" + ownTrace + "-0000000000000003-03", origin: OriginStarted},
		{name: "nothing sent, nothing sampled", policy: Policy{Incoming: IncomingContinue},
			want: "00-" + ownTrace + "-0000000000000003-02", origin: OriginStarted},
		{name: "tracestate without traceparent", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1},
			request: Request{Tracestate: "rojo=1"},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginStarted},
		{name: "invalid traceparent takes tracestate with it", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1},
			request: Request{Traceparent: sampledParent + ", " + sampledParent, Tracestate: "rojo=1"},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginInvalid},

		{name: "continue", policy: Policy{Incoming: IncomingContinue},
			request: Request{Traceparent: sampledParent, Tracestate: "rojo=1, congo=2"},
			want:    "00-" + clientTraceID + "-0000000000000001-01", state: "rojo=1,congo=2", origin: OriginContinued, parent: clientSpanID},
		{name: "continue keeps not sampled", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1},
			request: Request{Traceparent: droppedParent},
			want:    "00-" + clientTraceID + "-0000000000000001-00", origin: OriginContinued, parent: clientSpanID},
		{name: "continue keeps the random flag", policy: Policy{Incoming: IncomingContinue},
			request: Request{Traceparent: "00-" + clientTraceID + "-" + clientSpanID + "-02"},
			want:    "00-" + clientTraceID + "-0000000000000001-02", origin: OriginContinued, parent: clientSpanID},
		{name: "continue a future version as 00", policy: Policy{Incoming: IncomingContinue},
			request: Request{Traceparent: "cc-" + clientTraceID + "-" + clientSpanID + "-01-x"},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "continue without a bad tracestate", policy: Policy{Incoming: IncomingContinue},
			request: Request{Traceparent: sampledParent, Tracestate: "BAD=1"},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "continue, the ratio decides", policy: Policy{Incoming: IncomingContinue, IgnoreParentSampled: true},
			request: Request{Traceparent: sampledParent},
			want:    "00-" + clientTraceID + "-0000000000000001-00", origin: OriginContinued, parent: clientSpanID},

		{name: "link", policy: Policy{Incoming: IncomingLink, SampleRatio: 1},
			request: Request{Traceparent: droppedParent, Tracestate: "rojo=1"},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginLinked, link: droppedParent},
		{name: "restart", policy: Policy{Incoming: IncomingRestart, SampleRatio: 1},
			request: Request{Traceparent: sampledParent, Tracestate: "rojo=1"},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginRestarted},

		{name: "trusted network continues", policy: Policy{Incoming: IncomingRestart, Trusted: networks},
			request: Request{Traceparent: sampledParent, Client: inside},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "trusted network, mapped into IPv6", policy: Policy{Incoming: IncomingRestart, Trusted: networks},
			request: Request{Traceparent: sampledParent, Client: netip.MustParseAddr("::ffff:10.1.2.3")},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "other network", policy: Policy{Incoming: IncomingRestart, Trusted: networks, SampleRatio: 1},
			request: Request{Traceparent: sampledParent, Client: outside},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginRestarted},
		{name: "the first format that is valid", policy: Policy{Incoming: IncomingContinue, Extract: many},
			request: Request{Traceparent: droppedParent, Tracestate: "rojo=1", Foreign: map[string]string{"x-datadog-trace-id": "jane", "b3": clientTraceID + "-" + clientSpanID + "-1"}},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "the client left the decision to us", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1, Extract: many},
			request: Request{Foreign: map[string]string{"b3": clientTraceID + "-" + clientSpanID}},
			want:    "00-" + clientTraceID + "-0000000000000001-01", origin: OriginContinued, parent: clientSpanID},
		{name: "another format's span is linked to", policy: Policy{Incoming: IncomingLink, SampleRatio: 1, Extract: many},
			request: Request{Foreign: map[string]string{"b3": clientTraceID + "-" + clientSpanID + "-0"}},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginLinked, link: droppedParent},
		{name: "another format's that is not valid", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1, Extract: many},
			request: Request{Foreign: map[string]string{"x-b3-sampled": "1"}},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginInvalid},
		{name: "a format that is not looked for", policy: Policy{Incoming: IncomingContinue, SampleRatio: 1, Extract: []formats.Format{formats.B3}},
			request: Request{Traceparent: sampledParent},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginStarted},
		{name: "address unknown", policy: Policy{Incoming: IncomingRestart, Trusted: networks, SampleRatio: 1},
			request: Request{Traceparent: sampledParent},
			want:    "00-" + ownTrace + "-0000000000000003-03", origin: OriginRestarted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.policy.Extract == nil {
				tt.policy.Extract = w3c
			}
			got := tt.policy.Start(tt.request, counting())
			if got.Context.String() != tt.want || got.State.String() != tt.state || got.Origin != tt.origin {
				t.Errorf("got %s %q %s, want %s %q %s", got.Context, got.State, got.Origin, tt.want, tt.state, tt.origin)
			}
			if parent := hexOrEmpty(got.Parent.IsZero(), got.Parent.String()); parent != tt.parent {
				t.Errorf("parent %q, want %q", parent, tt.parent)
			}
			if link := hexOrEmpty(got.Link.IsZero(), got.Link.String()); link != tt.link {
				t.Errorf("link %q, want %q", link, tt.link)
			}
		})
	}
}

func hexOrEmpty(zero bool, s string) string {
	if zero {
		return ""
	}
	return s
}

// TestStartNeverYieldsZeroIDs: a random source may yield zeroes.
func TestStartNeverYieldsZeroIDs(t *testing.T) {
	t.Parallel()
	values := []uint64{0, 0, 0, 7, 0, 0, 9}
	got := Policy{SampleRatio: 1}.Start(Request{}, func() uint64 {
		v := values[0]
		values = values[1:]
		return v
	})
	if want := "00-00000000000000000000000000000007-0000000000000009-03"; got.Context.String() != want {
		t.Errorf("got %s, want %s", got.Context, want)
	}
}

func TestStartBoundsTracestate(t *testing.T) {
	t.Parallel()
	state := "a=1," + strings.Repeat("b", 100) + "=" + strings.Repeat("x", 255) + "," + strings.Repeat("c", 100) + "=" + strings.Repeat("y", 255)
	got := Policy{Incoming: IncomingContinue, Extract: w3c}.Start(Request{Traceparent: sampledParent, Tracestate: state}, counting())
	if n := len(got.State.String()); n > tracecontext.MinPropagated || n == 0 {
		t.Errorf("%d characters of tracestate go upstream", n)
	}
}

// TestRatioAgreesWithOpenTelemetry: a service behind the gateway that samples
// by the same ratio must come to the same decision for every trace id.
func TestRatioAgreesWithOpenTelemetry(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for _, ratio := range []float64{-1, 0, 1e-9, 0.01, 0.25, 0.5, 0.9, 1, 2} {
		sampler := sdktrace.TraceIDRatioBased(ratio)
		sampled := 0
		for range 2000 {
			id := newTraceID(random.Uint64)
			ours := sampledByRatio(id, ratio)
			theirs := sampler.ShouldSample(sdktrace.SamplingParameters{TraceID: trace.TraceID(id)}).Decision == sdktrace.RecordAndSample
			if ours != theirs {
				t.Fatalf("ratio %v, id %s: OpenTelemetry samples: %v; we: %v", ratio, id, theirs, ours)
			}
			if ours {
				sampled++
			}
		}
		if share := float64(sampled) / 2000; share < ratio-0.05 && ratio <= 1 || share > max(ratio, 0)+0.05 {
			t.Errorf("ratio %v sampled %v", ratio, share)
		}
	}
}

func TestRatioBoundary(t *testing.T) {
	t.Parallel()
	var id tracecontext.TraceID
	binary.BigEndian.PutUint64(id[8:], 1<<63)
	if sampledByRatio(id, 0.5) {
		t.Error("the id at the bound is sampled")
	}
	binary.BigEndian.PutUint64(id[8:], 1<<63-1)
	if !sampledByRatio(id, 0.5) {
		t.Error("the id below the bound is not sampled")
	}
}
