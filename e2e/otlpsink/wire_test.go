package otlpsink

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// What no well-behaved SDK sends, but a receiver gets all the same.

var (
	someTrace    = bytes.Repeat([]byte{1}, 16)
	spanA, spanB = bytes.Repeat([]byte{2}, 8), bytes.Repeat([]byte{3}, 8)
)

func encoded(t testing.TB, spans ...*trace.Span) []byte {
	t.Helper()
	body, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{
		ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{Spans: spans}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func post(s *Sink, contentType string, body []byte) int {
	r := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

func read(s *Sink, path string) string {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

func TestContentTypeMayHaveParameters(t *testing.T) {
	t.Parallel()
	if status := post(New(), "application/x-protobuf; charset=utf-8", encoded(t)); status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
}

func TestNumbersThatJSONLacks(t *testing.T) {
	t.Parallel()
	for want, number := range map[string]float64{"NaN": math.NaN(), "+Inf": math.Inf(1), "-Inf": math.Inf(-1)} {
		attribute := &common.KeyValue{Key: "x", Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: number}}}
		s := New()
		post(s, "application/x-protobuf", encoded(t, &trace.Span{TraceId: someTrace, SpanId: spanA, Attributes: []*common.KeyValue{attribute}}))
		var spans []Span
		if err := json.Unmarshal([]byte(read(s, "/traces/"+strings.Repeat("01", 16))), &spans); err != nil {
			t.Fatal(err)
		}
		if len(spans) != 1 || spans[0].Attributes["x"] != want {
			t.Errorf("spans %+v, want one with %s", spans, want)
		}
	}
}

func TestSpansWithoutIDsAreLeftOut(t *testing.T) {
	t.Parallel()
	s := New()
	post(s, "application/x-protobuf", encoded(t,
		&trace.Span{Name: "none"}, &trace.Span{Name: "no span id", TraceId: someTrace}, &trace.Span{Name: "short", TraceId: spanA, SpanId: spanB}))
	if list := read(s, "/traces"); list != "[]" {
		t.Errorf("list is %s", list)
	}
}

func TestTreeHasEverySpanOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spans []*trace.Span
		want  string
	}{
		{"a circle of two", []*trace.Span{{Name: "A", SpanId: spanA, ParentSpanId: spanB}, {Name: "B", SpanId: spanB, ParentSpanId: spanA}}, "A|  B"},
		{"its own parent", []*trace.Span{{Name: "A", SpanId: spanA, ParentSpanId: spanA}}, "A"},
		{"exported twice", []*trace.Span{{Name: "A", SpanId: spanA}, {Name: "A", SpanId: spanA}}, "A"},
		{"the parent is elsewhere", []*trace.Span{{Name: "A", SpanId: spanA, ParentSpanId: spanB}}, "A"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, span := range tt.spans {
				span.TraceId = someTrace
			}
			s := New()
			post(s, "application/x-protobuf", encoded(t, tt.spans...))
			var got []string
			for line := range strings.Lines(read(s, "/traces/"+strings.Repeat("01", 16)+"?format=text")) {
				_, span, _ := strings.Cut(line, "ms    0.0ms  ")
				got = append(got, strings.Replace(strings.TrimSuffix(span, "\n"), " unspecified ", "", 1))
			}
			if tree := strings.Join(got, "|"); tree != tt.want {
				t.Errorf("tree %q, want %q", tree, tt.want)
			}
		})
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(encoded(f, &trace.Span{TraceId: someTrace, SpanId: spanA, Name: "A"}, &trace.Span{TraceId: someTrace, SpanId: spanB, ParentSpanId: spanA}))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := New()
		if status := post(s, "application/x-protobuf", body); status != http.StatusOK && status != http.StatusBadRequest {
			t.Fatalf("status %d", status)
		}
		var list []Summary
		if err := json.Unmarshal([]byte(read(s, "/traces")), &list); err != nil {
			t.Fatalf("list: %v", err)
		}
		for _, summary := range list {
			var spans []Span
			if err := json.Unmarshal([]byte(read(s, "/traces/"+summary.TraceID)), &spans); err != nil || len(spans) != summary.Spans {
				t.Fatalf("trace %s: %d spans, %v, want %d", summary.TraceID, len(spans), err, summary.Spans)
			}
			if read(s, "/traces/"+summary.TraceID+"?format=text") == "" {
				t.Fatalf("trace %s draws an empty tree", summary.TraceID)
			}
		}
	})
}
