package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// collector takes spans over OTLP by HTTP and by gRPC.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	paths    []string // how exports came, such as /v1/traces, or grpc
	services []string // their service.name
	versions []string // their service.version
	spans    int
}

func (c *collector) took(path string, r *coltrace.ExportTraceServiceRequest) {
	c.paths = append(c.paths, path)
	for _, rs := range r.GetResourceSpans() {
		for _, kv := range rs.GetResource().GetAttributes() {
			switch kv.GetKey() {
			case "service.name":
				c.services = append(c.services, kv.GetValue().GetStringValue())
			case "service.version":
				c.versions = append(c.versions, kv.GetValue().GetStringValue())
			}
		}
		for _, scope := range rs.GetScopeSpans() {
			c.spans += len(scope.GetSpans())
		}
	}
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var export coltrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &export); err == nil {
		c.took(r.URL.Path, &export)
	}
}

// Export implements coltrace.TraceServiceServer.
func (c *collector) Export(_ context.Context, r *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	c.took("grpc", r)
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// serve has c listen at addr, and returns where that is.
func (c *collector) serve(t *testing.T, addr, protocol string) string {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if protocol == "grpc" {
		server := grpc.NewServer()
		coltrace.RegisterTraceServiceServer(server, c)
		go func() { _ = server.Serve(ln) }()
		t.Cleanup(server.Stop)
	} else {
		server := &http.Server{Handler: c}
		go func() { _ = server.Serve(ln) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	return "http://" + ln.Addr().String()
}

// unscrubbed leaves spans as they are.
func unscrubbed(next sdktrace.SpanProcessor) sdktrace.SpanProcessor { return next }

// clearEnvironment has the test begin without a variable of OpenTelemetry's.
func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// TestEnvironment is the table of docs/tracing.md, for what can be seen from outside.
func TestEnvironment(t *testing.T) {
	const (
		general  = "OTEL_EXPORTER_OTLP_ENDPOINT"
		traces   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
		protocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	)
	for name, tc := range map[string]struct {
		env    string // NAME=value, with blanks between; HTTP and GRPC stand for the collector's URLs
		path   string // where the export came; empty: there was none
		spans  int
		batch  int    // spans in an export; default all
		named  string // service.name; default test
		header string // that carries the context on; default Traceparent
	}{
		"nothing set":                    {env: ""},
		"general endpoint":               {env: general + "=HTTP", path: "/v1/traces", spans: 2},
		"general endpoint with a path":   {env: general + "=HTTP/otlp/", path: "/otlp/v1/traces", spans: 2},
		"endpoint for traces alone":      {env: traces + "=HTTP/spans", path: "/spans", spans: 2},
		"endpoint for traces wins":       {env: general + "=NOBODY " + traces + "=HTTP/spans", path: "/spans", spans: 2},
		"gRPC":                           {env: general + "=GRPC " + protocol + "=grpc", path: "grpc", spans: 2},
		"gRPC for traces wins":           {env: traces + "=GRPC " + protocol + "=http/protobuf OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc", path: "grpc", spans: 2},
		"disabled":                       {env: general + "=HTTP OTEL_SDK_DISABLED=true"},
		"not disabled":                   {env: general + "=HTTP OTEL_SDK_DISABLED=false", path: "/v1/traces", spans: 2},
		"no exporter":                    {env: general + "=HTTP OTEL_TRACES_EXPORTER=none"},
		"the exporter named":             {env: general + "=HTTP OTEL_TRACES_EXPORTER=otlp", path: "/v1/traces", spans: 2},
		"service by its own variable":    {env: general + "=HTTP OTEL_SERVICE_NAME=shop OTEL_RESOURCE_ATTRIBUTES=service.name=other", path: "/v1/traces", spans: 2, named: "shop"},
		"service by resource attributes": {env: general + "=HTTP OTEL_RESOURCE_ATTRIBUTES=service.name=shop,region=eu", path: "/v1/traces", spans: 2, named: "shop"},
		"sampler always off":             {env: general + "=HTTP OTEL_TRACES_SAMPLER=always_off"},
		"sampler by the parent":          {env: general + "=HTTP OTEL_TRACES_SAMPLER=parentbased_always_off", path: "/v1/traces", spans: 2},
		"sampler with a ratio":           {env: general + "=HTTP OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0"},
		"a batch for each span":          {env: general + "=HTTP OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1", path: "/v1/traces", spans: 2, batch: 1},
		"propagators":                    {env: general + "=HTTP OTEL_PROPAGATORS=b3", path: "/v1/traces", spans: 2, header: "B3"},
		"propagators where disabled":     {env: "OTEL_SDK_DISABLED=true OTEL_PROPAGATORS=none", header: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			var c collector
			urls := strings.NewReplacer("HTTP", c.serve(t, "127.0.0.1:0", "http/protobuf"), "GRPC", c.serve(t, "127.0.0.1:0", "grpc"), "NOBODY", "http://127.0.0.1:1")
			for pair := range strings.FieldsSeq(tc.env) {
				variable, value, _ := strings.Cut(pair, "=")
				t.Setenv(variable, urls.Replace(value))
			}
			tel, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Version: "v7", Logger: slog.New(slog.DiscardHandler), Scrub: unscrubbed})
			if err != nil {
				t.Fatal(err)
			}
			front, received := chain(t, tel)
			r := httptest.NewRequest(http.MethodGet, "/pages/7", nil)
			r.Header.Set("Traceparent", traceparent)
			front.ServeHTTP(httptest.NewRecorder(), r)
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			var want collector
			if tc.batch == 0 {
				tc.batch = tc.spans
			}
			for ; want.spans < tc.spans; want.spans += tc.batch {
				want.paths = append(want.paths, tc.path)
				want.services = append(want.services, or(tc.named, "test"))
				want.versions = append(want.versions, "v7")
			}
			if diff := cmp.Diff(want, c, cmp.AllowUnexported(collector{})); diff != "" {
				t.Errorf("exports (-want +got):\n%s", diff)
			}
			for _, header := range []string{"Traceparent", "B3"} {
				if sent := received().Get(header) != ""; sent != (header == or(tc.header, "Traceparent")) {
					t.Errorf("%s was sent on: %v", header, sent)
				}
			}
		})
	}
}

// TestHeaders of vendors reach them, decoded.
func TestHeaders(t *testing.T) {
	clearEnvironment(t)
	headers := make(chan http.Header, 1)
	vendor := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header }))
	t.Cleanup(vendor.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", vendor.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-honeycomb-team=key,Authorization=Basic%20aW5zdGFuY2U6dG9rZW4=")
	tel, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Logger: slog.New(slog.DiscardHandler), Scrub: unscrubbed})
	if err != nil {
		t.Fatal(err)
	}
	front, _ := chain(t, tel)
	front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/pages/7", nil))
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := <-headers
	for name, want := range map[string]string{"X-Honeycomb-Team": "key", "Authorization": "Basic aW5zdGFuY2U6dG9rZW4="} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// TestOutage: no span is lost while nobody listens where the collector will be.
func TestOutage(t *testing.T) {
	for name, protocol := range map[string]string{"HTTP": "http/protobuf", "gRPC": "grpc"} {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := ln.Addr().String()
			_ = ln.Close()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+addr)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100") // of one try
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
			noticed := make(notices, 10)
			tel, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Logger: slog.New(noticed), Scrub: unscrubbed})
			if err != nil {
				t.Fatal(err)
			}
			front, _ := chain(t, tel)
			for range 5 {
				front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/pages/7", nil))
			}
			if got := noticed.next(); got != "export spans" {
				t.Fatalf("logged %q, want the outage", got)
			}
			var c collector
			c.serve(t, addr, protocol)
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.spans != 10 {
				t.Errorf("%d spans arrived, want those of 5 requests, 10", c.spans)
			}
			if got := noticed.next(); got != "export spans: recovered" {
				t.Errorf("logged %q, want the end of the outage", got)
			}
		})
	}
}

// notices are the messages that were logged.
type notices chan string

// next waits for a message.
func (n notices) next() string {
	select {
	case message := <-n:
		return message
	case <-time.After(10 * time.Second):
		return "nothing"
	}
}

func (n notices) Enabled(context.Context, slog.Level) bool { return true }
func (n notices) WithAttrs([]slog.Attr) slog.Handler       { return n }
func (n notices) WithGroup(string) slog.Handler            { return n }
func (n notices) Handle(_ context.Context, r slog.Record) error {
	n <- r.Message
	return nil
}

// TestMistakesInEnvironment wants a line that names the variable, the value and the fix.
func TestMistakesInEnvironment(t *testing.T) {
	for pair, fix := range map[string]string{
		"OTEL_SDK_DISABLED=yes":                               "true, false",
		"OTEL_TRACES_EXPORTER=zipkin":                         "otlp, console, none",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/json":               "http/protobuf, grpc",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=udp":              "http/protobuf, grpc",
		"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318":          "http://host:4318",
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://host":              "http://host:4318",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://":                 "http://host:4318",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://[::1":      "http://host:4318/v1/traces",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":                      "milliseconds",
		"OTEL_EXPORTER_OTLP_HEADERS=hunter2":                  "NAME=VALUE",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=x key=hunter2":     "NAME=VALUE",
		"OTEL_EXPORTER_OTLP_HEADERS=a=b,key=hunter2%":         "NAME=VALUE",
		"OTEL_EXPORTER_OTLP_COMPRESSION=zstd":                 "gzip, none",
		"OTEL_EXPORTER_OTLP_CERTIFICATE=no-such.pem":          "PEM file",
		"OTEL_EXPORTER_OTLP_CLIENT_KEY=environment_test.go":   "PEM file",
		"OTEL_BSP_SCHEDULE_DELAY=-1":                          "milliseconds",
		"OTEL_BSP_EXPORT_TIMEOUT=1m":                          "milliseconds",
		"OTEL_BSP_MAX_QUEUE_SIZE=lots":                        "spans",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0":                    "spans",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=many":                "whole number",
		"OTEL_TRACES_SAMPLER=jaeger_remote":                   "parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG=1.5":                         "0 to 1",
		"OTEL_PROPAGATORS=tracecontext,datadog":               "b3multi",
		"OTEL_RESOURCE_ATTRIBUTES=service.name=shop,nonsense": "key=value",
	} {
		t.Run(pair, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			variable, value, _ := strings.Cut(pair, "=")
			t.Setenv(variable, value)
			_, err := telemetry.New(t.Context(), telemetry.Options{Service: "test", Logger: slog.New(slog.DiscardHandler), Scrub: unscrubbed})
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range []string{variable, fix} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not mention %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q has a secret in it", err)
			}
		})
	}
}
