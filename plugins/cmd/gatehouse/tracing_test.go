package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestTracingByEnvironment: where the gateway's spans go, and as whose.
func TestTracingByEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want []string // the path of each export, and its service
	}{
		"nothing set":               {nil, nil},
		"endpoint":                  {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, []string{"/v1/traces gatehouse-gateway"}},
		"endpoint for traces alone": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "URL/spans"}, []string{"/spans gatehouse-gateway"}},
		"service in attributes":     {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL", "OTEL_RESOURCE_ATTRIBUTES": "service.name=edge"}, []string{"/v1/traces edge"}},
		"disabled":                  {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL", "OTEL_SDK_DISABLED": "true"}, nil},
		"sampler, which has no say": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL", "OTEL_TRACES_SAMPLER": "always_off"}, []string{"/v1/traces gatehouse-gateway"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var export coltrace.ExportTraceServiceRequest
				if err := proto.Unmarshal(body, &export); err != nil {
					return
				}
				for _, kv := range export.GetResourceSpans()[0].GetResource().GetAttributes() {
					if kv.GetKey() == "service.name" {
						got = append(got, r.URL.Path+" "+kv.GetValue().GetStringValue())
					}
				}
			}))
			defer collector.Close()
			for name, value := range tc.env {
				t.Setenv(name, strings.ReplaceAll(value, "URL", collector.URL))
			}
			tracer, err := newTracer(nil, slog.New(slog.DiscardHandler), nil, true)
			if err != nil {
				t.Fatal(err)
			}
			exportOne(t, tracer)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("exports (-want +got):\n%s", diff)
			}
		})
	}
}

// exportOne has tracer export the span of one request, and ends it.
func exportOne(t *testing.T, tracer *traceinject.Runtime) {
	t.Helper()
	config := tracer.New().(*traceinject.Config)
	if err := config.Provision(); err != nil {
		t.Fatal(err)
	}
	trace, err := config.Tracer().Recall(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tracer.Export(trace, &kongrecord.Record{StartedAt: 1767225600000}); err != nil {
		t.Fatal(err)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestUnheededVariablesAreNamed, once each, at the start.
func TestUnheededVariablesAreNamed(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	t.Setenv("OTEL_PROPAGATORS", "b3")
	var log bytes.Buffer
	if _, err := newTracer(nil, slog.New(slog.NewTextHandler(&log, nil)), nil, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"variable=OTEL_TRACES_SAMPLER ": 1, "variable=OTEL_PROPAGATORS ": 1, "variable=OTEL_TRACES_SAMPLER_ARG ": 0} {
		if n := strings.Count(log.String(), name); n != want {
			t.Errorf("%s is named %d times, want %d:\n%s", name, n, want, log.String())
		}
	}
}
