package serverspan

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	start := time.UnixMilli(1000)
	at := func(ms float64) time.Time { return start.Add(time.Duration(ms * float64(time.Millisecond))) }
	for _, tt := range []struct {
		name    string
		tries   []kongrecord.Try
		handled float64      // milliseconds after the start
		want    [][2]float64 // likewise, of a request of 100
	}{
		{"none", nil, 0, nil},
		{"Kong says when they began", []kongrecord.Try{{StartedAt: 1003, Took: 20}, {StartedAt: 1023.5, Took: -1}}, 0, [][2]float64{{3, 23.5}, {23.5, 100}}},
		{"nginx says how long they took", []kongrecord.Try{{Took: 20}, {Took: 30}}, 0, [][2]float64{{48, 70}, {70, 100}}},
		{"and we when none had begun", []kongrecord.Try{{Took: 20}, {Took: 30}}, 49.5, [][2]float64{{49.5, 70}, {70, 100}}},
		{"and we in the middle of one", []kongrecord.Try{{Took: 20}}, 101, [][2]float64{{100, 100}}},
		{"longer than the request", []kongrecord.Try{{Took: 20}, {Took: 130}}, 0, [][2]float64{{0, 0}, {0, 100}}},
		{"before the request and after it", []kongrecord.Try{{StartedAt: 900}, {StartedAt: 5000}}, 0, [][2]float64{{0, 100}, {100, 100}}},
		{"nobody knows", []kongrecord.Try{{Took: -1}}, 0, [][2]float64{{100, 100}}},
	} {
		var got [][2]float64
		for _, p := range periods(tt.tries, start, at(tt.handled), at(100)) {
			got = append(got, [2]float64{float64(p.start.Sub(start)) / 1e6, float64(p.end.Sub(start)) / 1e6})
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCallFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		try    kongrecord.Try
		want   string
	}{
		{200, kongrecord.Try{Status: 200, Answered: true}, ""},
		{304, kongrecord.Try{Status: 304, Answered: true}, ""},
		{404, kongrecord.Try{Status: 404, Answered: true}, "404"},
		{502, kongrecord.Try{Status: 502, Answered: true}, "502"},
		{502, kongrecord.Try{Status: 502}, "connection_error"},
		{504, kongrecord.Try{Status: 504}, "timeout"},
		{499, kongrecord.Try{}, "499"},
		{200, kongrecord.Try{}, "_OTHER"},
	} {
		r := Request{Status: tt.status, Tries: []kongrecord.Try{tt.try}}
		if got := r.callFailure(0); got != tt.want {
			t.Errorf("%+v in a request that ended with %d: %q, want %q", tt.try, tt.status, got, tt.want)
		}
	}
}

// BenchmarkRecord is what the spans of a request cost, apart from their way to the
// collector.
func BenchmarkRecord(b *testing.B) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(IDs{}), sdktrace.WithSpanProcessor(discard{}))
	rec := &Recorder{Tracer: provider.Tracer("bench"), Random: func() uint64 { return 1 }}
	request := func(tries ...kongrecord.Try) *Request {
		return &Request{
			StartedAt: 1767225600123, Latency: 44, GatewayLatency: 3, UpstreamLatency: 40, ID: "0f4a7f1d3e5b6c7d8e9f0a1b2c3d4e5f",
			Method: "GET", URI: "/web/v1/dashboard", Protocol: "HTTP/1.1", Host: "shop.example", Port: 8443, ClientIP: "203.0.113.77",
			RouteName: "web", RoutePaths: []string{"/web/v1/dashboard"}, ServiceName: "web-bff", Status: 200, Source: "upstream",
			RateLimit: "allowed", Tries: tries,
		}
	}
	one := request(kongrecord.Try{Address: "10.0.0.7", Port: 8081, Status: 200, Answered: true, Took: 40})
	two := request(kongrecord.Try{Address: "10.0.0.8", Port: 8081, Status: 504, Took: 10}, one.Tries[0])
	for _, bb := range []struct {
		name    string
		request *Request
		call    tracecontext.SpanID
	}{{"server", one, tracecontext.SpanID{}}, {"server and a call", one, tracecontext.SpanID{2}}, {"server and two calls", two, tracecontext.SpanID{2}}} {
		b.Run(bb.name, func(b *testing.B) {
			trace := propagation.Trace{Context: tracecontext.Traceparent{TraceID: tracecontext.TraceID{1}, SpanID: tracecontext.SpanID{1}, Flags: 3}, Call: bb.call}
			b.ReportAllocs()
			for b.Loop() {
				if err := rec.Record(trace, bb.request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// discard takes spans and keeps none.
type discard struct{}

func (discard) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discard) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (discard) Shutdown(context.Context) error                  { return nil }
func (discard) ForceFlush(context.Context) error                { return nil }
