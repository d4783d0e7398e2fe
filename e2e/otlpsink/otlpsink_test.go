package otlpsink

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// record exports a server span with a failed client span below it, by the SDK's own
// exporter, and returns the trace's id.
func record(t *testing.T, url string, compression otlptracehttp.Compression) string {
	t.Helper()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(url+"/v1/traces"), otlptracehttp.WithCompression(compression))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "shop"))))
	tracer := provider.Tracer("test")
	ctx, server := tracer.Start(t.Context(), "GET /cart", trace.WithSpanKind(trace.SpanKindServer))
	_, client := tracer.Start(ctx, "GET", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.Int("http.response.status_code", 503)))
	client.SetStatus(codes.Error, "503")
	client.End()
	server.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server.SpanContext().TraceID().String()
}

func TestExporterToTrace(t *testing.T) {
	for name, compression := range map[string]otlptracehttp.Compression{"plain": otlptracehttp.NoCompression, "gzip": otlptracehttp.GzipCompression} {
		t.Run(name, func(t *testing.T) {
			sink := New()
			server := httptest.NewServer(sink)
			defer server.Close()
			id := record(t, server.URL, compression)
			spans := sink.Trace(id)
			if len(spans) != 2 {
				t.Fatalf("the trace has %d spans, want 2: %+v", len(spans), spans)
			}
			parent, child := spans[0], spans[1]
			if parent.Kind != "server" || parent.Service != "shop" || parent.ParentSpanID != "" || parent.Status != "unset" {
				t.Errorf("parent = %+v", parent)
			}
			if child.Kind != "client" || child.ParentSpanID != parent.SpanID || child.Status != "error" || child.Attributes["http.response.status_code"] != int64(503) {
				t.Errorf("child = %+v", child)
			}
		})
	}
}

func TestReading(t *testing.T) {
	server := httptest.NewServer(New())
	defer server.Close()
	id := record(t, server.URL, otlptracehttp.NoCompression)

	var list []Summary
	if err := json.Unmarshal([]byte(fetch(t, server.URL+"/traces?limit=1", http.StatusOK)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].TraceID != id || list[0].Name != "GET /cart" || list[0].Spans != 2 {
		t.Errorf("list = %+v", list)
	}
	tree := strings.Split(fetch(t, server.URL+"/traces/"+id+"?format=text", http.StatusOK), "\n")
	if !strings.HasSuffix(tree[0], "  shop server GET /cart") || !strings.HasSuffix(tree[1], "    shop client GET") {
		t.Errorf("tree = %q", tree)
	}
	fetch(t, server.URL+"/traces/"+strings.Repeat("0", 32), http.StatusNotFound)
	fetch(t, server.URL+"/traces?limit=none", http.StatusBadRequest)
}

func fetch(t *testing.T, url string, status int) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Errorf("GET %s: status %d, want %d: %s", url, resp.StatusCode, status, body)
	}
	return string(body)
}

func TestBadExports(t *testing.T) {
	tests := []struct {
		name, contentType, encoding, body string
		status                            int
	}{
		{"JSON", "application/json", "", "{}", http.StatusUnsupportedMediaType},
		{"not protobuf", "application/x-protobuf", "", "\xff\xff", http.StatusBadRequest},
		{"not gzip", "application/x-protobuf", "gzip", "plain", http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/v1/traces", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			r.Header.Set("Content-Encoding", tt.encoding)
			w := httptest.NewRecorder()
			New().ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
		})
	}
}

func TestOldTracesAreForgotten(t *testing.T) {
	s := newStore()
	for i := range maxTraces + 1 {
		s.add([]Span{{TraceID: string(rune('a' + i)), SpanID: "1"}})
	}
	if got := len(s.traces); got != maxTraces {
		t.Errorf("%d traces are held, want %d", got, maxTraces)
	}
	if s.trace("a") != nil {
		t.Error("the oldest trace is still held")
	}
}
