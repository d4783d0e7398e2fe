package propagation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEncodedTraceSurvives(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{
		{Incoming: IncomingContinue, SampleRatio: 1}, {Incoming: IncomingLink, SampleRatio: 1}, {Incoming: IncomingRestart},
		{Incoming: IncomingContinue, Calls: true, Keep: Keep{Errors: true}},
		{Calls: true, Keep: Keep{Errors: true, Statuses: []int{404, 429}, Slow: time.Second}},
	} {
		want := policy.Start(Request{Traceparent: sampledParent, Tracestate: "rojo=<1>,congo=\"2\"", Told: map[string]string{"x-app-version": "1.2"}}, counting())
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", policy.Incoming, diff)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, incoming := range []Incoming{IncomingContinue, IncomingLink} {
		text, err := Policy{Incoming: incoming}.Start(Request{Traceparent: sampledParent, Tracestate: "a=1"}, counting()).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(`{"traceparent":"` + sampledParent + `","parent":"x","link":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Decode(text)
		if err == nil && (got.Context.TraceID.IsZero() || got.Context.SpanID.IsZero()) {
			t.Fatalf("%q gave a trace without ids", text)
		}
	})
}
