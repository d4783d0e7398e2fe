package propagation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	continued := Policy{Incoming: IncomingContinue}.Start(Request{Traceparent: sampledParent, Tracestate: "rojo=1"}, counting())
	begun := Policy{Incoming: IncomingRestart}.Start(Request{Traceparent: sampledParent, Tracestate: "rojo=1"}, counting())
	tests := []struct {
		name                     string
		trace                    Trace
		baggage                  Baggage
		header                   string
		wantUpstream, wantClient map[string][]string
	}{
		{"continued", continued, BaggagePass, "X-Trace-Id",
			map[string][]string{"traceparent": {continued.Context.String()}, "tracestate": {"rojo=1"}},
			map[string][]string{"X-Trace-Id": {clientTraceID}}},
		{"begun here", begun, BaggageRemove, "",
			map[string][]string{"traceparent": {begun.Context.String()}, "tracestate": {}, "baggage": {}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.wantUpstream, tt.trace.UpstreamHeaders(tt.baggage)); diff != "" {
				t.Errorf("upstream headers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantClient, tt.trace.ResponseHeaders(tt.header)); diff != "" {
				t.Errorf("response headers (-want +got):\n%s", diff)
			}
		})
	}
}
