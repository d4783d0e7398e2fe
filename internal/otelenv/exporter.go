package otelenv

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Exporter is what OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_* name: OTLP over HTTP, or
// over gRPC, or the console. It reaches out to nothing yet.
//
// It is nil where spans are not wanted: if OTEL_SDK_DISABLED is true, if
// OTEL_TRACES_EXPORTER is none, or if neither that nor an endpoint is set. The
// specification would have it send to localhost in the last case.
func Exporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	if err := check(sdkVariables); err != nil {
		return nil, err
	}
	if disabled() || !anySet("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
		return nil, nil
	}
	if err := check(exporterVariables); err != nil {
		return nil, err
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up the exporter of spans from OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_*: %w", err)
	}
	if autoexport.IsNoneSpanExporter(exporter) {
		return nil, nil
	}
	return exporter, nil
}

func disabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

func anySet(names ...string) bool {
	for _, name := range names {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}
