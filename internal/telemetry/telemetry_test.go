package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// chain is a server that calls another through a traced transport, and what the
// other received.
func chain(t *testing.T, tel *telemetry.Telemetry) (front http.Handler, received func() http.Header) {
	t.Helper()
	var got http.Header
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(back.Close)
	client := tel.Client(back.Client().Transport)
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, back.URL+"/v1/users/u1", nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := client.Do(out)
		if err != nil {
			t.Error(err)
			return
		}
		_ = resp.Body.Close()
	})
	route := func(r *http.Request) string {
		if r.URL.Path == "/pages/7" {
			return "/pages/{id}"
		}
		return ""
	}
	return tel.Handler(next, route), func() http.Header { return got }
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path  string
		names []string
	}{
		"a page":       {"/pages/7", []string{"GET", "GET /pages/{id}"}},
		"no such page": {"/wp-admin/7", []string{"GET", "GET"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			front, received := chain(t, telemetry.With(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
			r := httptest.NewRequest(http.MethodGet, tc.path, nil)
			r.Header.Set("Traceparent", traceparent)
			r.Header.Set("Tracestate", "kong=1")
			front.ServeHTTP(httptest.NewRecorder(), r)

			var names []string
			for _, s := range spans.Ended() {
				names = append(names, s.Name())
				if s.SpanContext().TraceID().String() != traceID {
					t.Errorf("span %s is of trace %s, want the caller's", s.Name(), s.SpanContext().TraceID())
				}
			}
			if diff := cmp.Diff(tc.names, names); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			client := spans.Ended()[0].SpanContext()
			if want := "00-" + traceID + "-" + client.SpanID().String() + "-01"; received().Get("Traceparent") != want {
				t.Errorf("sent traceparent %s, want %s", received().Get("Traceparent"), want)
			}
			if received().Get("Tracestate") != "kong=1" {
				t.Errorf("sent tracestate %q, want the caller's", received().Get("Tracestate"))
			}
		})
	}
}

func TestCallerDecidesSampling(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	front, received := chain(t, telemetry.With(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
	r := httptest.NewRequest(http.MethodGet, "/pages/7", nil)
	r.Header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-00")
	front.ServeHTTP(httptest.NewRecorder(), r)
	if len(spans.Ended()) != 0 {
		t.Errorf("%d spans of a trace that is not sampled", len(spans.Ended()))
	}
	if got := received().Get("Traceparent"); len(got) != len(traceparent) || got[len(got)-3:] != "-00" {
		t.Errorf("sent traceparent %q, want it unsampled", got)
	}
}

func TestWithoutEndpointTraceContextPassesThrough(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	tel, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Logger: slog.New(slog.DiscardHandler), Scrub: unscrubbed})
	if err != nil {
		t.Fatal(err)
	}
	front, received := chain(t, tel)
	r := httptest.NewRequest(http.MethodGet, "/pages/7", nil)
	r.Header.Set("Traceparent", traceparent)
	front.ServeHTTP(httptest.NewRecorder(), r)
	if received().Get("Traceparent") != traceparent {
		t.Errorf("sent traceparent %q, want the caller's", received().Get("Traceparent"))
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	posted := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { posted <- r.Method + " " + r.URL.Path }))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tel, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Logger: slog.New(slog.DiscardHandler), Scrub: unscrubbed})
	if err != nil {
		t.Fatal(err)
	}
	front, _ := chain(t, tel)
	front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/pages/7", nil))
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-posted; got != "POST /v1/traces" {
		t.Errorf("the collector got %s", got)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(telemetry.Logs(slog.NewJSONHandler(&out, nil))).With("service", "test").WithGroup("g")
	id, _ := trace.TraceIDFromHex(traceID)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}})
	logger.InfoContext(trace.ContextWithSpanContext(context.Background(), span), "in a span")
	var line struct {
		Service string
		G       struct {
			TraceID string `json:"trace_id"`
			SpanID  string `json:"span_id"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Service != "test" || line.G.TraceID != traceID || line.G.SpanID != "0100000000000000" {
		t.Errorf("line %s, want service, trace_id and span_id in it", out.Bytes())
	}
	out.Reset()
	logger.Info("without")
	if bytes.Contains(out.Bytes(), []byte("trace_id")) {
		t.Errorf("line %s has a trace_id", out.Bytes())
	}
}
