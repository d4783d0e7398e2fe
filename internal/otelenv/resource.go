package otelenv

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Resource says who makes the spans: service and version, and a service.instance.id that
// is new with each process. OTEL_RESOURCE_ATTRIBUTES goes over these, and
// OTEL_SERVICE_NAME over that.
func Resource(ctx context.Context, service, version string) (*resource.Resource, error) {
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithService(),
		resource.WithAttributes(semconv.ServiceName(service), semconv.ServiceVersion(version)),
		resource.WithFromEnv()) // last, so that it wins
	if err != nil {
		return nil, fmt.Errorf("describe this process; OTEL_RESOURCE_ATTRIBUTES has the form key=value,key=value: %w", err)
	}
	return r, nil
}
