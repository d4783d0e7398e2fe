package propagation

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
)

var (
	w3c  = []formats.Format{formats.W3C}
	many = []formats.Format{formats.Datadog, formats.B3, formats.W3C}
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	client := Request{
		Traceparent: sampledParent, Tracestate: "rojo=1",
		Foreign: map[string]string{"b3": clientTraceID + "-" + clientSpanID + "-1", "x-b3-traceid": "", "sentry-trace": "1"},
	}
	stranger := Request{Foreign: map[string]string{"x-datadog-trace-id": "7"}}
	const own = "00-" + clientTraceID + "-0000000000000001-01"
	tests := []struct {
		name    string
		extract []formats.Format
		request Request
		headers Headers
		want    map[string][]string
	}{
		{"continued", w3c, client, Headers{Baggage: BaggagePass},
			map[string][]string{"traceparent": {own}, "tracestate": {"rojo=1"}, "b3": {}, "x-b3-traceid": {}, "sentry-trace": {}, "sentry_trace": {}}},
		{"begun here", nil, Request{}, Headers{Baggage: BaggageRemove},
			map[string][]string{"traceparent": {"00-00000000000000010000000000000002-0000000000000003-02"}, "tracestate": {}, "baggage": {}}},
		{"what is listed passes", w3c, client, Headers{Baggage: BaggagePass, Pass: []string{"b3", "x-b3-traceid"}},
			map[string][]string{"traceparent": {own}, "tracestate": {"rojo=1"}, "sentry-trace": {}, "sentry_trace": {}}},
		{"found, removed, written", many, client, Headers{Baggage: BaggagePass, Clear: []string{"x-old", "b3", "traceparent"}, Inject: []formats.Format{Preserve, formats.Jaeger}},
			map[string][]string{
				"traceparent": {own}, "tracestate": {}, "x-old": {}, "x-b3-traceid": {}, "sentry-trace": {}, "sentry_trace": {},
				"b3": {clientTraceID + "-0000000000000001-1"}, "uber-trace-id": {clientTraceID + ":0000000000000001:0:1"},
			}},
		{"nothing to preserve; each spelling removed", many, stranger, Headers{Baggage: BaggagePass, Inject: []formats.Format{Preserve}, Default: formats.AWS},
			map[string][]string{
				"traceparent": {"00-00000000000000010000000000000002-0000000000000003-02"}, "tracestate": {},
				"x-amzn-trace-id":    {"Root=1-00000000-000000010000000000000002;Parent=0000000000000003;Sampled=0"},
				"x-datadog-trace-id": {}, "x_datadog-trace-id": {}, "x-datadog_trace-id": {}, "x_datadog_trace-id": {},
				"x-datadog-trace_id": {}, "x_datadog-trace_id": {}, "x-datadog_trace_id": {}, "x_datadog_trace_id": {},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			trace := Policy{Incoming: IncomingContinue, Extract: tt.extract}.Start(tt.request, counting())
			if diff := cmp.Diff(tt.want, tt.headers.Upstream(trace, tt.request)); diff != "" {
				t.Errorf("upstream headers (-want +got):\n%s", diff)
			}
			for name, values := range tt.headers.Upstream(trace, tt.request) {
				if len(values) > 0 && !tt.headers.Issued(name) {
					t.Errorf("%s is written, and a client may have it removed", name)
				}
			}
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	t.Parallel()
	trace := Policy{Incoming: IncomingContinue, Extract: w3c, Calls: true}.Start(Request{Traceparent: sampledParent}, counting())
	const own = "00-" + clientTraceID + "-0000000000000001-01" // and not that of the call
	for _, tt := range []struct {
		response Response
		want     map[string][]string
	}{
		{Response{}, map[string][]string{}},
		{Response{TraceID: "X-Trace-Id"}, map[string][]string{"X-Trace-Id": {clientTraceID}}},
		{Response{Traceresponse: true}, map[string][]string{"traceresponse": {own}}},
		{Response{ServerTiming: "traceparent"}, map[string][]string{"Server-Timing": {`traceparent;desc="` + own + `"`}}},
		{Response{ServerTiming: "trace"}, map[string][]string{"Server-Timing": {`trace;desc="` + own + `"`}}},
	} {
		if diff := cmp.Diff(tt.want, tt.response.Headers(trace)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.response, diff)
		}
	}
}

// TestCallIsTheParent: the service gets the call as its parent, in every format.
func TestCallIsTheParent(t *testing.T) {
	t.Parallel()
	trace := Policy{Incoming: IncomingContinue, Extract: w3c, Calls: true}.Start(Request{Traceparent: sampledParent}, counting())
	headers := Headers{Inject: []formats.Format{formats.B3Single}}
	got := headers.Upstream(trace, Request{})
	const call = "0000000000000002"
	want := map[string][]string{
		"traceparent": {"00-" + clientTraceID + "-" + call + "-01"}, "tracestate": {}, "b3": {clientTraceID + "-" + call + "-1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestIssued(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		inject []formats.Format
		name   string
		want   bool
	}{
		{nil, "Traceparent", true}, {nil, "TRACESTATE", true}, {nil, "b3", false},
		{[]formats.Format{formats.B3Single}, "B3", true}, {[]formats.Format{formats.B3Single}, "X-B3-TraceId", false},
		{[]formats.Format{Preserve}, "x-Datadog-Tags", true}, {[]formats.Format{Preserve}, "X-User-Id", false},
	} {
		if got := (&Headers{Inject: tt.inject}).Issued(tt.name); got != tt.want {
			t.Errorf("inject %v: %s is issued: %v", tt.inject, tt.name, got)
		}
	}
}
